// What the weekly report is made of, before it has a look: filled from query results by fill.ts, drawn by page.ts, told by message.ts.
// Bytes are averages over the hours of a week, summed over processes; null where nothing was measured.
import type { Finding } from "../../../schema/columns.ts";
import type { Advice } from "../advice/advise.ts";
import type { QueryLink } from "../report/query-links.ts";
import type { Window } from "../window.ts";

/** US dollars a month: when memory alone is priced, and when memory decides how many instances are needed. */
export interface Dollars {
  readonly least: number;
  readonly most: number;
}

export interface FleetFigures {
  readonly hostCount: number;
  readonly processCount: number;
  readonly walkedCount: number;
  readonly rss: number | null;
  readonly live: number | null;
  /** Free memory on resident pages: held although nobody uses it. */
  readonly held: number | null;
  readonly reclaimable: number | null;
}

/** A day of production. */
export interface FleetPeriod extends FleetFigures {
  /** From 0 at the start of the week before. */
  readonly index: number;
  readonly hourCount: number;
}

export interface Worth {
  readonly held: Dollars;
  readonly reclaimable: Dollars | null;
  /** Of the memory held, what is in instances whose type is not known or not in the table of prices. */
  readonly assumedBytes: number;
  /** Families priced, the one that holds most first. */
  readonly families: readonly string[];
}

/** A finding that is open at the week's end. */
export interface TopFinding {
  readonly finding: Finding;
  readonly advice: Advice;
  /** Of excess_bytes; null where it is not about an amount of held memory. */
  readonly worth: Dollars | null;
}

export interface ServiceWeek {
  readonly service: string;
  readonly environment: string | null;
  readonly instanceType: string | null;
  readonly hostCount: number | null;
  readonly processCount: number | null;
  readonly rss: number | null;
  readonly live: number | null;
  readonly held: number | null;
  readonly reclaimable: number | null;
  readonly rssBefore: number | null;
  readonly liveBefore: number | null;
  readonly heldBefore: number | null;
  readonly worth: Dollars | null;
}

/** A service whose free or live memory rose by enough against the week before. */
export interface Risen {
  readonly service: ServiceWeek;
  readonly what: "held" | "live";
  readonly now: number;
  readonly before: number;
}

/** A row of verified_savings. */
export interface Saving {
  readonly service: string;
  readonly environment: string | null;
  /** Null where nobody recommended it. */
  readonly recommendationId: string | null;
  readonly setting: string | null;
  readonly changedAtMs: number;
  readonly hostCount: number | null;
  readonly controlHostCount: number | null;
  readonly beforePerHost: number | null;
  readonly afterPerHost: number | null;
  readonly savedPerHost: number | null;
  readonly savedPerHostLow: number | null;
  readonly savedPerHostHigh: number | null;
  readonly savedBytes: number | null;
  readonly worth: Dollars | null;
  /** helped, no_effect, worse, too_early. */
  readonly verdict: string;
}

/** Something that this report cannot see, in a sentence around its number. */
export interface BlindSpot {
  readonly query: string;
  readonly number: string;
  /** Continues the number. */
  readonly text: string;
  /** What would mend it, or why it is so; null where the sentence says it. */
  readonly why: string | null;
}

/** A query as it was asked, and its text. */
export interface ShownQuery extends QueryLink {
  readonly summary: string;
  readonly sql: string;
}

export interface WeeklyModel {
  readonly window: Window;
  readonly generatedAtMs: number;
  /** Of both weeks, in order; periods without rows are left out. */
  readonly periods: readonly FleetPeriod[];
  /** Null where the week has no rows. */
  readonly now: FleetFigures | null;
  readonly before: FleetFigures | null;
  readonly worth: Worth | null;
  readonly worthBefore: Worth | null;
  /** What is most pressing first, then what holds most. */
  readonly findings: readonly TopFinding[];
  readonly mutedCount: number;
  /** Largest holders of free memory first. */
  readonly services: readonly ServiceWeek[];
  /** All of the fleet, listed or not; null where there are none. */
  readonly serviceCount: number | null;
  readonly savings: readonly Saving[];
  /** Found or become worse within the week, and still open. */
  readonly newFindings: readonly Finding[];
  readonly risen: readonly Risen[];
  readonly blindSpots: readonly BlindSpot[];
  readonly queries: readonly ShownQuery[];
}
