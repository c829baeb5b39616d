// What a review is made of, before it has a look. Filled from query results by judge.ts and its neighbours; drawn by page.ts.
// Bytes; null where nothing was measured.
import type { Recommendation } from "../advice/advise.ts";
import type { TimelinePoint } from "../report/model.ts";
import type { QueryLink } from "../report/query-links.ts";
import type { Span } from "./span.ts";

export interface Moments {
  readonly before: number | null;
  readonly peak: number | null;
  readonly after: number | null;
}

/** What became of a service's memory, as its processes that lived through the peak show it. */
export type Outcome =
  /** Memory stayed, and it is not in use: a ratchet. */
  | "kept"
  /** Memory stayed, and it is in use: a leak, or a cache that filled. */
  | "grown"
  /** Memory stayed, and the heap is not known. */
  | "stayed"
  | "returned"
  /** No rise to speak of. */
  | "level"
  /** No process lived through it: a deploy, or a restart. */
  | "restarted"
  /** Began within the peak, or after it. */
  | "started"
  /** Ended within the peak. */
  | "ended"
  /** There are no rows of after the peak yet. */
  | "open";

export interface ServiceReview {
  readonly service: string;
  readonly environment: string | null;
  readonly versions: readonly VersionReview[];
  readonly outcome: Outcome;
  readonly hostCount: number;
  readonly processCount: Moments & { readonly stayed: number; readonly started: number; readonly ended: number };
  readonly walkedCount: number;
  readonly rss: Moments;
  readonly live: Moments;
  readonly held: Moments;
  readonly reclaimableAfter: number | null;
  /** Of the processes that lived through it; null where none did. */
  readonly kept: { readonly bytes: number; readonly shareOfRise: number | null; readonly liveBytes: number | null } | null;
  readonly failures: Failures;
  /** Cause that detection found over the days before, or that the peak itself shows; null where memory did not stay. */
  readonly cause: { readonly name: string; readonly isFromDetection: boolean } | null;
  /** Moves against each earlier peak, in the order of ReviewModel.against. */
  readonly earlier: readonly (EarlierPeak | null)[];
}

export interface Failures {
  readonly oomKills: number;
  readonly allocFailures: number;
  /** Times that a cgroup met its memory limit. */
  readonly limitHits: number;
  /** Swapped out more than before, at most. */
  readonly swapBytes: number;
  /** Processes that died and left a black box. */
  readonly deaths: number;
}

/** A version's processes that were seen at the peak and after it, on average. */
export interface VersionReview {
  readonly version: string | null;
  readonly processCount: number;
  readonly firstSeenMs: number;
  readonly peakPerProcess: number | null;
  readonly afterPerProcess: number | null;
  readonly oomKills: number;
  readonly allocFailures: number;
}

export interface EarlierPeak {
  readonly processCountPeak: number | null;
  readonly rssPeak: number | null;
  readonly rssPeakPerProcess: number | null;
  readonly keptBytes: number | null;
  readonly keptPerProcess: number | null;
  readonly oomKills: number;
  readonly allocFailures: number;
}

/** A version that holds more after the peak than the one before it, process for process. */
export interface WorseVersion {
  readonly service: string;
  readonly environment: string | null;
  readonly version: string;
  readonly olderVersion: string;
  readonly afterPerProcess: number;
  readonly olderAfterPerProcess: number;
  readonly morePerProcess: number;
  readonly processCount: number;
}

export interface HostTrouble {
  readonly trouble: "oom_kills" | "swap" | "low_memory" | "silent" | "gap";
  readonly hostCount: number;
  readonly eventCount: number;
  readonly bytes: number | null;
  readonly sinceMs: number;
  readonly hostId: string;
}

export interface Change {
  readonly service: string;
  readonly environment: string | null;
  readonly cause: string;
  /** Why it comes where it comes: `failed`, `dollars`. */
  readonly because: "failed" | "memory";
  readonly processCount: number;
  readonly recommendation: Recommendation;
}

export interface ReviewModel {
  readonly title: string;
  readonly peak: Span;
  /** What was read, the calm on either side included. */
  readonly startMs: number;
  readonly endMs: number;
  readonly reads: "minutes" | "hours";
  /** Earlier peaks, newest first; hasRows is false where the lake has nothing of then. */
  readonly against: readonly { readonly span: Span; readonly hasRows: boolean }[];
  readonly generatedAtMs: number;
  /** What costs most first. */
  readonly services: readonly ServiceReview[];
  readonly worseVersions: readonly WorseVersion[];
  /** Null where no host was seen. */
  readonly hostCount: number | null;
  readonly hostTroubles: readonly HostTrouble[];
  readonly changes: readonly Change[];
  readonly timelines: ReadonlyMap<string, readonly TimelinePoint[]>;
  readonly queries: readonly QueryLink[];
}

/** A service in one environment, as a key. */
export const keyOf = ({ service, environment }: { readonly service: string; readonly environment: string | null }): string =>
  JSON.stringify([service, environment]);
