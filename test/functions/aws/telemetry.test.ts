// Nothing is lost unseen: each kind of loss shows in the converter's metrics, and in what one machine prints.
// How metrics leave a Lambda is test/functions/lambda/bundles.test.ts's.
import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { Metrics } from "@aws-lambda-powertools/metrics";
import type { Context, SQSEvent } from "aws-lambda";
import { countConversion, createTelemetry } from "../../../functions/aws/telemetry.ts";
import { type ConvertReport, createConvertHandler } from "../../../functions/convert.ts";
import { conversionTotals } from "../../../local/log.ts";
import { rawKey } from "../../../schema/keys.ts";
import { encodeBatch, WIRE_VERSION, type WireBatch } from "../../../schema/wire.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { hostOf, processesOnly, processSample } from "../process-samples.ts";

const ARRIVED_AT_MS = Date.UTC(2026, 10, 23, 12);
const KEY = rawKey(ARRIVED_AT_MS, "losses");
const NOTHING = { ConvertedObjects: 1, ConvertedRows: 2, RejectedRows: 0, DamagedMembers: 0, Rejects: 0 };

const rows = [0, 1].map((process) => processSample(0, process, 0, ARRIVED_AT_MS));
const whole = JSON.parse(encodeBatch(hostOf(0), processesOnly(rows))) as WireBatch;
const line = (given: object) => gzipSync(JSON.stringify({ ...whole, ...given }));
const section = (given: object) => ({ k: { process: { n: 2, c: { ...whole.k.process?.c, ...given } } } });
const damaged = () => {
  const bytes = line({});
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 8) ^ 1, bytes.length - 8);
  return bytes;
};

/** Beside a member that is whole. */
const losses: { name: string; member: Buffer; shows: Partial<typeof NOTHING> }[] = [
  { name: "nothing", member: Buffer.alloc(0), shows: {} },
  {
    name: "a wrong value",
    member: line(section({ rss_bytes: [1, -1] })),
    shows: { ConvertedRows: 3, RejectedRows: 1, Rejects: 1 },
  },
  { name: "rows of another time", member: line(section({ sampled_at: [0, 0] })), shows: { RejectedRows: 2, Rejects: 2 } },
  { name: "an unknown column", member: line(section({ novel: [1, 2] })), shows: { ConvertedRows: 4, Rejects: 1 } },
  { name: "an unknown kind", member: line({ k: { novel: { n: 5, c: {} } } }), shows: { RejectedRows: 5, Rejects: 1 } },
  { name: "an unknown version", member: line({ v: WIRE_VERSION + 1 }), shows: { Rejects: 1 } },
  { name: "a line that is no JSON", member: gzipSync("{\n"), shows: { Rejects: 1 } },
  { name: "a damaged member", member: damaged(), shows: { DamagedMembers: 1, Rejects: 1 } },
];

async function reportsOf(object: Buffer, body: string): Promise<readonly ConvertReport[]> {
  const store = memoryStore();
  const reports: ConvertReport[] = [];
  store.objects.set(KEY, object);
  const handler = createConvertHandler({
    raw: store,
    rawBucket: "b",
    lake: store,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    nowMs: () => ARRIVED_AT_MS,
    report: (report) => reports.push(report),
  });
  await handler(
    { Records: [{ messageId: "one", body, attributes: { SentTimestamp: String(ARRIVED_AT_MS) } }] } as unknown as SQSEvent,
    {} as Context,
  );
  return reports;
}

function metricsOf(reports: readonly ConvertReport[]): Readonly<Record<string, unknown>> {
  const metrics = new Metrics({ namespace: "Tidemark", serviceName: "convert" });
  for (const report of reports) countConversion({ ...createTelemetry(), metrics }, report);
  const { _aws, service, ...values } = metrics.serializeMetrics();
  equal(service, "convert");
  return values;
}

const printed = (reports: readonly ConvertReport[]): string => {
  const totals = conversionTotals();
  for (const report of reports) totals.add(report);
  return totals.text();
};

for (const { name, member, shows } of losses) {
  test(`${name}: the metrics and the line on the terminal say what was lost`, async () => {
    const body = JSON.stringify({ detail: { bucket: { name: "b" }, object: { key: KEY, size: 1 } } });
    const reports = await reportsOf(Buffer.concat([line({}), member]), body);
    const expected = { ...NOTHING, ...shows };
    deepEqual(metricsOf(reports), expected);
    match(printed(reports), new RegExp(`^${expected.ConvertedRows} rows in 1 objects .*, ${expected.Rejects} rejects$`));
  });
}

test("a refused message: the metrics and the line on the terminal say what was lost", async () => {
  const reports = await reportsOf(Buffer.alloc(0), "hello");
  deepEqual(metricsOf(reports), { RejectedRows: 1, Rejects: 1 });
  match(printed(reports), /^0 rows in 0 objects .*, 1 rejects$/);
});
