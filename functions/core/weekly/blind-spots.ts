// What the weekly report cannot see, said in sentences: silent hosts, lost rows, heaps without figures, settings that are not in effect.
// A number here says how much the other numbers leave out.
import type { Finding } from "../../../schema/columns.ts";
import type { ResultRow } from "../../edges.ts";
import { heapUnknownText } from "../heap-unknown.ts";
import { clipName, clipText, listNames } from "../report/text.ts";
import { maybeNumber, maybeText, numberOf, textOf } from "../result-rows.ts";
import { formatBytes, formatCount, formatCountOf, formatShare } from "../units.ts";
import type { BlindSpot, FleetFigures, Worth } from "./model.ts";

/** A sentence names a few; the query has them all. */
const NAMES_MAX = 3;
const REASONS_MAX = 8;
const PROBLEM_LENGTH_MAX = 300;

export interface BlindRows {
  readonly hosts_silent: readonly ResultRow[];
  readonly collector_losses: readonly ResultRow[];
  readonly weekly_unmeasured: readonly ResultRow[];
}

export function blindSpotsOf(
  rows: BlindRows,
  findings: readonly Finding[],
  { now, worth, hasLastPeriod }: { now: FleetFigures | null; worth: Worth | null; hasLastPeriod: boolean },
): readonly BlindSpot[] {
  return [
    ...(now !== null && !hasLastPeriod ? [nothingLately] : []),
    ...silentHosts(rows.hosts_silent),
    ...losses(rows.collector_losses),
    ...unmeasured(rows.weekly_unmeasured),
    ...settings(findings),
    ...unpriced(worth),
  ];
}

const nothingLately: BlindSpot = {
  query: "weekly_fleet",
  number: "No rows",
  text: "came in the last day of the week.",
  why: "Rollup, conversion or delivery stands still: what is said here is older.",
};

function silentHosts(rows: readonly ResultRow[]): readonly BlindSpot[] {
  if (rows.length === 0) return [];
  const names = rows.map((row) => clipName(maybeText(row, "host_name") ?? textOf(row, "host_id"), 40));
  const one = rows.length === 1;
  return [
    {
      query: "hosts_silent",
      number: formatCountOf(rows.length, "host", "hosts"),
      text: `went silent in the last day, and ${one ? "was" : "were"} not stopped on purpose as far as rows tell: ${listNames(names, NAMES_MAX)}.`,
      why: null,
    },
  ];
}

const lossTexts: Readonly<Record<string, string>> = {
  rows: "dropped rows in the last day",
  delivery: "could not deliver in the last day, and rows pile up there",
  sight: "may not read a share of their processes",
  details: "dropped rows about deaths or kills in the last day",
};

const losses = (rows: readonly ResultRow[]): readonly BlindSpot[] =>
  [...Map.groupBy(rows, (row) => textOf(row, "loss"))].map(([loss, ofLoss]) => {
    const dropped = ofLoss.reduce((total, row) => total + (maybeNumber(row, "row_dropped_count") ?? 0), 0);
    const names = ofLoss.map((row) => clipName(maybeText(row, "host_name") ?? textOf(row, "host_id"), 40));
    return {
      query: "collector_losses",
      number: formatCountOf(ofLoss.length, "collector", "collectors"),
      text: `${lossTexts[loss] ?? `have losses (${clipName(loss)})`}${loss === "rows" ? ` (${formatCount(dropped)} rows)` : ""}: ${listNames(names, NAMES_MAX)}.`,
      why: null,
    };
  });

/** Largest reasons first; those left out are added up. */
function unmeasured(rows: readonly ResultRow[]): readonly BlindSpot[] {
  const spots = rows.slice(0, REASONS_MAX).map((row): BlindSpot => {
    const allocator = maybeText(row, "allocator");
    const count = numberOf(row, "process_count");
    const isUnknown = allocator === null || allocator === "unknown";
    const services = numberOf(row, "service_count");
    const largest = maybeText(row, "largest_service");
    return {
      query: "weekly_unmeasured",
      number: formatCountOf(count, "process", "processes"),
      text: `of ${formatCountOf(services, "service", "services")}${largest === null ? "" : ` (largest: ${clipName(largest, 40)})`}, ${formatBytes(maybeNumber(row, "rss_bytes"))} resident, ${formatShare(shareOf(count, maybeNumber(row, "process_count_all")))} of all processes: ${isUnknown ? "the allocator is not known" : `${clipName(allocator, 40)} without figures`}.`,
      why: clipText(heapUnknownText(maybeText(row, "heap_unknown_reason"), allocator), PROBLEM_LENGTH_MAX),
    };
  });
  const rest = rows.slice(REASONS_MAX);
  if (rest.length === 0) return spots;
  const count = rest.reduce((total, row) => total + numberOf(row, "process_count"), 0);
  const more: BlindSpot = {
    query: "weekly_unmeasured",
    number: `${formatCount(count)} more`,
    text: `have no figures for ${formatCount(rest.length)} other reasons.`,
    why: null,
  };
  return [...spots, more];
}

const shareOf = (count: number, all: number | null): number | null => (all === null || all === 0 ? null : count / all);

/** What is wrong with the settings of alerts, and what they silence. */
function settings(findings: readonly Finding[]): readonly BlindSpot[] {
  const problems = findings.filter(({ cause }) => cause === "config_invalid" || cause === "mute_expired");
  const muted = findings.filter((finding) => (finding.muted ?? null) !== null);
  return [
    ...problems.slice(0, REASONS_MAX).map(
      ({ cause, evidence }): BlindSpot => ({
        query: "recent_findings",
        number: cause === "config_invalid" ? "The alert settings" : "A mute",
        text: `${cause === "config_invalid" ? "cannot be used" : "has expired"}: ${clipText(evidence, PROBLEM_LENGTH_MAX)}.`,
        why: null,
      }),
    ),
    ...(muted.length === 0
      ? []
      : [
          {
            query: "recent_findings",
            number: formatCountOf(muted.length, "finding", "findings"),
            text: `${muted.length === 1 ? "is" : "are"} muted: listed here, told to nobody.`,
            why: null,
          },
        ]),
  ];
}

function unpriced(worth: Worth | null): readonly BlindSpot[] {
  if (worth === null || worth.assumedBytes === 0) return [];
  return [
    {
      query: "weekly_fleet",
      number: formatBytes(worth.assumedBytes),
      text: "of the memory held free is on instances whose type is not known or not in the table of prices.",
      why: "They are priced as general-purpose Graviton instances (m7g).",
    },
  ];
}
