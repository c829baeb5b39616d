// Hours of a fleet whose settings change, as the rollup would have written them: a lake for the ledger, made in moments.
// That the rollup writes such hours is test/functions/rollup.test.ts's.
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { madeTable } from "../../functions/core/made-table.ts";
import { writeParquet } from "../../functions/core/parquet/write.ts";
import { seededRandom } from "../../local/seeded-random.ts";
import type { RecommendationRow, Row } from "../../schema/columns.ts";
import { lakeKey, partitionOf } from "../../schema/keys.ts";
import { processHourColumns, recommendationColumns } from "../../schema/made-columns.ts";

export type ProcessHour = Row<typeof processHourColumns>;

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
export const MIB = 1_048_576;
/** End of the last whole day. */
export const FLEET_END_MS = Date.UTC(2026, 10, 23);
export const FLEET_DAYS = 20;
export const FLEET_START_MS = FLEET_END_MS - FLEET_DAYS * DAY_MS;

export interface Settings {
  readonly allocator?: string;
  readonly allocator_version?: string;
  readonly tunables?: string | null;
  readonly service_version?: string;
}

export interface FleetHost {
  readonly service: string;
  readonly environment?: string | null;
  readonly hostId: string;
  readonly instanceType?: string;
  /** Settings of the hour (0 is FLEET_START_MS); null where the service did not run. */
  readonly settings: (hour: number) => Settings | null;
  /** MiB of anonymous memory at the hour's trough, without noise. */
  readonly mib: (hour: number) => number;
  /** Hours at which its processes start anew. */
  readonly restarts?: readonly number[];
}

/** Noise of a host's hour, as a part of its memory. */
const NOISE = 0.02;

export function hoursOf(host: FleetHost, seed: number): readonly ProcessHour[] {
  const random = seededRandom(seed);
  return Array.from({ length: FLEET_DAYS * 24 }, (_, hour) => hour).flatMap((hour) => {
    const noise = 1 + NOISE * (2 * random() - 1);
    const settings = host.settings(hour);
    if (settings === null) return [];
    const start = (host.restarts ?? []).filter((at) => at <= hour).length + 1;
    const bytes = Math.round(host.mib(hour) * noise * MIB);
    return [hourRow({ ...host, ...settings, start, hourMs: FLEET_START_MS + hour * HOUR_MS, bytes })];
  });
}

export function hourRow(values: {
  readonly service: string;
  readonly environment?: string | null;
  readonly hostId: string;
  readonly instanceType?: string;
  readonly start: number;
  readonly hourMs: number;
  readonly bytes: number;
  readonly allocator?: string;
  readonly allocator_version?: string;
  readonly tunables?: string | null;
  readonly service_version?: string;
}): ProcessHour {
  const { hostId, start, hourMs, bytes, service, environment = "live", instanceType = "m7g.large" } = values;
  return {
    hour: hourMs,
    host_id: hostId,
    boot_id: "11111111-2222",
    pid: 100 + start,
    process_key: `11111111-${100 + start}-${start}`,
    service,
    environment,
    instance_type: instanceType,
    allocator: values.allocator ?? "glibc",
    allocator_version: values.allocator_version ?? "2.36",
    tunables: values.tunables ?? null,
    service_version: values.service_version ?? "1",
    sample_count: 60,
    walk_count: 20,
    rss_bytes_last: bytes,
    rss_bytes_trough: bytes,
    anon_bytes_trough: bytes,
    swap_bytes_trough: 0,
  };
}

/** Files of a lake by day; the hours of a day are in one file, which is all that queries over days can tell. */
export function hoursFolder(hours: readonly ProcessHour[], recommendations: readonly RecommendationRow[] = []): string {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-ledger-"));
  const put = (key: string, bytes: Uint8Array) => {
    mkdirSync(dirname(join(folder, key)), { recursive: true });
    writeFileSync(join(folder, key), bytes);
  };
  for (const [dt, rows] of Map.groupBy(hours, ({ hour }) => partitionOf(hour).dt)) {
    put(
      lakeKey("process_hour", { dt, hr: 0 }, "part-00000"),
      writeParquet("process_hour", madeTable(processHourColumns, rows)),
    );
  }
  for (const [place, row] of recommendations.entries()) {
    const key = lakeKey("recommendation", partitionOf(row.recommended_at), `advice-${place}`);
    put(key, writeParquet("recommendation", madeTable(recommendationColumns, [row])));
  }
  return folder;
}

export const recommended = (service: string, values: Partial<RecommendationRow> = {}): RecommendationRow => ({
  recommended_at: FLEET_START_MS + 5 * DAY_MS,
  finding_id: `id-${service}`,
  service,
  environment: "live",
  cause: "arena_bloat",
  recommendation_id: "glibc.arena_max",
  title: "Allow 2 arenas",
  setting: "GLIBC_TUNABLES=glibc.malloc.arena_max=2",
  changes: "glibc.arena_max=2",
  bytes_per_process_expected: 100 * MIB,
  bytes_fleet_expected: 1_000 * MIB,
  state: "proposed",
  ...values,
});
