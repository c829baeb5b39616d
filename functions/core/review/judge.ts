// From rows of review_services to what became of each service: kept, grown, returned, restarted; its versions, and earlier peaks.
// Judged by the processes that lived through the peak. Which rows there are is the query's; words are outcome-text.ts's.
import type { Finding } from "../../../schema/columns.ts";
import type { ResultRow } from "../../edges.ts";
import { maybeNumber, maybeText, numberOf, textOf } from "../result-rows.ts";
import { type EarlierPeak, type Failures, keyOf, type Outcome, type ServiceReview, type VersionReview } from "./model.ts";

/** Less than this in a process is nobody's evening; the floor that detection has (process_causes, excess_bytes_min). */
const KEPT_BYTES_MIN = 16_777_216;
/** A tenth of what it had, and a fifth of the rise: less is a service that breathes. */
const KEPT_SHARE_MIN = 0.1;
const RISE_SHARE_MIN = 0.2;
/** Where half of what stayed is in use, the program has it, and no setting gives it back. */
const GROWN_SHARE_MIN = 0.5;

export interface JudgeInput {
  readonly rows: readonly ResultRow[];
  /** Of review_events. */
  readonly events: readonly ResultRow[];
  /** Rows of review_services of each earlier peak. */
  readonly earlier: readonly (readonly ResultRow[])[];
  /** Findings of detection over the days before. */
  readonly findings: readonly Finding[];
}

/** Services, those that failed first, then by what they kept, then by what they took at the peak. */
export function judgeServices({ rows, events, earlier, findings }: JudgeInput): readonly ServiceReview[] {
  const hasAfter = rows.some((row) => numberOf(row, "process_count_after") > 0);
  const earlierByKey = earlier.map((peakRows) => groupsOf(peakRows));
  const groups = groupsOf(rows);
  const services = [...groups].map(([key, group]): ServiceReview => {
    const [first] = group;
    if (first === undefined) throw new Error("a service of a review has no rows");
    const service = textOf(first, "service");
    const environment = maybeText(first, "environment");
    const kept = keptOf(group);
    const outcome = outcomeOf(group, kept, hasAfter);
    // Black boxes do not say the environment: where a service runs in several, its counters alone tell them apart.
    const isAlone = [...groups.keys()].filter((other) => JSON.parse(other)[0] === service).length === 1;
    return {
      service,
      environment,
      outcome,
      kept,
      versions: versionsOf(group),
      hostCount: Math.max(...group.map((row) => numberOf(row, "host_count"))),
      processCount: {
        ...moments(group, "process_count"),
        stayed: total(group, "stayed_count") ?? 0,
        started: total(group, "started_count") ?? 0,
        ended: total(group, "ended_count") ?? 0,
      },
      walkedCount: total(group, "walked_count") ?? 0,
      rss: moments(group, "rss_bytes"),
      live: moments(group, "live_bytes"),
      held: moments(group, "free_resident_bytes"),
      reclaimableAfter: total(group, "reclaimable_bytes_after"),
      failures: failuresOf(group, isAlone ? events.filter((event) => textOf(event, "service") === service) : []),
      cause: causeOf({ service, environment, outcome }, group, findings),
      earlier: earlierByKey.map((byKey) => earlierPeak(byKey.get(key))),
    };
  });
  return services.sort(byHarm);
}

const groupsOf = (rows: readonly ResultRow[]): ReadonlyMap<string, readonly ResultRow[]> =>
  Map.groupBy(rows, (row) => keyOf({ service: textOf(row, "service"), environment: maybeText(row, "environment") }));

/** Of the processes with rows on both sides. Live bytes are those of the processes that were walked on both sides. */
function keptOf(group: readonly ResultRow[]): ServiceReview["kept"] {
  const [before, peak, after] = ["before", "peak", "after"].map((at) => total(group, `stayed_rss_bytes_${at}`));
  if (before == null || after == null) return null;
  const bytes = after - before;
  const rise = peak == null ? 0 : peak - before;
  const [liveBefore, liveAfter] = ["before", "after"].map((at) => total(group, `stayed_live_bytes_${at}`));
  // Of a part of the processes nothing follows for all of them.
  const isWalked = (total(group, "stayed_walked_count") ?? 0) === (total(group, "stayed_count") ?? 0);
  return {
    bytes,
    shareOfRise: rise > 0 ? bytes / rise : null,
    liveBytes: isWalked && liveBefore != null && liveAfter != null ? liveAfter - liveBefore : null,
  };
}

function outcomeOf(group: readonly ResultRow[], kept: ServiceReview["kept"], hasAfter: boolean): Outcome {
  const { before, peak, after } = moments(group, "process_count");
  if (!hasAfter) return "open";
  if (before === 0) return "started";
  if (after === 0) return "ended";
  if (kept === null) return "restarted";
  const stayed = Math.max(1, total(group, "stayed_count") ?? 0);
  const stayedBefore = total(group, "stayed_rss_bytes_before") ?? 0;
  const floor = KEPT_BYTES_MIN * stayed;
  const rise = peak === 0 ? 0 : (total(group, "stayed_rss_bytes_peak") ?? 0) - stayedBefore;
  if (kept.bytes >= floor && kept.bytes >= stayedBefore * KEPT_SHARE_MIN && kept.bytes >= rise * RISE_SHARE_MIN) {
    if (kept.liveBytes === null) return "stayed";
    return kept.liveBytes >= kept.bytes * GROWN_SHARE_MIN ? "grown" : "kept";
  }
  return rise >= floor && rise >= stayedBefore * KEPT_SHARE_MIN ? "returned" : "level";
}

/** Where detection has judged the days before, its word counts: it has seen more than one peak. */
function causeOf(
  { service, environment, outcome }: Pick<ServiceReview, "service" | "environment" | "outcome">,
  group: readonly ResultRow[],
  findings: readonly Finding[],
): ServiceReview["cause"] {
  if (!["kept", "grown", "stayed"].includes(outcome)) return null;
  const [found] = findings
    .filter((finding) => finding.service === service && (finding.environment ?? null) === environment)
    .sort((a, b) => (b.excess_bytes ?? 0) - (a.excess_bytes ?? 0));
  if (found !== undefined) return { name: found.cause, isFromDetection: true };
  if (outcome !== "kept") return null;
  const [held, reclaimable] = [total(group, "free_resident_bytes_after"), total(group, "reclaimable_bytes_after")];
  if (held === null || reclaimable === null || held <= 0) return null;
  return { name: reclaimable >= held / 2 ? "retention" : "fragmentation", isFromDetection: false };
}

function failuresOf(group: readonly ResultRow[], events: readonly ResultRow[]): Failures {
  const told = (event: string): number =>
    events.filter((row) => textOf(row, "event") === event).reduce((sum, row) => sum + numberOf(row, "process_count"), 0);
  return {
    // A killed process has no further row to count in, and one that lives may have no black box: the larger figure is the truer.
    oomKills: Math.max(total(group, "oom_kill_count") ?? 0, told("oom_kill")),
    allocFailures: Math.max(total(group, "alloc_failure_count") ?? 0, told("alloc_failure")),
    limitHits: total(group, "limit_hit_count") ?? 0,
    swapBytes: Math.max(0, (total(group, "swap_bytes_peak") ?? 0) - (total(group, "swap_bytes_before") ?? 0)),
    deaths: told("death"),
  };
}

/** Newest first: the version that was seen last is the one that will meet the next peak. */
function versionsOf(group: readonly ResultRow[]): readonly VersionReview[] {
  return group
    .map((row) => ({
      version: maybeText(row, "service_version"),
      processCount: numberOf(row, "process_count"),
      firstSeenMs: numberOf(row, "first_seen"),
      peakPerProcess: average(row, "through_rss_bytes_peak", "through_count"),
      afterPerProcess: average(row, "through_rss_bytes_after", "through_count"),
      oomKills: maybeNumber(row, "oom_kill_count") ?? 0,
      allocFailures: maybeNumber(row, "alloc_failure_count") ?? 0,
    }))
    .sort((a, b) => b.firstSeenMs - a.firstSeenMs || compareText(b.version ?? "", a.version ?? ""));
}

function earlierPeak(group: readonly ResultRow[] | undefined): EarlierPeak | null {
  if (group === undefined) return null;
  const processCountPeak = total(group, "process_count_peak");
  const rssPeak = total(group, "rss_bytes_peak");
  const kept = keptOf(group);
  const stayed = total(group, "stayed_count") ?? 0;
  return {
    processCountPeak,
    rssPeak,
    rssPeakPerProcess: rssPeak === null || !processCountPeak ? null : rssPeak / processCountPeak,
    keptBytes: kept?.bytes ?? null,
    keptPerProcess: kept === null || stayed === 0 ? null : kept.bytes / stayed,
    oomKills: total(group, "oom_kill_count") ?? 0,
    allocFailures: total(group, "alloc_failure_count") ?? 0,
  };
}

const failed = ({ failures }: ServiceReview): number => failures.oomKills + failures.allocFailures;
const keptBytes = ({ outcome, kept }: ServiceReview): number =>
  ["kept", "grown", "stayed"].includes(outcome) ? (kept?.bytes ?? 0) : 0;

const byHarm = (a: ServiceReview, b: ServiceReview): number =>
  Number(failed(b) > 0) - Number(failed(a) > 0) ||
  keptBytes(b) - keptBytes(a) ||
  (b.rss.peak ?? 0) - (a.rss.peak ?? 0) ||
  compareText(keyOf(a), keyOf(b));

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const moments = (group: readonly ResultRow[], figure: string) => ({
  before: total(group, `${figure}_before`),
  peak: total(group, `${figure}_peak`),
  after: total(group, `${figure}_after`),
});

function total(group: readonly ResultRow[], column: string): number | null {
  const known = group.map((row) => maybeNumber(row, column)).filter((value) => value !== null);
  return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) : null;
}

function average(row: ResultRow, sum: string, count: string): number | null {
  const [bytes, processes] = [maybeNumber(row, sum), numberOf(row, count)];
  return bytes === null || processes === 0 ? null : bytes / processes;
}
