// The converter as the Lambda runs it, on a store in memory: from the queue's message to files, rejects and answers.
// Members, lines and the file format have tests of their own.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import type { Context, SQSEvent, SQSRecord } from "aws-lambda";
import { type ConvertReport, createConvertHandler } from "../../functions/convert.ts";
import { RAW_OBJECT_BYTES_MAX } from "../../functions/core/convert-message.ts";
import { REJECT_LINES_MAX } from "../../functions/core/rejects.ts";
import { type HostSample, noSamples, type ProcessSample } from "../../schema/columns.ts";
import { LAKE_PREFIX, RAW_PREFIX, REJECTS_PREFIX, rawKey } from "../../schema/keys.ts";
import { encodeBatch } from "../../schema/wire.ts";
import { memoryStore } from "../support/memory-store.ts";
import { queryWithDuckdb } from "./core/parquet/readers.ts";
import { gzipMember, hostOf, processesOnly, processSample } from "./process-samples.ts";

const ARRIVED_AT_MS = Date.UTC(2026, 10, 23, 12, 58);
const BUCKET = "tidemark-lake";
const KEY = rawKey(ARRIVED_AT_MS, "firehose-1 a+b%20c");

interface World {
  readonly objects: Map<string, Uint8Array>;
  readonly reports: ConvertReport[];
  readonly errors: string[];
  /** Delivers messages with these bodies and gives the ids of those that go back to the queue. */
  readonly deliver: (...bodies: string[]) => Promise<string[]>;
}

function createWorld({
  failing = () => false,
  nowMs = ARRIVED_AT_MS,
}: {
  failing?: (operation: "get" | "put", key: string) => boolean;
  nowMs?: number;
} = {}): World {
  const reports: ConvertReport[] = [];
  const errors: string[] = [];
  const store = memoryStore((operation, key) => (operation === "get" || operation === "put") && failing(operation, key));
  const { objects } = store;
  const handler = createConvertHandler({
    rawBucket: BUCKET,
    raw: store,
    lake: store,
    log: { info: () => {}, warn: () => {}, error: (message) => errors.push(message) },
    nowMs: () => nowMs,
    report: (report) => reports.push(report),
  });
  const deliver = async (...bodies: string[]) => {
    const { batchItemFailures } = await handler({ Records: bodies.map(sqsRecord) } as SQSEvent, {} as Context);
    return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  };
  return { objects, reports, errors, deliver };
}

const sqsRecord = (body: string, at: number) =>
  ({ messageId: `message-${at}`, body, attributes: { SentTimestamp: String(ARRIVED_AT_MS) } }) as SQSRecord;

const announce = (key: string, { bucket = BUCKET, size = 1_000 } = {}): string =>
  JSON.stringify({
    source: "aws.s3",
    "detail-type": "Object Created",
    detail: { bucket: { name: bucket }, object: { key, size } },
  });

/** 20 processes of two hosts at 12:58, 12:59, 13:00 and 13:01, so that rows fall into two hours. */
function rawObject(): Buffer {
  const members = [1, 0].map((host) => {
    const rows = Array.from({ length: 80 }, (_, at) => processSample(host, at % 20, Math.floor(at / 20), ARRIVED_AT_MS));
    const hostRow: HostSample = { sampled_at: ARRIVED_AT_MS, sequence: 1, mem_total_bytes: 2 ** 34 };
    return gzipMember(hostOf(host), { ...noSamples, process: rows, host: [hostRow] });
  });
  return Buffer.concat(members);
}

const keysUnder = ({ objects }: World, prefix: string): string[] =>
  [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
const rejectLines = (world: World): Record<string, unknown>[] =>
  keysUnder(world, REJECTS_PREFIX).flatMap((key) =>
    Buffer.from(world.objects.get(key) ?? [])
      .toString()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
  );

test("rows land in the partitions of their event hour, whatever the hour of arrival", async () => {
  const world = createWorld();
  world.objects.set(KEY, rawObject());
  deepEqual(await world.deliver(announce(KEY)), []);
  deepEqual(
    keysUnder(world, LAKE_PREFIX).map((key) => key.replace(/[0-9a-f]{32}-00000/, "*")),
    [
      "lake/host/dt=2026-11-23/hr=12/*.parquet",
      "lake/process/dt=2026-11-23/hr=12/*.parquet",
      "lake/process/dt=2026-11-23/hr=13/*.parquet",
    ],
  );
  for (const key of keysUnder(world, "lake/process/")) {
    const hours = await queryWithDuckdb(
      world.objects.get(key) ?? Buffer.alloc(0),
      "SELECT hour(sampled_at) AS hr, COUNT(*) AS n FROM t GROUP BY 1",
    );
    deepEqual(hours, [{ hr: key.includes("hr=12") ? 12 : 13, n: 80 }]);
  }
  deepEqual(rejectLines(world), []);
});

test("rows are sorted by service, host, process and time", async () => {
  const world = createWorld();
  world.objects.set(KEY, rawObject());
  await world.deliver(announce(KEY));
  const [key = ""] = keysUnder(world, "lake/process/");
  const identity = "SELECT service, host_id, pid, sampled_at, sequence FROM t";
  const bytes = world.objects.get(key) ?? Buffer.alloc(0);
  deepEqual(await queryWithDuckdb(bytes, identity), await queryWithDuckdb(bytes, `${identity} ORDER BY ALL`));
});

test("the report counts what came in, what went out and what did not", async () => {
  const world = createWorld();
  const object = Buffer.concat([rawObject(), Buffer.from("damage")]);
  world.objects.set(KEY, object);
  await world.deliver(announce(KEY));
  const files = keysUnder(world, LAKE_PREFIX);
  const [report] = world.reports;
  ok(report?.kind === "converted");
  deepEqual(report.rows, { process: 160, host: 2, collector: 0, detail: 0 });
  deepEqual([report.members, report.damagedMembers, report.rejects, report.rejectedRows], [3, 1, 1, 0]);
  deepEqual([...report.files].sort(), files);
  equal(report.bytesIn, object.length);
  equal(
    report.bytesOut,
    files.reduce((sum, key) => sum + (world.objects.get(key)?.length ?? 0), 0),
  );
});

test("a redelivered message writes the same files again, byte for byte", async () => {
  const world = createWorld();
  world.objects.set(KEY, Buffer.concat([rawObject(), Buffer.from("damage")]));
  await world.deliver(announce(KEY));
  const before = new Map(world.objects);
  await world.deliver(announce(KEY), announce(KEY));
  deepEqual(world.objects, before);
});

test("two raw objects never share a file", async () => {
  const world = createWorld();
  const other = rawKey(ARRIVED_AT_MS, "firehose-2");
  world.objects.set(KEY, rawObject()).set(other, rawObject());
  await world.deliver(announce(KEY), announce(other));
  equal(keysUnder(world, LAKE_PREFIX).length, 6);
});

test("a damaged member and a bad row cost themselves, and rejects tell where they were", async () => {
  const world = createWorld();
  const good = gzipMember(hostOf(0), processesOnly([processSample(0, 0, 0, ARRIVED_AT_MS)]));
  const damaged = Buffer.from(good);
  damaged.writeUInt8(damaged.readUInt8(damaged.length - 8) ^ 1, damaged.length - 8);
  const badRow = { ...processSample(0, 1, 0, ARRIVED_AT_MS), rss_bytes: "much" as unknown as number } satisfies ProcessSample;
  const twoLines =
    encodeBatch(hostOf(0), processesOnly([processSample(0, 2, 0, ARRIVED_AT_MS)])) +
    encodeBatch(hostOf(0), processesOnly([badRow]));
  world.objects.set(KEY, Buffer.concat([good, damaged, gzipSync(twoLines)]));
  await world.deliver(announce(KEY));

  const [report] = world.reports;
  ok(report?.kind === "converted");
  deepEqual([report.rows.process, report.rejectedRows, report.damagedMembers], [2, 1, 1]);
  const [crc, row] = rejectLines(world);
  deepEqual([crc?.["object_key"], crc?.["member"], crc?.["line"], crc?.["reason"]], [KEY, 1, null, "gzip_crc"]);
  deepEqual(row, {
    object_key: KEY,
    member: 2,
    line: 1,
    reason: "type",
    kind: "process",
    row: 0,
    field: "rss_bytes",
    value: "much",
    limit: "integer, 0 to 2^53-1",
  });
});

test("rejects beyond the limit are counted, not kept", async () => {
  const world = createWorld();
  world.objects.set(KEY, gzipSync("not json\n".repeat(REJECT_LINES_MAX + 7)));
  await world.deliver(announce(KEY));
  const lines = rejectLines(world);
  equal(lines.length, REJECT_LINES_MAX + 1);
  deepEqual([lines.at(-1)?.["reason"], lines.at(-1)?.["value"]], ["more_rejects", "7 more"]);
  equal(world.reports[0]?.kind === "converted" && world.reports[0].rejects, REJECT_LINES_MAX + 7);
});

const poison: { name: string; body: string; reason: string }[] = [
  { name: "that is not JSON", body: "hello", reason: "message_json" },
  { name: "that is null", body: "null", reason: "message_shape" },
  { name: "of another event", body: JSON.stringify({ Event: "s3:TestEvent" }), reason: "message_shape" },
  {
    name: "whose key is no text",
    body: JSON.stringify({ detail: { bucket: { name: BUCKET }, object: { key: 7 } } }),
    reason: "message_shape",
  },
  { name: "about another bucket", body: announce(KEY, { bucket: "elsewhere" }), reason: "foreign_bucket" },
  { name: "about a file of the lake", body: announce("lake/process/dt=2026-11-23/hr=12/x.parquet"), reason: "foreign_key" },
  { name: "about a raw key without an hour", body: announce(`${RAW_PREFIX}x.ndjson.gz`), reason: "foreign_key" },
  { name: "about a raw key with hour 99", body: announce(`${RAW_PREFIX}dt=2026-11-23/hr=99/x`), reason: "foreign_key" },
  { name: "about an object too large", body: announce(KEY, { size: RAW_OBJECT_BYTES_MAX + 1 }), reason: "object_too_large" },
  { name: "about an object that is gone", body: announce(rawKey(ARRIVED_AT_MS, "gone")), reason: "object_missing" },
];

for (const { name, body, reason } of poison) {
  test(`a message ${name} is refused for good, and its neighbours are converted`, async () => {
    const world = createWorld();
    const other = rawKey(ARRIVED_AT_MS, "neighbour");
    world.objects.set(KEY, rawObject()).set(other, rawObject());
    deepEqual(await world.deliver(announce(KEY), body, announce(other)), []);
    deepEqual(
      world.reports.map((report) => report.kind),
      ["converted", "refused", "converted"],
    );
    deepEqual(
      rejectLines(world).map((line) => line["reason"]),
      [reason],
    );
  });
}

test("an object of no bytes is done with, and nothing is written", async () => {
  const world = createWorld();
  world.objects.set(KEY, Buffer.alloc(0));
  deepEqual(await world.deliver(announce(KEY)), []);
  deepEqual(keysUnder(world, ""), [KEY]);
});

for (const operation of ["get", "put"] as const) {
  test(`a store that is down for one ${operation} sends back that message alone`, async () => {
    const other = rawKey(ARRIVED_AT_MS, "neighbour");
    const world = createWorld({
      failing: (what, key) =>
        what === operation && (operation === "get" ? key === KEY : key.includes("hr=13") && firstPuts-- > 0),
    });
    let firstPuts = 1;
    world.objects.set(KEY, rawObject()).set(other, rawObject());
    deepEqual(await world.deliver(announce(KEY), announce(other)), ["message-0"]);
    deepEqual(world.errors, ["message goes back to the queue"]);
    equal(world.reports.length, 1);
  });
}

test("a refusal that cannot be written down is retried, because otherwise it would be dropped silently", async () => {
  const world = createWorld({ failing: (operation) => operation === "put" });
  deepEqual(await world.deliver("hello"), ["message-0"]);
});
