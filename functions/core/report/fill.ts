// Fills the report's model from query results. How it looks is page.ts's.
import type { Finding } from "../../../schema/columns.ts";
import type { ResultRow } from "../../edges.ts";
import { type Advice, advise } from "../advice/advise.ts";
import { inputOfFinding, worstOf } from "../advice/inputs.ts";
import type { WithdrawnOf } from "../ledger/known-recommendation.ts";
import { largestPins } from "../pins.ts";
import { maybeList, maybeNumber, maybeText, numberOf, textOf } from "../result-rows.ts";
import type { Window } from "../window.ts";
import type { Composition, ProcessReport, ReportModel, TimelinePoint } from "./model.ts";

export interface ReportRows {
  readonly process_timeline: readonly ResultRow[];
  readonly heap_composition: readonly ResultRow[];
  readonly collector_cost: readonly ResultRow[];
}

/** More cards than this nobody reads; the rest is in the lake. */
const PROCESSES_DRAWN_MAX = 12;
/** More sizes than this say nothing new about what pins a heap. */
const PINNED_BY_MAX = 4;

export function fillReport(options: {
  readonly rows: ReportRows;
  readonly findings: readonly Finding[];
  readonly window: Window;
  readonly title: string;
  readonly generatedAtMs: number;
  /** Drawn before larger ones, whether or not something was found. */
  readonly servicesFirst?: readonly string[];
  /** What the ledger has withdrawn. */
  readonly withdrawn?: WithdrawnOf;
}): ReportModel {
  const { rows, findings, window, servicesFirst = [] } = options;
  const [first] = rows.heap_composition;
  const timelines = Map.groupBy(rows.process_timeline, processIdOf);
  const ranked = [...new Set([...findings.map((finding) => finding.service), ...servicesFirst])];
  const rank = new Map(ranked.map((service, index) => [service, index]));
  const rankOf = (row: ResultRow) => rank.get(textOf(row, "service")) ?? ranked.length;
  const drawn = [...rows.heap_composition]
    .sort((a, b) => rankOf(a) - rankOf(b) || (maybeNumber(b, "rss_bytes") ?? 0) - (maybeNumber(a, "rss_bytes") ?? 0))
    .slice(0, PROCESSES_DRAWN_MAX);
  return {
    title: options.title,
    hostNames: [...new Set(rows.heap_composition.map((row) => maybeText(row, "host_name") ?? textOf(row, "host_id")))].sort(),
    generatedAtMs: options.generatedAtMs,
    windowStartMs: window.startMs,
    windowEndMs: window.endMs,
    findings,
    advice: new Map(
      findings.map((finding) => [finding.finding_id, adviceOn(finding, rows.heap_composition, options.withdrawn)]),
    ),
    processes: drawn.map((row) => processReport(row, timelines.get(processIdOf(row)) ?? [])),
    processCount: first === undefined ? 0 : numberOf(first, "process_count"),
    cost: {
      collector_cpu_us: total(rows.collector_cost, "collector_cpu_us"),
      walk_cpu_us: total(rows.collector_cost, "walk_cpu_us"),
      walk_count: total(rows.collector_cost, "walk_count"),
    },
  };
}

/** By the figures of the service's process that holds most; a service whose processes were not read has advice by its cause only. */
const adviceOn = (finding: Finding, rows: readonly ResultRow[], withdrawn: WithdrawnOf | undefined): Advice =>
  advise(
    inputOfFinding(finding, worstOf(finding.service, rows)),
    withdrawn?.(finding.service, finding.environment ?? null) ?? new Map(),
  );

const processIdOf = (row: ResultRow): string => `${textOf(row, "host_id")}/${textOf(row, "process_key")}`;

function processReport(row: ResultRow, timeline: readonly ResultRow[]): ProcessReport {
  return {
    service: textOf(row, "service"),
    pid: numberOf(row, "pid"),
    comm: maybeText(row, "comm"),
    allocator: maybeText(row, "allocator"),
    allocator_version: maybeText(row, "allocator_version"),
    heap_unknown_reason: maybeText(row, "heap_unknown_reason"),
    timeline: timeline.map(
      (point): TimelinePoint => ({
        atMs: numberOf(point, "hour"),
        rss_bytes: maybeNumber(point, "rss_bytes"),
        live_bytes: maybeNumber(point, "live_bytes"),
        free_bytes: maybeNumber(point, "free_bytes"),
      }),
    ),
    composition: compositionOf(row),
  };
}

/** Parts of the resident set. RSS and heap are read moments apart, so a difference below zero is nothing, not a loss. */
function compositionOf(row: ResultRow): Composition {
  const rss = maybeNumber(row, "rss_bytes");
  const live = maybeNumber(row, "live_bytes");
  const mmapped = maybeNumber(row, "mmapped_bytes") ?? 0;
  const resident = maybeNumber(row, "heap_resident_bytes");
  const held = maybeNumber(row, "free_resident_bytes");
  const reclaimable = maybeNumber(row, "reclaimable_bytes");
  const pinned = held === null || reclaimable === null ? null : held - reclaimable;
  return {
    live_bytes: live,
    reclaimable_bytes: reclaimable,
    pinned_bytes: pinned === null ? null : Math.max(0, pinned),
    other_bytes: rss === null || resident === null ? null : Math.max(0, rss - resident - mmapped),
    pinned_by: largestPins(maybeList(row, "pinned_bytes_by_size") ?? [], PINNED_BY_MAX),
  };
}

function total(rows: readonly ResultRow[], column: string): number | null {
  const known = rows.map((row) => maybeNumber(row, column)).filter((value) => value !== null);
  return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) : null;
}
