// Peaks that were announced in the alert settings: when one can be judged, and what people are told of it, service by service.
// The figures are queries/peaks.sql's.
import type { Message, ResultRow } from "../edges.ts";
import type { Peak } from "./alert-config.ts";
import { maybeNumber, maybeText, numberOf, textOf } from "./result-rows.ts";
import { formatBytes, formatCountOf, formatShare, formatUtc } from "./units.ts";
import { type Window, windowBefore } from "./window.ts";

const HOUR_MS = 3_600_000;
/** Peaks of so many periods before it are what a peak is compared with. */
const PERIODS_BEFORE = 7;
/** A message names so many services; the query has them all. */
const LINES_MAX = 50;

/** Peaks that ended one period ago, to the step of the schedule: each is due in one run, and that run repeated says the same. */
export function duePeaks(peaks: readonly Peak[], { endMs, periodMs }: Window): readonly Peak[] {
  const stepMs = Math.min(HOUR_MS, periodMs);
  return peaks.filter(({ to }) => to + periodMs <= endMs && to + periodMs > endMs - stepMs);
}

/** Whole periods that hold the peak, those it is compared with, and the one after it. */
export const peakWindow = ({ from }: Peak, { endMs, periodMs }: Window): Window =>
  windowBefore(endMs, periodMs, Math.ceil((endMs - from) / periodMs) + PERIODS_BEFORE);

/** What did not go back, most first. Services that kept nothing are counted, not named. */
export function peakMessage({ name, from, to }: Peak, rows: readonly ResultRow[]): Message {
  const judged = rows.filter((row) => textOf(row, "found_by") === "given");
  const kept = judged.filter((row) => keptBytes(row) > 0).sort((a, b) => keptBytes(b) - keptBytes(a));
  const more = kept.length - LINES_MAX;
  return {
    topic: "alerts",
    subject: `Tidemark: the peak ${name.replace(/[^\x20-\x7e]/g, "?").slice(0, 40)}: ${formatCountOf(kept.length, "service", "services")} kept memory`,
    text: [
      `${name}, ${formatUtc(from)} to ${formatUtc(to)}: memory of one process on average before, at and after the peak.`,
      ...kept.slice(0, LINES_MAX).map(lineOf),
      ...(more > 0 ? [`and ${formatCountOf(more, "more service", "more services")}; tidemark sql peaks has them all.`] : []),
      `${formatCountOf(judged.length - kept.length, "service", "services")} of ${judged.length} went back to where they were, or did not rise.`,
    ].join("\n"),
    attributes: { kind: "peak", severity: "notice" },
  };
}

/** Of all processes that are there after the peak. */
const keptBytes = (row: ResultRow): number =>
  maybeNumber(row, "rss_ratchet") === null
    ? 0
    : numberOf(row, "rss_bytes_after_since_last_peak") * (maybeNumber(row, "process_count_after") ?? 0);

function lineOf(row: ResultRow): string {
  const bytes = (column: string) => formatBytes(maybeNumber(row, column));
  const share = (column: string) => formatShare(maybeNumber(row, column));
  const environment = maybeText(row, "environment");
  const before = maybeNumber(row, "rss_ratchet_of_last_peak");
  return (
    `- ${textOf(row, "service")}${environment === null ? "" : ` (${environment})`}: ` +
    `RSS ${bytes("rss_bytes_before")}, ${bytes("rss_bytes_peak")}, ${bytes("rss_bytes_after")}: ${share("rss_ratchet")} of the rise stayed` +
    `${before === null ? "" : ` (at the peak before ${formatShare(before)})`}; of live bytes ${share("live_ratchet")}.`
  );
}
