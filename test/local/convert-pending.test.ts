// The stand-in for the queue: each raw object once, also across runs; what fails comes again.
import { deepEqual, equal } from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { folderDelivery } from "../../collector/ship/folder.ts";
import { encodeRecords } from "../../collector/ship/outbox.ts";
import type { ConvertReport } from "../../functions/convert.ts";
import type { Log } from "../../functions/edges.ts";
import { pendingConverter } from "../../local/convert-pending.ts";
import { hostIdentity, processSample, samples } from "../support/samples.ts";

const NOW_MS = 1_800_000_000_000;
let nowMs = NOW_MS;
const quiet: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

async function deliver(folder: string, sequence: number): Promise<void> {
  const records = encodeRecords(hostIdentity, samples({ process: [processSample({ sequence })] }));
  await folderDelivery({ folder, name: `s${sequence}`, nowMs: () => NOW_MS }).deliver(records.map(({ bytes }) => bytes));
}

test("each object is converted once, also by a converter that starts later", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  for (let sequence = 0; sequence < 23; sequence++) await deliver(folder, sequence);
  const reports: ConvertReport[] = [];
  const first = pendingConverter(folder, { log: quiet, report: (report) => reports.push(report), nowMs: () => nowMs });
  equal(await first.convertPending(), 0);
  equal(await first.convertPending(), 0);
  await deliver(folder, 99);
  await pendingConverter(folder, { log: quiet, report: (report) => reports.push(report), nowMs: () => nowMs }).convertPending();
  equal(reports.length, 24);
  equal(new Set(reports.map((report) => report.key)).size, 24);
});

test("a store that stays down is tried ever more seldom", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  await deliver(folder, 1);
  writeFileSync(join(folder, "lake"), "");
  const errors: string[] = [];
  const log = { ...quiet, error: (message: string) => void errors.push(message) };
  const converter = pendingConverter(folder, { log, report: () => undefined, nowMs: () => nowMs });
  for (let second = 0; second < 120; second++, nowMs += 1_000) await converter.convertPending();
  equal(errors.length, 7, "after 0, 1, 3, 7, 15, 31 and 63 seconds");
});

test("an object that could not be stored is handed back, and converted when the store is well again", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  await deliver(folder, 1);
  // A file where the lake's folder should be: every put fails, whoever runs the test.
  writeFileSync(join(folder, "lake"), "");
  const reports: ConvertReport[] = [];
  const converter = pendingConverter(folder, { log: quiet, report: (report) => reports.push(report), nowMs: () => nowMs });
  equal(await converter.convertPending(), 1);
  equal(reports.length, 0);
  rmSync(join(folder, "lake"));
  equal(await converter.convertPending(), 1, "its pause is not over");
  nowMs += 1_000;
  equal(await converter.convertPending(), 0);
  deepEqual(
    reports.map((report) => report.kind),
    ["converted"],
  );
});

test("an object that is no batch leaves its reason in rejects/ and holds nobody up", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  await deliver(folder, 1);
  const raw = join(folder, "raw/dt=2027-01-15/hr=08");
  mkdirSync(raw, { recursive: true });
  writeFileSync(join(raw, "a-noise.ndjson.gz"), "this is no gzip");
  chmodSync(join(raw, "a-noise.ndjson.gz"), 0o600);
  const reports: ConvertReport[] = [];
  equal(
    await pendingConverter(folder, {
      log: quiet,
      report: (report) => reports.push(report),
      nowMs: () => nowMs,
    }).convertPending(),
    0,
  );
  const [noise, good] = reports;
  equal(noise?.kind === "converted" && noise.rejects, 1);
  equal(good?.kind === "converted" && good.rows.process, 1);
});
