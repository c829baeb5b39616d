// A host that somebody has broken into: it may send whatever its role lets through, and the converter has to live with that.
// What no check can see, a host that claims to be another, is shown here as well, so that nobody relies on it.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { type LakeFile, lakeFiles, partName } from "../../functions/core/lake-files.ts";
import { readRawObject } from "../../functions/core/raw-object.ts";
import type { RejectList } from "../../functions/core/rejects.ts";
import { partitionRows } from "../../functions/core/sort-rows.ts";
import type { HostIdentity, ProcessSample } from "../../schema/columns.ts";
import { ROW_AGE_MAX_MS, ROW_FUTURE_MAX_MS, STRING_LENGTH_MAX } from "../../schema/decode.ts";
import { HOUR_MS } from "../../schema/keys.ts";
import { BATCH_ROWS_MAX, encodeBatch } from "../../schema/wire.ts";
import { withLake } from "../support/lake.ts";
import { hostIdentity, processSample, samples } from "../support/samples.ts";

const ARRIVED_MS = 1_800_000_000_000;
const KEY = "raw/dt=2027-01-15/hr=08/hostile.ndjson.gz";

interface Converted {
  readonly rowCount: number;
  readonly rejectedRowCount: number;
  readonly rejects: RejectList;
  readonly files: readonly LakeFile[];
}

async function convert(lines: readonly string[]): Promise<Converted> {
  async function* object() {
    for (const line of lines) yield gzipSync(line, { level: 1 });
  }
  const { parts, rejects, counts } = readRawObject(object(), { key: KEY, arrivedAtMs: ARRIVED_MS });
  const files: LakeFile[] = [];
  let part = 0;
  for await (const tables of parts) files.push(...lakeFiles(tables, partName(KEY, part++)));
  return { rowCount: counts.rows.process, rejectedRowCount: counts.rejectedRows, rejects, files };
}

const batchOf = (rows: readonly ProcessSample[], host: HostIdentity = hostIdentity): string =>
  encodeBatch(host, samples({ process: rows }));

/** The batch with one value of its first row as a stranger writes it. */
const poisoned = (column: string, value: string): string =>
  batchOf([processSample(), processSample({ sequence: 2 })]).replace(
    '"k":{"process":{"n":2,"c":{',
    `"k":{"process":{"n":2,"c":{${JSON.stringify(column)}:[${value},null],`,
  );

const absurd: readonly (readonly [what: string, column: string, value: string, reason: string])[] = [
  ["less than nothing", "rss_bytes", "-1", "range"],
  ["beyond 2^53", "rss_bytes", "9223372036854775808", "range"],
  ["more than a double holds", "rss_bytes", "1e400", "range"],
  ["half a byte", "rss_bytes", "0.5", "range"],
  ["a text for a number", "rss_bytes", '"NaN"', "type"],
  ["an object for a number", "rss_bytes", '{"$gt":0}', "type"],
  ["a text beyond the limit", "tunables", JSON.stringify("x".repeat(STRING_LENGTH_MAX + 1)), "range"],
  ["a list beyond the limit", "free_bytes_by_size", JSON.stringify(new Array(65).fill(1)), "range"],
  ["a negative in a list", "free_bytes_by_size", "[-1]", "range"],
];
for (const [what, column, value, reason] of absurd) {
  test(`a poisoned figure costs its own row, and says why: ${what}`, async () => {
    const { rowCount, rejectedRowCount, rejects } = await convert([poisoned(column, value)]);
    deepEqual([rowCount, rejectedRowCount], [1, 1]);
    deepEqual(
      rejects.lines.map((line) => [line.row, line.field, line.reason]),
      [[0, column, reason]],
    );
  });
}

test("times beyond a month ago and a day ahead are refused, so that no old hour is opened again and no year 9999 made", async () => {
  const at = (sampled_at: number, sequence: number) => processSample({ sampled_at, sequence });
  const earliest = ARRIVED_MS - ROW_AGE_MAX_MS;
  const latest = ARRIVED_MS + ROW_FUTURE_MAX_MS;
  const rows = [at(earliest, 1), at(latest, 2), at(earliest - 1, 3), at(latest + 1, 4), at(0, 5), at(253_402_300_799_000, 6)];
  const { rowCount, rejects, files } = await convert([batchOf(rows)]);
  equal(rowCount, 2);
  deepEqual(
    rejects.lines.map(({ reason, row }) => [reason, row]),
    [2, 3, 4, 5].map((row) => ["time", row]),
  );
  ok(files.every(({ hourMs }) => hourMs >= earliest - HOUR_MS && hourMs <= latest));
});

test("rows over all hours that are taken make as many files as there are hours, and no more", async () => {
  const hours = (ROW_AGE_MAX_MS + ROW_FUTURE_MAX_MS) / HOUR_MS;
  const rows = Array.from({ length: 5_000 }, (_, at) =>
    processSample({ sampled_at: ARRIVED_MS - ROW_AGE_MAX_MS + (at % hours) * HOUR_MS, sequence: at + 1 }),
  );
  async function* object() {
    yield gzipSync(batchOf(rows));
  }
  let files = 0;
  for await (const tables of readRawObject(object(), { key: KEY, arrivedAtMs: ARRIVED_MS }).parts) {
    files += partitionRows("process", tables.process).length;
  }
  equal(files, hours);
});

test("a flood of a hundred thousand services is kept and counted, in one file of one hour", async () => {
  const lines = Array.from({ length: 5 }, (_, batch) =>
    batchOf(
      Array.from({ length: BATCH_ROWS_MAX }, (_, at) =>
        processSample({ service: `flood-${batch}-${at}`, sequence: batch * BATCH_ROWS_MAX + at + 1 }),
      ),
    ),
  );
  const { rowCount, rejects, files } = await convert(lines);
  deepEqual([rowCount, rejects.count], [5 * BATCH_ROWS_MAX, 0]);
  ok(files.length <= 2, `${files.length} files`);
});

test("a batch of more rows than the limit is refused whole", async () => {
  const { rowCount, rejects } = await convert([batchOf([processSample()]).replace('"n":1', `"n":${BATCH_ROWS_MAX + 1}`)]);
  equal(rowCount, 0);
  deepEqual(
    rejects.lines.map(({ reason }) => reason),
    ["shape"],
  );
});

const names = [
  "../../../etc/passwd",
  "dt=2026-01-01/hr=00/x",
  "'; DROP TABLE process; --",
  "=cmd|'/c calc'!A1",
  "__proto__",
  "a\u0000b",
];

test("no name of a stranger becomes part of a file's key", async () => {
  const rows = names.map((name, at) => processSample({ service: name, process_key: name, comm: name, sequence: at + 1 }));
  const { rowCount, files } = await convert([
    batchOf(rows, { ...hostIdentity, host_id: names[0] ?? "", region: names[1] ?? "" }),
  ]);
  equal(rowCount, names.length);
  for (const { key } of files) match(key, /^lake\/process\/dt=2027-01-15\/hr=08\/[0-9a-f]{32}-00000\.parquet$/);
});

test("a name goes into a query and comes out of one as it is, and nothing of it is run", async () => {
  const rows = names.map((name, at) => processSample({ service: name, process_key: `key-${at}`, sequence: at + 1 }));
  await withLake([{ samples: samples({ process: rows }) }], ARRIVED_MS, async (lake) => {
    const { rows: seen } = await lake.query("SELECT service FROM process_samples ORDER BY sequence");
    deepEqual(
      seen.map(([service]) => service),
      names,
    );
  });
});

test("the same row sent again with other content counts once: sums do not grow", async () => {
  const first = processSample({ rss_bytes: 1_000 });
  const again = processSample({ rss_bytes: 9_000_000 });
  await withLake(
    [first, again].map((row) => ({ samples: samples({ process: [row] }) })),
    ARRIVED_MS,
    async (lake) => {
      const { rows } = await lake.query("SELECT count(*), (SELECT count(*) FROM process) FROM process_samples");
      deepEqual(rows, [[1, 2]]);
    },
  );
});

test("a host may claim to be another one, of another account: rows are kept as they claim, and nothing tells", async () => {
  const stranger = { ...hostIdentity, host_id: "i-0victim", account_id: "999999999999", region: "eu-central-1" };
  await withLake([{ samples: samples({ process: [processSample()] }), host: stranger }], ARRIVED_MS, async (lake) => {
    const { rows } = await lake.query("SELECT host_id, account_id, region FROM process_samples");
    deepEqual(rows, [["i-0victim", "999999999999", "eu-central-1"]]);
  });
});
