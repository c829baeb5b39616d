// Delivered at least once, seen exactly once: whatever is converted twice, by whichever version and however late.
// Two converters at once are convert-parts.test.ts's; here a folder's lake is asked through its base views.
import { deepEqual, equal, ok } from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";
import type { Context } from "aws-lambda";
import { lakeFiles, partName } from "../../functions/core/lake-files.ts";
import { readRawObject } from "../../functions/core/raw-object.ts";
import type { QueryEngine } from "../../functions/edges.ts";
import { createRollupHandler } from "../../functions/rollup.ts";
import { pendingConverter } from "../../local/convert-pending.ts";
import { openLake } from "../../local/duckdb.ts";
import { folderStore } from "../../local/folder-store.ts";
import { stderrLog } from "../../local/log.ts";
import { noSamples } from "../../schema/columns.ts";
import { HOUR_MS, rawKey } from "../../schema/keys.ts";
import { lakeFolder } from "../support/lake.ts";
import { collectorSample, hostSample } from "../support/samples.ts";
import { gzipMember, hostOf, processSample } from "./process-samples.ts";

const START_MS = Date.UTC(2026, 10, 23, 9);
const LATE_MS = START_MS + 6 * HOUR_MS;
const HOSTS = 10;
const ROWS = 30;

/** Rows of ten minutes of one host: a member of each kind, and one with all of them. */
function hostMember(host: number): Buffer {
  const process = Array.from({ length: ROWS }, (_, at) => processSample(host, at % 3, Math.floor(at / 3), START_MS));
  const time = { sampled_at: START_MS + host, sequence: 500_000 + host };
  return gzipMember(hostOf(host), {
    ...noSamples,
    process,
    host: [hostSample({ ...time, mem_total_bytes: host })],
    collector: [collectorSample(time)],
  });
}
const members = Array.from({ length: HOSTS }, (_, host) => hostMember(host));

async function withLake<T>(folder: string, use: (lake: Awaited<ReturnType<typeof openLake>>) => Promise<T>): Promise<T> {
  const lake = await openLake(folder);
  try {
    return await use(lake);
  } finally {
    lake.close();
  }
}

const ask = (folder: string, sql: string) => withLake(folder, async (lake) => (await lake.query(sql)).rows);

/** Everything that a row says, so that a row seen twice, or half of one, would show. */
const seen = async (folder: string) => [
  await ask(
    folder,
    `SELECT count(*), count(DISTINCT (host_id, boot_id, sequence)), sum(rss_bytes), sum(hash(COLUMNS(*)::VARCHAR)::HUGEINT % 1000000007)
     FROM (SELECT process_key, rss_bytes, host_id, boot_id, sequence FROM process_samples)`,
  ),
  await ask(folder, "SELECT count(*), count(DISTINCT (host_id, boot_id, sequence)), sum(mem_total_bytes) FROM host_samples"),
  await ask(folder, "SELECT count(*), count(DISTINCT (host_id, boot_id, sequence)) FROM collector_samples"),
];

const storedRows = (folder: string) => ask(folder, "SELECT count(*) FROM process");

async function put(folder: string, objects: readonly Buffer[]): Promise<void> {
  for (const [number, bytes] of objects.entries()) await folderStore(folder).put(rawKey(START_MS, `object-${number}`), bytes);
}

/** Announces every raw object, also those that were converted before. */
async function announceAll(folder: string): Promise<void> {
  rmSync(join(folder, "state"), { recursive: true, force: true });
  const converter = pendingConverter(folder, { log: stderrLog, report: () => undefined, nowMs: () => LATE_MS });
  equal(await converter.convertPending(), 0);
}

const rollUp = (folder: string, runId: string, around: (engine: QueryEngine) => QueryEngine = (engine) => engine) =>
  withLake(folder, async (lake) => {
    let filesCompacted = 0;
    const report = (one: { filesCompacted: number }) => {
      filesCompacted = one.filesCompacted;
    };
    const handler = createRollupHandler({ queries: around(lake), lake: folderStore(folder), bucketSeconds: 3_600, report });
    await handler({ hoursMs: [START_MS], settledMs: LATE_MS, runId }, {} as Context);
    return filesCompacted;
  });

const hours = (folder: string) => ask(folder, "SELECT count(*), sum(sample_count), sum(rss_bytes_last) FROM process_hours");

/** What a version that ends its parts after this many rows leaves in the lake. */
async function convertInParts(folder: string, object: Buffer, partRows: number): Promise<number> {
  const key = rawKey(START_MS, "object-0");
  const { parts, rejects } = readRawObject(Readable.from([object]), { key, arrivedAtMs: START_MS }, { partRows });
  let part = 0;
  for await (const tables of parts) {
    for (const file of lakeFiles(tables, partName(key, part))) await folderStore(folder).put(file.key, file.bytes);
    part++;
  }
  equal(rejects.count, 0);
  return part;
}

test("an object converted by two versions with other part boundaries, in either order: every row is seen once", async () => {
  const object = Buffer.concat(members);
  const alone = await lakeFolder([], LATE_MS);
  await convertInParts(alone, object, Number.POSITIVE_INFINITY);
  const expected = await seen(alone);
  deepEqual(expected[0]?.[0]?.slice(0, 2), [HOSTS * ROWS, HOSTS * ROWS]);
  for (const [first, second] of [
    [40, 90],
    [90, 40],
    [1, Number.POSITIVE_INFINITY],
  ] as const) {
    const folder = await lakeFolder([], LATE_MS);
    const parts = [await convertInParts(folder, object, first), await convertInParts(folder, object, second)];
    ok(parts[0] !== parts[1], `both versions made ${parts[0]} parts`);
    ok(Number((await storedRows(folder))[0]?.[0]) >= HOSTS * ROWS);
    deepEqual(await seen(folder), expected, `${first} rows a part, then ${second}`);
  }
});

test("an object delivered again after its hour was compacted: seen once at once, counted once when the hour is rolled up again", async () => {
  const folder = await lakeFolder([], LATE_MS);
  await put(folder, members);
  await announceAll(folder);
  const [expected, stored] = [await seen(folder), await storedRows(folder)];
  equal(await rollUp(folder, "a"), 3 * (HOSTS - 1));
  const expectedHours = await hours(folder);
  deepEqual([await seen(folder), await storedRows(folder)], [expected, stored]);

  await announceAll(folder);
  deepEqual(await storedRows(folder), [[2 * Number(stored[0]?.[0])]]);
  deepEqual([await seen(folder), await hours(folder)], [expected, expectedHours]);

  equal(await rollUp(folder, "b"), 3 * HOSTS);
  deepEqual([await seen(folder), await hours(folder), await storedRows(folder)], [expected, expectedHours, stored]);
});

test("compacted by one version, converted again by another with other parts: every row is seen once", async () => {
  const folder = await lakeFolder([], LATE_MS);
  const object = Buffer.concat(members);
  await convertInParts(folder, object, 30);
  const expected = await seen(folder);
  ok((await rollUp(folder, "a")) > 0);
  await convertInParts(folder, object, 70);
  deepEqual(await seen(folder), expected);
  await rollUp(folder, "b");
  deepEqual(await seen(folder), expected);
});

test("an object that arrives while its hour is being compacted is neither lost nor doubled", async () => {
  const folder = await lakeFolder([], LATE_MS);
  await put(folder, members.slice(0, -1));
  await announceAll(folder);
  let isFirst = true;
  const interrupted = (engine: QueryEngine): QueryEngine => ({
    ...engine,
    async unload(name, parameters, prefix) {
      await engine.unload(name, parameters, prefix);
      if (!name.startsWith("compact_") || !isFirst) return;
      isFirst = false;
      await put(folder, members);
      await announceAll(folder);
    },
  });
  ok((await rollUp(folder, "a", interrupted)) > 0);
  const whole = await lakeFolder([], LATE_MS);
  await put(whole, members);
  await announceAll(whole);
  deepEqual(await seen(folder), await seen(whole));
});
