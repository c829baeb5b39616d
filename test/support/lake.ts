// A small lake for tests, made the way a real one is: wire records, raw objects, the convert handler, Parquet.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { folderDelivery } from "../../collector/ship/folder.ts";
import { encodeRecords } from "../../collector/ship/outbox.ts";
import { pendingConverter } from "../../local/convert-pending.ts";
import { type Lake, openLake } from "../../local/duckdb.ts";
import { stderrLog } from "../../local/log.ts";
import { rollUpLocally } from "../../local/roll-up-locally.ts";
import type { HostIdentity, Samples } from "../../schema/columns.ts";
import { hostIdentity } from "./samples.ts";

export interface Delivered {
  readonly samples: Samples;
  readonly host?: HostIdentity;
}

const HOUR_SECONDS = 3_600;

/** Folder of a lake that holds these deliveries, one raw object each, arrived at `nowMs`; hours are rolled up when asked. */
export async function lakeFolder(deliveries: readonly Delivered[], nowMs: number, rollUp = false): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-lake-"));
  const delivery = folderDelivery({ folder, name: "test", nowMs: () => nowMs });
  for (const { samples, host } of deliveries) {
    await delivery.deliver(encodeRecords(host ?? hostIdentity, samples).map(({ bytes }) => bytes));
  }
  const failures = await pendingConverter(folder, {
    log: stderrLog,
    report: () => undefined,
    nowMs: () => nowMs,
  }).convertPending();
  if (failures > 0) throw new Error(`${failures} objects failed to convert`);
  if (rollUp) await rollUpLocally(folder, { startMs: 0, endMs: Number.MAX_SAFE_INTEGER }, HOUR_SECONDS);
  return folder;
}

/** Runs `use` on the opened lake and closes it whatever happens. */
export async function withLake<T>(
  deliveries: readonly Delivered[],
  nowMs: number,
  use: (lake: Lake) => Promise<T>,
): Promise<T> {
  const lake = await openLake(await lakeFolder(deliveries, nowMs));
  try {
    return await use(lake);
  } finally {
    lake.close();
  }
}
