// The wire format there and back: what encodeBatch writes, decodeBatch gives, column by column.
// Malformed input is decode.test.ts; gzip and delivery are elsewhere.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { HostIdentity, ProcessSample } from "../../schema/columns.ts";
import { decodeBatch } from "../../schema/decode.ts";
import { encodeBatch } from "../../schema/wire.ts";
import { hostOf, processesOnly, processSample } from "../functions/process-samples.ts";

const NOW_MS = Date.UTC(2026, 10, 23, 12);
const host: HostIdentity = hostOf(1);
const samples = (count: number): ProcessSample[] => Array.from({ length: count }, (_, at) => processSample(1, at, 0, NOW_MS));

test("a batch is one line, and the host travels once", () => {
  const line = encodeBatch(host, processesOnly(samples(50)));
  equal(line.indexOf("\n"), line.length - 1);
  equal(line.split(host.boot_id).length, 2);
});

test("columns without a value and kinds without rows are left out", () => {
  const batch = JSON.parse(encodeBatch(host, processesOnly([{ ...samples(1)[0], pss_bytes: null } as ProcessSample])));
  deepEqual(Object.keys(batch.k), ["process"]);
  ok(!("pss_bytes" in batch.k.process.c));
});

test("decoding gives back every value, null where there was none, and the host on every row", () => {
  const rows = samples(20);
  const { tables, rejects, rejectedRowCount } = decodeBatch(encodeBatch(host, processesOnly(rows)), NOW_MS);
  deepEqual(rejects, []);
  equal(rejectedRowCount, 0);
  equal(tables.process?.rowCount, 20);
  for (const [name, values] of Object.entries(tables.process?.columns ?? {})) {
    const expected = rows.map((row) => ({ ...host, ...row })[name as keyof ProcessSample] ?? null);
    deepEqual(values, expected, name);
  }
});

test("whatever text and whichever integers a row holds survive the wire", () => {
  const row = fc.record({
    comm: fc.string({ unit: "binary" }),
    rss_bytes: fc.option(fc.maxSafeNat()),
    bins: fc.array(fc.maxSafeNat(), { maxLength: 64 }),
  });
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 20 }), (rows) => {
      const sent = rows.map(({ comm, rss_bytes, bins }, at) => ({
        ...processSample(1, at, 0, NOW_MS),
        comm,
        rss_bytes,
        free_bytes_by_size: bins,
      }));
      const columns = decodeBatch(encodeBatch(host, processesOnly(sent)), NOW_MS).tables.process?.columns ?? {};
      deepEqual(
        columns["comm"],
        rows.map(({ comm }) => comm),
      );
      deepEqual(
        columns["rss_bytes"],
        rows.map(({ rss_bytes }) => rss_bytes),
      );
      deepEqual(
        columns["free_bytes_by_size"],
        rows.map(({ bins }) => bins),
      );
    }),
    { seed: 20_261_123 },
  );
});
