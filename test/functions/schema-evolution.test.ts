// Versions meet: newer and older collectors at this converter, newer and older Parquet in one table.
// The rules are in docs/architecture.md, "How the schema changes"; another version is this one's text or file, altered.
import { deepEqual, equal, ok } from "node:assert/strict";
import { globSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import type { Context } from "aws-lambda";
import type { ConvertReport } from "../../functions/convert.ts";
import { createRollupHandler } from "../../functions/rollup.ts";
import { pendingConverter } from "../../local/convert-pending.ts";
import { openLake } from "../../local/duckdb.ts";
import { folderStore } from "../../local/folder-store.ts";
import { stderrLog } from "../../local/log.ts";
import { type Column, sampleKinds, tables } from "../../schema/columns.ts";
import { HOUR_MS, rawKey } from "../../schema/keys.ts";
import { encodeBatch, WIRE_VERSION, type WireBatch } from "../../schema/wire.ts";
import { lakeFolder } from "../support/lake.ts";
import { hostOf, processesOnly, processSample } from "./process-samples.ts";

const START_MS = Date.UTC(2026, 10, 23, 9);
const LATE_MS = START_MS + 6 * HOUR_MS;
const OLDER_LACKS = ["pss_bytes", "tunables", "free_bytes_by_size"];

const rowsOf = (host: number, count = 4) =>
  Array.from({ length: count }, (_, process) => processSample(host, process * 4, 0, START_MS));
const batchOf = (host: number) => JSON.parse(encodeBatch(hostOf(host), processesOnly(rowsOf(host)))) as WireBatch;
const member = (batch: unknown) => gzipSync(`${JSON.stringify(batch)}\n`);

const put = (folder: string, name: string, bytes: Uint8Array) => folderStore(folder).put(rawKey(START_MS, name), bytes);

async function convert(folder: string): Promise<readonly Extract<ConvertReport, { kind: "converted" }>[]> {
  const reports: Extract<ConvertReport, { kind: "converted" }>[] = [];
  const report = (one: ConvertReport) => {
    ok(one.kind === "converted");
    reports.push(one);
  };
  const converter = pendingConverter(folder, { log: stderrLog, report, nowMs: () => LATE_MS });
  equal(await converter.convertPending(), 0);
  return reports;
}

/** On one machine an object is announced again when nothing remembers that it was converted. */
const announceAgain = (folder: string) => rmSync(join(folder, "state"), { recursive: true });

const rejectsOf = (folder: string): readonly Readonly<Record<string, unknown>>[] =>
  globSync(join(folder, "rejects/**/*.ndjson")).flatMap((path) =>
    readFileSync(path, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
  );

async function ask(folder: string, sql: string) {
  const lake = await openLake(folder);
  try {
    return (await lake.query(sql)).rows;
  } finally {
    lake.close();
  }
}

async function duckdb(sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(sql);
  connection.closeSync();
  instance.closeSync();
}

/** Writes the file anew as a version with fewer columns, or more, would have. */
async function rewrite(path: string, selected: string): Promise<void> {
  await duckdb(`COPY (SELECT ${selected} FROM read_parquet('${path}')) TO '${path}.new' (FORMAT parquet)`);
  renameSync(`${path}.new`, path);
}

test("a newer collector loses no row: what it sends beyond our columns and kinds is named once a batch", async () => {
  const folder = await lakeFolder([], LATE_MS);
  const newer = (host: number) => {
    const { v, host: identity, k } = batchOf(host);
    const section = k.process ?? { n: 0, c: {} };
    const process = { ...section, c: { ...section.c, huge_page_count: rowsOf(host).map((_, at) => at) } };
    const gpu = { n: 2, c: { gpu_bytes: [1, 2] } };
    return { v, host: { ...identity, novel_place: "eu" }, k: { process, gpu } };
  };
  await put(folder, "newer", Buffer.concat([member(newer(0)), member(newer(1))]));
  const [report] = await convert(folder);
  deepEqual([report?.rows.process, report?.rejectedRows, report?.rejects], [8, 4, 6]);
  deepEqual(
    rejectsOf(folder).map(({ member, reason, kind, field, value }) => [member, reason, kind, field, value]),
    [0, 1].flatMap((at) => [
      [at, "unknown_column", null, "novel_place", "novel_place"],
      [at, "unknown_column", "process", "huge_page_count", "huge_page_count"],
      [at, "unknown_kind", "gpu", null, "gpu"],
    ]),
  );
  const expected = [0, 1].flatMap((host) => rowsOf(host).map((row) => [hostOf(host).host_id, row.sequence, row.rss_bytes]));
  const order = (a: readonly unknown[], b: readonly unknown[]) => (String(a) < String(b) ? -1 : 1);
  const stored = await ask(folder, "SELECT host_id, sequence, rss_bytes FROM process_samples");
  deepEqual([...stored].sort(order), expected.sort(order));
});

test("a higher wire version is refused, kept, and converted once a converter that knows it hears of the object again", async () => {
  const folder = await lakeFolder([], LATE_MS);
  const higher = member({ ...batchOf(1), v: WIRE_VERSION + 1 });
  await put(folder, "mixed", Buffer.concat([member(batchOf(0)), higher, member(batchOf(2))]));
  const [report] = await convert(folder);
  deepEqual([report?.rows.process, report?.rejects], [8, 1]);
  const [refused] = rejectsOf(folder);
  deepEqual(
    [refused?.["reason"], refused?.["member"], refused?.["value"], refused?.["limit"]],
    ["version", 1, String(WIRE_VERSION + 1), `v is ${WIRE_VERSION}`],
  );
  const key = String(refused?.["object_key"]);
  const raw = (await folderStore(folder).get(key)) ?? Buffer.alloc(0);
  ok(Buffer.from(raw).includes(higher), "the raw object that rejects names still holds the batch");

  // In the place of a converter that knows the version, the version becomes one that this converter knows.
  const known = gzipSync(
    gunzipSync(higher)
      .toString()
      .replace(`"v":${WIRE_VERSION + 1}`, `"v":${WIRE_VERSION}`),
  );
  await folderStore(folder).put(key, Buffer.concat([member(batchOf(0)), known, member(batchOf(2))]));
  announceAgain(folder);
  await convert(folder);
  const counted = "SELECT count(*), count(DISTINCT host_id), count(DISTINCT (host_id, boot_id, sequence)) FROM process";
  deepEqual(await ask(folder, counted), [[12, 3, 12]]);
});

test("an older collector's rows are whole: columns that it does not know are NULL", async () => {
  const folder = await lakeFolder([], LATE_MS);
  const older = batchOf(0);
  for (const name of OLDER_LACKS) delete older.k.process?.c[name];
  delete older.host["host_name"];
  await put(folder, "older", Buffer.concat([member(older), member(batchOf(1))]));
  const [report] = await convert(folder);
  deepEqual([report?.rows.process, report?.rejects], [8, 0]);
  const counts = OLDER_LACKS.map((name) => `count(${name})`).join(", ");
  const [lacking, whole] = await ask(
    folder,
    `SELECT count(*), count(rss_bytes), count(host_name), ${counts} FROM process_samples GROUP BY host_id ORDER BY count(host_name)`,
  );
  deepEqual(lacking, [4, 4, 0, 0, 0, 0]);
  ok(whole?.every((count) => Number(count) > 0));
});

test("older Parquet lies beside newer in one table, also once both are compacted: NULL where the older has no column", async () => {
  const folder = await lakeFolder([], LATE_MS);
  for (let host = 0; host < 10; host++) await put(folder, `object-${host}`, member(batchOf(host)));
  await convert(folder);
  const files = globSync(join(folder, "lake/process/**/*.parquet")).sort();
  equal(files.length, 10);
  for (const path of files.slice(0, 5)) await rewrite(path, `* EXCLUDE (${OLDER_LACKS.join(", ")})`);

  const counts = ["rss_bytes", ...OLDER_LACKS].map((name) => `count(${name})`).join(", ");
  const question = `SELECT count(*), ${counts} FROM process_samples`;
  const expected = [[40, 40, ...OLDER_LACKS.map((name) => 5 * rowsWith(name))]];
  deepEqual(await ask(folder, question), expected);

  const lake = await openLake(folder);
  const handler = createRollupHandler({
    queries: lake,
    lake: folderStore(folder),
    bucketSeconds: 3_600,
    report: () => undefined,
  });
  await handler({ hoursMs: [START_MS], settledMs: LATE_MS, runId: "a" }, {} as Context);
  lake.close();
  equal(globSync(join(folder, "lake/process/**/*.parquet")).length, 1);
  deepEqual(await ask(folder, question), expected);
  deepEqual(await ask(folder, "SELECT count(*), sum(sample_count) FROM process_hours"), [[40, 40]]);
});

const rowsWith = (name: string): number => rowsOf(0).filter((row) => (row[name as keyof typeof row] ?? null) !== null).length;

test("Parquet of a newer version reads as what this one knows, and its further columns are left alone", async () => {
  const folder = await lakeFolder([], LATE_MS);
  for (const host of [0, 1]) await put(folder, `object-${host}`, member(batchOf(host)));
  await convert(folder);
  const [path = ""] = globSync(join(folder, "lake/process/**/*.parquet")).sort();
  const before = await ask(folder, "SELECT count(*), sum(rss_bytes) FROM process_samples");
  await rewrite(path, "'new' AS novel_first, *, 7 AS novel_last");
  deepEqual(await ask(folder, "SELECT count(*), sum(rss_bytes) FROM process_samples"), before);
  deepEqual(await ask(folder, "SELECT count(novel_last) FROM process"), [[4]]);
});

test("what a row must have is what wire version 1 began with: one column more would cost every older collector its rows", () => {
  const required = (columns: Readonly<Record<string, Column>>) =>
    Object.keys(columns).filter((name) => columns[name]?.required === true);
  const identity = ["host_id", "boot_id", "sampled_at", "sequence"];
  const process = [...identity, "pid", "process_key", "service"];
  equal(WIRE_VERSION, 1, "a new version may ask for more: write its list down here; a kind may begin with what it likes");
  deepEqual(
    sampleKinds.map((kind) => required(tables[kind])),
    [process, identity, identity, [...process, "event", "event_at"]],
  );
});
