// What the page, the mail and the terminal say alike of a review: verdict, outcomes, failures, versions, earlier peaks, blind spots.
// Plain text: names of strangers are clipped here, and escaped by whoever puts them somewhere.
import { causeText } from "../causes.ts";
import { clipName, listNames } from "../report/text.ts";
import { formatBytes, formatCount, formatCountOf, formatShare, formatUtc } from "../units.ts";
import type { Change, EarlierPeak, Failures, HostTrouble, Outcome, ReviewModel, ServiceReview, WorseVersion } from "./model.ts";
import { spanText } from "./span.ts";

const SERVICE_LENGTH_MAX = 48;
const NAMES_MAX = 3;

export const outcomeWord: Readonly<Record<Outcome, string>> = {
  kept: "kept memory",
  grown: "grew in use",
  stayed: "stayed up, heap unknown",
  returned: "went back",
  level: "did not rise",
  restarted: "restarted",
  started: "new",
  ended: "ended",
  open: "after not known yet",
};

/** Outcomes in which memory stayed, and is worth a card. */
export const staysUp = ({ outcome }: ServiceReview): boolean => ["kept", "grown", "stayed"].includes(outcome);

export function whoText({ service, environment }: { readonly service: string; readonly environment: string | null }): string {
  const name = clipName(service, SERVICE_LENGTH_MAX);
  return environment === null ? name : `${name} (${clipName(environment, SERVICE_LENGTH_MAX)})`;
}

/** The review in one sentence, and whether it is good news. */
export function verdictOf(model: ReviewModel): { readonly kind: "found" | "calm" | "blind"; readonly sentence: string } {
  const { services } = model;
  if (services.length === 0)
    return { kind: "blind", sentence: "The lake has no rows of this peak, so there is nothing to say about it." };
  const failing = services.filter(({ failures }) => hasFailed(failures));
  const kept = services.filter(({ outcome }) => outcome === "kept" || outcome === "stayed");
  const keptBytes = kept.reduce((sum, service) => sum + (service.kept?.bytes ?? 0), 0);
  const names = (list: readonly ServiceReview[]) => listNames(list.map(whoText), NAMES_MAX);
  const parts = [
    ...(failing.length > 0 ? [`memory failed in ${names(failing)}`] : []),
    ...(kept.length > 0 ? [`${names(kept)} kept ${formatBytes(keptBytes)} that went out of use`] : []),
  ];
  if (parts.length > 0) return { kind: "found", sentence: `${capital(parts.join("; "))}.` };
  if (services.every(({ outcome }) => outcome === "open"))
    return {
      kind: "blind",
      sentence: "Nothing failed so far, but there are no rows of after the peak yet: review it again later.",
    };
  return {
    kind: "calm",
    sentence: `Nothing failed and nobody kept memory: ${formatCountOf(services.length, "service", "services")} came through.`,
  };
}

export const hasFailed = ({ oomKills, allocFailures }: Failures): boolean => oomKills > 0 || allocFailures > 0;

/** `3 OOM kills, 120 failed allocations`; empty where nothing failed. */
export function failuresText({ oomKills, allocFailures, limitHits, swapBytes, deaths }: Failures): string {
  return [
    ...(oomKills > 0 ? [formatCountOf(oomKills, "OOM kill", "OOM kills")] : []),
    ...(allocFailures > 0 ? [formatCountOf(allocFailures, "failed allocation", "failed allocations")] : []),
    ...(limitHits >= LIMIT_HITS_TOLD_MIN ? [`met its memory limit ${formatCount(limitHits)} times`] : []),
    ...(swapBytes >= SWAP_BYTES_TOLD_MIN ? [`${formatBytes(swapBytes)} more in swap`] : []),
    ...(deaths > 0 ? [formatCountOf(deaths, "process died", "processes died")] : []),
  ].join(", ");
}

/** Page cache meets the limit as well, and is recycled: a few hits are no trouble. */
const LIMIT_HITS_TOLD_MIN = 100;
const SWAP_BYTES_TOLD_MIN = 16_777_216;

/** What stayed of the processes that lived through it. */
export function keptText({ kept, outcome, processCount, cause }: ServiceReview): string {
  if (kept === null) return "No process lived through it, so what would have stayed cannot be told.";
  const of = formatCountOf(processCount.stayed, "process", "processes");
  const share = kept.shareOfRise === null ? "" : ` (${formatShare(kept.shareOfRise)} of the rise)`;
  const live =
    outcome === "grown"
      ? `, and ${formatBytes(kept.liveBytes)} more is in use: the program has it`
      : outcome === "stayed"
        ? ", and the heap is not known: in use or not cannot be told"
        : `, while what is in use changed by ${formatBytes(kept.liveBytes)}`;
  const named = cause === null ? "" : ` ${causeName(cause)}`;
  return `${of} that lived through it ${processCount.stayed === 1 ? "has" : "have"} ${formatBytes(kept.bytes)} more than before${share}${live}.${named}`;
}

const causeName = ({ name, isFromDetection }: { readonly name: string; readonly isFromDetection: boolean }): string =>
  `Cause${isFromDetection ? ", as detection has it" : " by this peak alone"}: ${causeText(name).name.toLowerCase()}.`;

/** Restarts and scaling, which must not pass for memory that went back; null where there were none. */
export function churnText({ processCount: { stayed, started, ended } }: ServiceReview): string | null {
  if (started === 0 && ended === 0) return null;
  return `${formatCount(stayed)} stayed, ${formatCount(started)} started, ${formatCount(ended)} ended`;
}

export function worseText({
  version,
  olderVersion,
  afterPerProcess,
  olderAfterPerProcess,
  processCount,
  ...who
}: WorseVersion): string {
  return (
    `${whoText(who)}: after the peak a process of version ${clipName(version, SERVICE_LENGTH_MAX)} has ${formatBytes(afterPerProcess)}, ` +
    `one of ${clipName(olderVersion, SERVICE_LENGTH_MAX)} has ${formatBytes(olderAfterPerProcess)} ` +
    `(${formatCountOf(processCount, "process", "processes")} of the newer one)`
  );
}

/** `peak 9.1 GiB (+12 %), kept 1.2 GiB (before: 0.3 GiB)` of this peak against an earlier one. */
export function earlierText(service: ServiceReview, earlier: EarlierPeak): string {
  const peak = service.rss.peak;
  const change = peak === null || !earlier.rssPeak ? null : peak / earlier.rssPeak - 1;
  const sign = change !== null && change > 0 ? "+" : "";
  const kept =
    service.kept === null ? "" : `, kept ${formatBytes(service.kept.bytes)} (then ${formatBytes(earlier.keptBytes)})`;
  const failedNow = service.failures.oomKills + service.failures.allocFailures;
  const failedThen = earlier.oomKills + earlier.allocFailures;
  const failed = failedNow === failedThen ? "" : `, failed ${formatCount(failedNow)} times (then ${formatCount(failedThen)})`;
  return `peak ${formatBytes(peak)} (then ${formatBytes(earlier.rssPeak)}${change === null ? "" : `, ${sign}${formatShare(change)}`})${kept}${failed}`;
}

/** A tenth at the peak, or 16 MiB a process of what stayed: less is another day's traffic. */
export function differs({ rss, kept, processCount, failures }: ServiceReview, then: EarlierPeak): boolean {
  const atPeak = rss.peak !== null && then.rssPeak !== null && Math.abs(rss.peak - then.rssPeak) >= 0.1 * then.rssPeak;
  const keptOfOne = kept === null ? null : kept.bytes / Math.max(1, processCount.stayed);
  const after = keptOfOne !== null && then.keptPerProcess !== null && Math.abs(keptOfOne - then.keptPerProcess) >= 16_777_216;
  return atPeak || after || failures.oomKills !== then.oomKills || failures.allocFailures !== then.allocFailures;
}

export function hostTroubleText({ trouble, hostCount, eventCount, bytes, sinceMs, hostId }: HostTrouble): string {
  const hosts = formatCountOf(hostCount, "host", "hosts");
  const where = `first ${clipName(hostId, SERVICE_LENGTH_MAX)}, ${formatUtc(sinceMs)}`;
  switch (trouble) {
    case "oom_kills":
      return `the kernel killed ${formatCountOf(eventCount, "process", "processes")} for memory on ${hosts} (${where})`;
    case "silent":
      return `${hosts} fell silent and did not come back (${where})`;
    case "low_memory":
      return `${hosts} had next to no memory left, at least ${formatBytes(bytes)} (${where})`;
    case "swap":
      return `${hosts} swapped out ${formatBytes(bytes)} (${where})`;
    case "gap":
      return `${hosts} did not report for a while (${where})`;
  }
}

/** What the review cannot speak of, in sentences. */
export function blindSpots(model: ReviewModel): readonly string[] {
  const { services, hostCount, hostTroubles, against } = model;
  const unseen = hostTroubles.filter(({ trouble }) => trouble === "silent" || trouble === "gap");
  const processes = services.reduce(
    (sum, { versions }) => sum + versions.reduce((all, { processCount }) => all + processCount, 0),
    0,
  );
  const unwalked = processes - services.reduce((sum, { walkedCount }) => sum + walkedCount, 0);
  const untold = services.filter(({ outcome }) => ["restarted", "open", "stayed"].includes(outcome)).length;
  return [
    ...(hostCount === null ? ["No host reported around the peak."] : []),
    ...unseen.map((trouble) => `${capital(hostTroubleText(trouble))}.`),
    ...(unwalked > 0
      ? [`${formatCount(unwalked)} of ${formatCountOf(processes, "process", "processes")} have a heap that could not be read.`]
      : []),
    ...(untold > 0
      ? [
          `Of ${formatCountOf(untold, "service", "services")} it cannot be told what stayed: restarted, heap unknown, or not over yet.`,
        ]
      : []),
    ...against
      .filter(({ hasRows }) => !hasRows)
      .map(({ span }) => `The lake has no rows of the earlier peak, ${spanText(span)}: it is not compared with.`),
  ];
}

/** `checkout: Fewer arenas`. */
export const changeTitle = (change: Change): string => `${whoText(change)}: ${change.recommendation.title}`;

export const capital = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
