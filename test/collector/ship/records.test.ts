// What goes into one record: whole units of what Firehose bills, and no row older than it must be.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { BILLED_BYTES, encodeWholeUnits } from "../../../collector/ship/records.ts";
import type { ProcessSample, Samples } from "../../../schema/columns.ts";
import { decodeBatch } from "../../../schema/decode.ts";
import { collectorSample, hostIdentity, hostSample, processSample, samples } from "../../support/samples.ts";

const NOW_MS = 1_800_000_000_000;
const MINUTE_MS = 60_000;

/** Figures that gzip cannot shrink much, the same at every run. */
function rows(processes: number, minutes: number): Samples {
  const process: ProcessSample[] = [];
  for (let minute = 0; minute < minutes; minute++) {
    for (let pid = 1; pid <= processes; pid++) {
      const sequence = process.length;
      const figure = (index: number) => ((sequence + 1) * 2_654_435_761 * (index + 1)) % 1_000_000_007;
      process.push(
        processSample({
          sampled_at: NOW_MS + minute * MINUTE_MS,
          sequence,
          pid,
          rss_bytes: figure(0),
          anon_bytes: figure(1),
          live_bytes: figure(2),
          free_bytes: figure(3),
        }),
      );
    }
  }
  return samples({ process, host: [hostSample()], collector: [collectorSample()] });
}

const sequencesOf = (bytes: Uint8Array) =>
  (decodeBatch(gunzipSync(bytes).toString(), NOW_MS).tables.process?.columns["sequence"] ?? []) as number[];

for (const [processes, minutes] of [
  [40, 5],
  [60, 6],
  [100, 3],
  [33, 7],
] as const) {
  test(`${processes} processes and ${minutes} minutes fill whole units; the rest is of the last minute, and no row is lost`, () => {
    const given = rows(processes, minutes);
    const { records, rest } = encodeWholeUnits(hostIdentity, given);
    equal(records.length, 1);
    const [record] = records;
    if (record === undefined) throw new Error("no record");
    const ahead = Math.ceil(record.bytes.length / BILLED_BYTES) * BILLED_BYTES - record.bytes.length;
    if (rest.length > 0) ok(ahead < 0.1 * BILLED_BYTES, `${ahead} bytes of the last unit are empty`);
    const all = [...sequencesOf(record.bytes), ...rest.map(({ sequence }) => sequence)];
    deepEqual(
      all.toSorted((a, b) => a - b),
      given.process.map(({ sequence }) => sequence),
    );
    for (const row of rest) equal(row.sampled_at, NOW_MS + (minutes - 1) * MINUTE_MS);
  });
}

test("what does not fill one unit goes as it is, and nothing makes no record", () => {
  const { records, rest } = encodeWholeUnits(hostIdentity, rows(3, 2));
  deepEqual([records.length, rest], [1, []]);
  deepEqual(encodeWholeUnits(hostIdentity, samples()), { records: [], rest: [] });
});

test("rows of one minute alone are not cut: they would wait for a whole interval", () => {
  deepEqual(encodeWholeUnits(hostIdentity, rows(500, 1)).rest, []);
});
