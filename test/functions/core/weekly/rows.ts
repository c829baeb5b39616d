// Query results of a week for tests of the weekly report: an ordinary fleet, one with hostile names, and figures that are absent.
import type { WithdrawnOf } from "../../../../functions/core/ledger/known-recommendation.ts";
import { fillWeekly, type WeeklyRows } from "../../../../functions/core/weekly/fill.ts";
import type { WeeklyModel } from "../../../../functions/core/weekly/model.ts";
import { windowBefore } from "../../../../functions/core/window.ts";
import type { ResultRow } from "../../../../functions/edges.ts";
import { readCatalogue } from "../../../../queries/catalogue.ts";
import { findingColumns } from "../../../../schema/made-columns.ts";

export const END_MS = Date.UTC(2026, 10, 23, 6);
export const DAY_MS = 86_400_000;
export const GIB = 2 ** 30;
export const weekWindow = windowBefore(END_MS, DAY_MS, 7);

export const noRows: WeeklyRows = {
  weekly_fleet: [],
  weekly_services: [],
  weekly_worst_processes: [],
  weekly_unmeasured: [],
  recent_findings: [],
  verified_savings: [],
  hosts_silent: [],
  collector_losses: [],
};

export const fleetRow = (values: ResultRow): ResultRow => ({
  period: 0,
  instance_type: "m7g.large",
  hour_count: 24,
  host_count: 10,
  process_count: 100,
  walked_process_count: 90,
  rss_bytes: 100 * GIB,
  live_bytes: 60 * GIB,
  free_resident_bytes: 30 * GIB,
  reclaimable_bytes: 12 * GIB,
  ...values,
});

export const serviceRow = (values: ResultRow): ResultRow => ({
  service: "checkout",
  environment: "production",
  instance_type: "m7g.large",
  host_count: 4,
  process_count: 40,
  walked_process_count: 40,
  rss_bytes: 20 * GIB,
  live_bytes: 9 * GIB,
  free_resident_bytes: 8 * GIB,
  reclaimable_bytes: 2 * GIB,
  rss_bytes_before: 19 * GIB,
  live_bytes_before: 9 * GIB,
  free_resident_bytes_before: 5 * GIB,
  reclaimable_bytes_before: GIB,
  service_count: 1,
  ...values,
});

/** Rows as recent_findings gives them: every column is there. */
export const findingRow = (values: ResultRow): ResultRow => ({
  ...Object.fromEntries(Object.keys(findingColumns).map((name) => [name, null])),
  found_at: END_MS,
  finding_id: `id-${values["service"] ?? "checkout"}-${values["cause"] ?? "fragmentation"}`,
  service: "checkout",
  environment: "production",
  cause: "fragmentation",
  state: "ongoing",
  since: END_MS - 20 * DAY_MS,
  first_found_at: END_MS - 20 * DAY_MS,
  class_at: END_MS - 20 * DAY_MS,
  host_count: 4,
  process_count: 40,
  excess_bytes: 7 * GIB,
  evidence: "from peak to valley live bytes went from 900 MiB to 200 MiB, RSS from 1 GiB to 980 MiB",
  ...values,
});

export const processRow = (values: ResultRow): ResultRow => ({
  host_id: "i-1",
  process_key: "b-1-1",
  service: "checkout",
  environment: "production",
  pid: 1,
  comm: "checkout",
  allocator: "glibc",
  allocator_version: "2.36",
  heap_source: "walk",
  tunables: null,
  runtime: null,
  runtime_version: null,
  instance_type: "m7g.large",
  rss_bytes: 980 * 2 ** 20,
  anon_bytes: 960 * 2 ** 20,
  heap_bytes: 950 * 2 ** 20,
  live_bytes: 200 * 2 ** 20,
  free_bytes: 740 * 2 ** 20,
  free_resident_bytes: 700 * 2 ** 20,
  free_chunk_count: 400_000,
  free_chunk_bytes_max: 2 ** 20,
  reclaimable_bytes: 300 * 2 ** 20,
  arena_count: 64,
  arena_count_over_1mib: 40,
  non_main_arena_bytes: 800 * 2 ** 20,
  non_main_free_bytes: 600 * 2 ** 20,
  thread_count: 80,
  pinned_bytes_by_size: [0, 0, 2 ** 24, 2 ** 22],
  ...values,
});

export const savingRow = (values: ResultRow): ResultRow => ({
  verified_at: END_MS,
  service: "search",
  environment: "production",
  recommendation_id: "glibc.arena_max",
  finding_id: "id-search",
  setting: "MALLOC_ARENA_MAX=2",
  changed_at: END_MS - 5 * DAY_MS,
  host_count: 20,
  control_host_count: 18,
  before_bytes_per_host: 9 * GIB,
  after_bytes_per_host: 6 * GIB,
  saved_bytes_per_host: 3 * GIB,
  saved_bytes_per_host_low: 2.6 * GIB,
  saved_bytes_per_host_high: 3.3 * GIB,
  saved_bytes: 60 * GIB,
  dollars_per_month_least: 210,
  dollars_per_month_most: 447,
  verdict: "helped",
  ...values,
});

export const silentRow: ResultRow = { host_id: "i-9", host_name: "ip-10-0-9-9", silent_host_count: 1, host_count: 10 };
export const lossRow: ResultRow = { host_id: "i-8", host_name: null, loss: "rows", row_dropped_count: 4_321 };
export const unmeasuredRow = (values: ResultRow = {}): ResultRow => ({
  allocator: "jemalloc",
  heap_unknown_reason: "no_shim",
  service_count: 2,
  host_count: 3,
  process_count: 9,
  rss_bytes: 12 * GIB,
  largest_service: "search",
  process_count_all: 100,
  rss_bytes_all: 100 * GIB,
  ...values,
});

const PERIODS = 14;

/** Growing, on two instance types, one of which the table of prices does not have. */
const twoWeeks = Array.from({ length: PERIODS }, (_, period) =>
  ["m7g.large", "x9z.large"].map((instance_type, type) =>
    fleetRow({
      period,
      instance_type,
      free_resident_bytes: (30 + period + 4 * Math.sin(period)) * (type === 0 ? GIB : GIB / 8),
      rss_bytes: (100 + 2 * period) * (type === 0 ? GIB : GIB / 8),
      live_bytes: (60 + period) * (type === 0 ? GIB : GIB / 8),
      reclaimable_bytes: (12 + period / 2) * (type === 0 ? GIB : GIB / 8),
    }),
  ),
).flat();

export const ordinaryRows: WeeklyRows = {
  weekly_fleet: twoWeeks,
  weekly_services: [
    serviceRow({ service_count: 3 }),
    serviceRow({ service: "search", free_resident_bytes: 4 * GIB, free_resident_bytes_before: 4 * GIB, service_count: 3 }),
    serviceRow({
      service: "batch",
      free_resident_bytes: null,
      live_bytes: null,
      reclaimable_bytes: null,
      instance_type: null,
      service_count: 3,
    }),
  ],
  weekly_worst_processes: [
    processRow({}),
    processRow({ service: "search", allocator: "jemalloc", allocator_version: "5.3.0" }),
  ],
  weekly_unmeasured: [
    unmeasuredRow(),
    unmeasuredRow({
      allocator: "unknown",
      heap_unknown_reason: null,
      process_count: 1,
      service_count: 1,
      largest_service: "batch",
    }),
  ],
  recent_findings: [
    findingRow({}),
    findingRow({
      service: "search",
      cause: "retention",
      excess_bytes: 3 * GIB,
      first_found_at: END_MS - DAY_MS,
      class_at: END_MS - DAY_MS,
      state: "new",
    }),
    findingRow({ service: "batch", cause: "leak", excess_bytes: GIB, state: "worse", class_at: END_MS - 2 * DAY_MS }),
    findingRow({ service: "cart", cause: "cache_growth", excess_bytes: 9 * GIB }),
    findingRow({ service: "gone", state: "resolved" }),
    findingRow({ service: "old", found_at: END_MS - 2 * DAY_MS }),
    findingRow({
      service: "alerts",
      cause: "config_invalid",
      scope: "config",
      excess_bytes: null,
      evidence: "mutes.0.until: expected a date",
    }),
  ],
  verified_savings: [
    savingRow({}),
    savingRow({ service: "ads", verdict: "no_effect", saved_bytes_per_host: -1e6, saved_bytes: -1e7 }),
  ],
  hosts_silent: [silentRow],
  collector_losses: [lossRow],
};

/** Markup, a mail's header, an order for Slack, a text direction, and length. */
export const hostile = `<script>alert(1)</script>"'&\n\r\nBcc: all@example.com\u202e<!channel> *x* ${"z".repeat(3_000)}`;
const named = { service: hostile, environment: hostile };

export const hostileRows: WeeklyRows = {
  weekly_fleet: twoWeeks.map((row) => ({ ...row, instance_type: hostile })),
  weekly_services: [serviceRow({ ...named, instance_type: hostile })],
  weekly_worst_processes: [processRow({ ...named, tunables: hostile, comm: hostile, allocator_version: hostile })],
  weekly_unmeasured: [unmeasuredRow({ allocator: hostile, heap_unknown_reason: hostile, largest_service: hostile })],
  recent_findings: [findingRow({ ...named, evidence: hostile, muted: hostile, class_at: END_MS })],
  verified_savings: [savingRow({ ...named, setting: hostile, verdict: hostile })],
  hosts_silent: [{ ...silentRow, host_name: hostile }],
  collector_losses: [{ ...lossRow, loss: hostile, host_name: hostile }],
};

/** With every query that the report asks, as it is asked. */
export function modelOf(rows: Partial<WeeklyRows>, withdrawn: WithdrawnOf = () => new Map()): WeeklyModel {
  const catalogue = readCatalogue();
  const all = { ...noRows, ...rows };
  const queries = Object.keys(all).map((name) => ({
    name,
    parameters: { window_start: weekWindow.startMs, window_end: END_MS, dt_first: "2026-11-09", dt_last: "2026-11-23" },
    summary: catalogue.get(name)?.summary ?? "",
    sql: catalogue.get(name)?.sql ?? "",
  }));
  return fillWeekly({ rows: all, window: weekWindow, generatedAtMs: END_MS, withdrawn, queries });
}

/** A row with every figure absent that may be. */
export const withoutFigures = (row: ResultRow): ResultRow => {
  const needed =
    /^(period|hour_count|host_count|process_count|walked_process_count|service_count|found_at|since|changed_at|pid)$/;
  return Object.fromEntries(
    Object.entries(row).map(([name, cell]) => [name, typeof cell === "string" || needed.test(name) ? cell : null]),
  );
};
