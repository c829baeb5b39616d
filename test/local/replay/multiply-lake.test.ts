// A lake's own history on many times the hosts: every row as often as asked for, whole hours away, and marked.
// Traces are replay-traces.test.ts's, the command is replay.test.ts's.
import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { openLake } from "../../../local/duckdb.ts";
import { multiplyLake } from "../../../local/replay/multiply-lake.ts";
import type { HostIdentity } from "../../../schema/columns.ts";
import { HOUR_MS } from "../../../schema/keys.ts";
import { lakeFolder } from "../../support/lake.ts";
import { collectorSample, hostIdentity, hostSample, processSample, samples } from "../../support/samples.ts";

const START_MS = Date.UTC(2026, 10, 23, 9);
const LATE_MS = START_MS + 6 * HOUR_MS;
const END_MS = Date.UTC(2026, 11, 24, 18, 20);
const TABLES = ["process", "host", "collector", "process_hour"];
const minute = (n: number) => START_MS + n * 60_000;

const rowsOf = ({ host_id }: HostIdentity) =>
  samples({
    // Two hours, with one between them that has no rows.
    process: [0, 1, 130].map((at, sequence) =>
      processSample({
        sequence,
        sampled_at: minute(at),
        process_started_at: START_MS - 12_345,
        rss_bytes: 2 ** 53 - 1 - at,
        service: `${host_id}'s`,
        free_bytes_by_size: [at, 2],
      }),
    ),
    host: [hostSample({ sampled_at: minute(2), mem_total_bytes: 7 })],
    collector: [collectorSample({ sampled_at: minute(3), row_count: 5 })],
  });
const hosts: readonly HostIdentity[] = [hostIdentity, { host_id: "i-2", boot_id: "b-2" }];

let source = "";
before(async () => {
  // The first object comes twice, as a queue may have it.
  const deliveries = [...hosts, hostIdentity].map((host) => ({ host, samples: rowsOf(host) }));
  source = await lakeFolder(deliveries, LATE_MS, true);
});

const emptyFolder = () => mkdtempSync(join(tmpdir(), "tidemark-replay-"));

const multiply = (folder: string, given: Partial<Parameters<typeof multiplyLake>[0]> = {}) =>
  multiplyLake({ source, folder, copies: 3, endMs: END_MS, progress: () => undefined, ...given });

async function ask(folder: string, sql: string) {
  const lake = await openLake(folder);
  try {
    return (await lake.query(sql)).rows;
  } finally {
    lake.close();
  }
}

/** The hour 11 of the source becomes 17, the last whole one before the end. */
const SHIFT = `INTERVAL '${(Date.UTC(2026, 11, 24, 17) - Date.UTC(2026, 10, 23, 11)) / HOUR_MS}' HOUR`;

test("every row of every table is there as often as asked for, whole hours away, every other value as it was", async () => {
  const folder = emptyFolder();
  const { hours } = await multiply(folder);
  equal(hours, 2);
  const kept = {
    process: "pid, service, sequence, rss_bytes, free_bytes_by_size, sampled_at",
    host: "sequence, mem_total_bytes, sampled_at",
    collector: "sequence, row_count, sampled_at",
    process_hour: "pid, service, sample_count, rss_bytes_max, hour",
  };
  const views = {
    process: "process_samples",
    host: "host_samples",
    collector: "collector_samples",
    process_hour: "process_hours",
  };
  for (const table of TABLES as (keyof typeof kept)[]) {
    const time = table === "process_hour" ? "hour" : "sampled_at";
    const original = await ask(
      source,
      `SELECT DISTINCT ${kept[table].replace(time, `${time} + ${SHIFT}`)} FROM ${views[table]} ORDER BY ALL`,
    );
    const copies = await ask(folder, `SELECT DISTINCT ${kept[table]} FROM ${views[table]} ORDER BY ALL`);
    deepEqual(copies, original, table);
    deepEqual(
      await ask(folder, `SELECT count(*) / 3 FROM ${views[table]}`),
      await ask(source, `SELECT count(*) FROM ${views[table]}`),
      table,
    );
  }
});

test("a row lies in the partition of its shifted time, and no time moves against another", async () => {
  const folder = emptyFolder();
  await multiply(folder);
  const misplaced = TABLES.map((table) => {
    const time = table === "process_hour" ? "hour" : "sampled_at";
    return `SELECT count(*) AS n FROM ${table} WHERE strftime(${time}, '%Y-%m-%d') <> dt OR hour(${time}) <> hr`;
  });
  deepEqual(await ask(folder, `SELECT sum(n) FROM (${misplaced.join(" UNION ALL ")})`), [[0]]);
  const lives = "SELECT DISTINCT sampled_at - process_started_at AS life FROM process_samples ORDER BY life";
  deepEqual(await ask(folder, lives), await ask(source, lives));
  deepEqual(await ask(folder, "SELECT max(hour) FROM process_hours"), [["2026-12-24 17:00:00"]]);
});

test("every copy is a host, a boot and a process of its own, and says that it is replayed", async () => {
  const folder = emptyFolder();
  await multiply(folder);
  deepEqual(
    await ask(
      folder,
      "SELECT count(DISTINCT host_id), count(DISTINCT boot_id), count(DISTINCT process_key), min(host_id) FROM process_samples",
    ),
    [[6, 6, 3, "replay-0-i-0abc"]],
  );
  for (const table of ["process", "host", "collector"]) {
    const unmarked = `host_id NOT LIKE 'replay-%' OR collector_version IS DISTINCT FROM 'replay'`;
    deepEqual(await ask(folder, `SELECT count(*) FROM ${table} WHERE ${unmarked}`), [[0]], table);
  }
  for (const view of ["process_samples", "process_hours"]) {
    deepEqual(await ask(folder, `SELECT DISTINCT environment FROM ${view}`), [["replay"]]);
  }
});

test("hours can be shifted back as well, and by years", async () => {
  for (const endMs of [Date.UTC(2021, 0, 1, 12), Date.UTC(2040, 5, 1)]) {
    const folder = emptyFolder();
    await multiply(folder, { endMs, copies: 1 });
    const [[last] = []] = await ask(folder, "SELECT epoch_ms(max(hour)) FROM process_hours");
    equal(last, endMs - HOUR_MS);
  }
});

test("the same lake again overwrites itself; another lake into the same folder is kept beside it", async () => {
  const folder = emptyFolder();
  await multiply(folder);
  const count = "SELECT count(*), count(DISTINCT host_id) FROM process";
  const once = await ask(folder, count);
  await multiply(folder);
  deepEqual(await ask(folder, count), once);
  const other = await lakeFolder([{ host: { host_id: "i-3", boot_id: "b" }, samples: rowsOf(hostIdentity) }], LATE_MS);
  await multiply(folder, { source: other, copies: 1 });
  deepEqual(await ask(folder, "SELECT count(DISTINCT host_id) FROM process"), [[7]]);
});

test("findings stay behind: they would be of another fleet", async () => {
  const folder = emptyFolder();
  await multiply(folder);
  deepEqual(await ask(folder, "SELECT count(*) FROM findings"), [[0]]);
});

test("a lake without rows, or with a name that is a pattern, is refused by name", async () => {
  const empty = emptyFolder();
  mkdirSync(join(empty, "lake"));
  await rejects(multiply(emptyFolder(), { source: empty }), (error: Error) => {
    match(error.message, /has no rows to replay/);
    return error.message.includes(empty);
  });
  await rejects(multiply(emptyFolder(), { source: "/tmp/a*b" }), /may not have any of \*\?\[\]\{\} in its name: \/tmp\/a\*b/);
});
