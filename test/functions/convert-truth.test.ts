// From a collector's rows to Parquet read back: no value of any column may differ, whatever the rows hold and however they travel.
// The writer alone is core/parquet/truth.test.ts's; what must be refused is convert.test.ts's.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import type { Context, SQSEvent } from "aws-lambda";
import fc from "fast-check";
import { type ConvertReport, createConvertHandler } from "../../functions/convert.ts";
import {
  type Column,
  type ColumnType,
  type SampleKind,
  type Samples,
  sampleKinds,
  tables,
  type Value,
} from "../../schema/columns.ts";
import { LIST_LENGTH_MAX, ROW_AGE_MAX_MS, ROW_FUTURE_MAX_MS, STRING_LENGTH_MAX } from "../../schema/decode.ts";
import { HOUR_MS, rawKey } from "../../schema/keys.ts";
import { encodeBatch } from "../../schema/wire.ts";
import { memoryStore } from "../support/memory-store.ts";
import { queryWithDuckdb, type ReadRow, readWithHyparquet } from "./core/parquet/readers.ts";
import { hostOf } from "./process-samples.ts";

const ARRIVED_AT_MS = Date.UTC(2026, 10, 23, 12);
const KEY = rawKey(ARRIVED_AT_MS, "truth");
const LARGEST = Number.MAX_SAFE_INTEGER;

/** Half a character can stand in JSON, but in no UTF-8: it is stored as the replacement character (String.prototype.toWellFormed). */
const text = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("node", "java", "") },
  { weight: 2, arbitrary: fc.string({ unit: "binary" }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("\ud800", "a\udc00z", "\u{10ffff}", "\u{1f600}".repeat(STRING_LENGTH_MAX / 2), "\u2028\n\0"),
  },
);
const integer = fc.oneof(fc.nat(3), fc.maxSafeNat(), fc.constantFrom(0, LARGEST, LARGEST - 1, 2 ** 32, 2 ** 31));
const arbitraryOf: Record<ColumnType, fc.Arbitrary<Value>> = {
  string: text,
  int64: integer,
  double: fc.double({ noNaN: true, noDefaultInfinity: true }),
  timestamp: fc.oneof(fc.constantFrom(0, 4_102_444_800_000), fc.nat(2 ** 31)),
  "int64[]": fc.array(integer, { maxLength: LIST_LENGTH_MAX }),
};
/** As far from arrival as rows may be, and on both sides of an hour's end. */
const sampledAt = fc.constantFrom(
  ARRIVED_AT_MS,
  ARRIVED_AT_MS - 1,
  ARRIVED_AT_MS - ROW_AGE_MAX_MS,
  ARRIVED_AT_MS + ROW_FUTURE_MAX_MS,
  ARRIVED_AT_MS + 59 * 60_000,
);

const columnsOf = (kind: SampleKind): [string, Column][] => Object.entries(tables[kind]);

const arbitraryRow = (kind: SampleKind): fc.Arbitrary<Record<string, Value>> =>
  fc.record(
    Object.fromEntries(
      columnsOf(kind)
        .filter(([, column]) => !column.perBatch)
        .map(([name, { type, required }]) => {
          if (name === "sampled_at") return [name, sampledAt];
          return [name, required ? arbitraryOf[type] : fc.option(arbitraryOf[type])];
        }),
    ),
  );

/** Batches of up to three rows of each kind; the numbers that name rows are dealt out below, so that they are unique. */
const arbitraryBatches = fc.array(
  fc.record(
    Object.fromEntries(sampleKinds.map((kind) => [kind, fc.array(arbitraryRow(kind), { maxLength: 3 })])) as Record<
      SampleKind,
      fc.Arbitrary<Record<string, Value>[]>
    >,
  ),
  { minLength: 1, maxLength: 4 },
);

async function convert(object: Uint8Array): Promise<{ files: Map<string, Uint8Array>; report: ConvertReport }> {
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
  const body = JSON.stringify({ detail: { bucket: { name: "b" }, object: { key: KEY, size: object.length } } });
  const event = { Records: [{ messageId: "one", body, attributes: { SentTimestamp: "0" } }] } as unknown as SQSEvent;
  deepEqual(await handler(event, {} as Context), { batchItemFailures: [] });
  const [report] = reports;
  ok(report);
  return { files: store.objects, report };
}

/** The row as the lake should have it. */
const expectedRow = (kind: SampleKind, values: Readonly<Record<string, Value>>): ReadRow =>
  Object.fromEntries(
    columnsOf(kind).map(([name]) => {
      const value = values[name] ?? null;
      return [name, typeof value === "string" ? value.toWellFormed() : value];
    }),
  );

const bySequence = (rows: readonly ReadRow[]) => [...rows].sort((a, b) => Number(a["sequence"]) - Number(b["sequence"]));

test("whatever rows collectors send, both readers give back every value, in the hour that it belongs to", async () => {
  const readers = [queryWithDuckdb, readWithHyparquet];
  const property = fc.asyncProperty(arbitraryBatches, fc.boolean(), async (batches, isOneMember) => {
    let sequence = 0;
    const sent = batches.map((batch, host) => ({
      host: hostOf(host),
      samples: Object.fromEntries(
        sampleKinds.map((kind) => [kind, batch[kind].map((row) => ({ ...row, sequence: sequence++ }))]),
      ) as unknown as Samples,
    }));
    const lines = sent.map(({ host, samples }) => encodeBatch(host, samples));
    const members = isOneMember ? [lines.join("")] : lines;
    const { files, report } = await convert(Buffer.concat(members.map((member) => gzipSync(member))));
    ok(report.kind === "converted" && report.rejects === 0, JSON.stringify(report));

    for (const [at, read] of readers.entries()) {
      for (const kind of sampleKinds) {
        const expected = sent.flatMap(({ host, samples }) =>
          samples[kind].map((row) => expectedRow(kind, { ...host, ...(row as Readonly<Record<string, Value>>) })),
        );
        const rows: ReadRow[] = [];
        for (const [key, bytes] of files) {
          if (!key.startsWith(`lake/${kind}/`)) continue;
          const ofFile = await read(bytes);
          const hours = new Set(ofFile.map((row) => Math.floor(Number(row["sampled_at"]) / HOUR_MS) * HOUR_MS));
          equal(hours.size, 1, key);
          const iso = new Date([...hours][0] ?? 0).toISOString();
          ok(key.includes(`/dt=${iso.slice(0, 10)}/hr=${iso.slice(11, 13)}/`), key);
          rows.push(...ofFile);
        }
        // A byte order mark at the front of a text is in the file, but readers in JavaScript do not show it.
        const shown = (row: ReadRow): ReadRow =>
          Object.fromEntries(
            Object.entries(row).map(([name, value]) => [
              name,
              typeof value === "string" ? value.replace(/^\ufeff/, "") : value,
            ]),
          );
        deepEqual(bySequence(rows), bySequence(expected.map(shown)), `${kind}, reader ${at}`);
      }
    }
  });
  await fc.assert(property, { numRuns: 25, seed: 20_261_123 });
});
