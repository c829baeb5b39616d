// What a question costs on the engine, by its own statistics: days that are not asked for are not read, nor are other columns.
// On Athena bytes read are the bill, so a query that stops pruning fails here and not on the invoice.
import { equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { executionParameters } from "../../functions/aws/athena-literals.ts";
import { readCatalogue } from "../../queries/catalogue.ts";
import type { Answer, TrinoClient } from "./client.ts";
import { DAYS, type TestLake } from "./lakes.ts";

const SCHEMA = "days";
const DAY = "2026-11-21";
/** All days of the lake hold the same rows; their files differ by a few bytes. */
const BYTES_TOLERANCE = 1.05;

export function pruningTests(client: () => TrinoClient, lakes: () => readonly TestLake[]): void {
  const ask = (sql: string) => client().query(sql, { schema: SCHEMA });

  for (const query of readCatalogue().values()) {
    test(`${query.name}: asked about one day of ${DAYS}, it reads one day`, async (context) => {
      const parameters = lakes().find(({ name }) => name === SCHEMA)?.parameters ?? {};
      const run = (days: object) =>
        client().execute(query.sql, executionParameters(query, { ...parameters, ...days }), { schema: SCHEMA });
      const all = await run({});
      const one = await run({ dt_first: DAY, dt_last: DAY });
      ok(
        all.statistics.inputRows > 0,
        `${query.name} reads nothing: put rows of its table into daysLake in test/trino/lakes.ts`,
      );
      isOneDayOf(all, one);
      context.diagnostic(`${described(all)} for ${DAYS} days, ${described(one)} for one`);
    });
  }

  test("a filter on dt or hr of a base view reaches the scan below the window that removes duplicates", async () => {
    const sql = (filter: string) => `SELECT count(*), sum(rss_bytes) FROM process_samples ${filter}`;
    const all = await ask(sql(""));
    const day = await ask(sql(`WHERE dt = '${DAY}'`));
    const hour = await ask(sql(`WHERE dt = '${DAY}' AND hr = 3`));
    isOneDayOf(all, day);
    equal(hour.statistics.inputRows * 2, day.statistics.inputRows, "a day of this lake has two hours");
    const service = await ask(sql("WHERE service = 'service-1'"));
    equal(service.statistics.inputRows, all.statistics.inputRows, "what is no partition key cannot skip partitions");

    const plan = String((await ask(`EXPLAIN ANALYZE ${sql(`WHERE dt = '${DAY}' AND hr = 3`)}`)).rows[0]?.[0]);
    const scan = plan.slice(plan.indexOf("TableScan["));
    match(scan, new RegExp(`dt:string:PARTITION_KEY\\s+:: \\[\\[${DAY}\\]\\]`));
    match(scan, /hr:int:PARTITION_KEY\s+:: \[\[3\]\]/);
    match(scan, new RegExp(`Input: ${hour.statistics.inputRows} rows`));
  });

  test("the bounds of an acute question's window reach the scan, past the join with its parameters", async () => {
    const query = readCatalogue().get("oom_kills");
    ok(query);
    const values = executionParameters(query, lakes().find(({ name }) => name === SCHEMA)?.parameters ?? {});
    let place = 0;
    const plan = String((await ask(`EXPLAIN ${query.sql.replaceAll("?", () => String(values[place++]))}`)).rows[0]?.[0]);
    match(plan, /ScanFilter\[table = hive:days:process, filterPredicate = \(\(sampled_at >= timestamp\(3\) '2026-/);
  });

  test("columns that a query does not name are not read", async (context) => {
    const few = await ask("SELECT sum(rss_bytes) FROM process");
    const many = await ask(
      "SELECT count(rss_bytes), count(process_key), count(live_bytes), count(free_bytes), count(anon_bytes), count(sampled_at) FROM process",
    );
    ok(few.statistics.inputBytes < many.statistics.inputBytes, `${described(few)}, ${described(many)}`);
    context.diagnostic(`${described(few)} for one column, ${described(many)} for six; every file's footer is in both`);
  });
}

function isOneDayOf(all: Answer, one: Answer): void {
  equal(one.statistics.inputRows * DAYS, all.statistics.inputRows);
  const bytesMax = (all.statistics.inputBytes / DAYS) * BYTES_TOLERANCE;
  ok(one.statistics.inputBytes > 0 && one.statistics.inputBytes <= bytesMax, `${described(one)} of ${described(all)}`);
}

const described = ({ statistics: { inputRows, inputBytes } }: Answer): string => `${inputRows} rows, ${inputBytes} bytes`;
