// The outcome of a matrix for programs: every figure of every run but the single looks, with the names of the samples' columns.
// Null is not measured.
import { bytesDifference, type Figure, type Outcome, verdictOf } from "./compare.ts";
import type { Result } from "./text.ts";

export function asJson(result: Result): object {
  const { base, others, command, load, leftOut } = result;
  return {
    command,
    load,
    best: verdictOf(base, others).best?.setting.id ?? null,
    settings: [base, ...others].map((outcome) => settingJson(outcome, base)),
    left_out: leftOut,
  };
}

function settingJson(outcome: Outcome, base: Outcome): object {
  const { setting, runs, ending, notes } = outcome;
  const change = outcome === base ? null : bytesDifference(outcome.afterRssBytes, base.afterRssBytes);
  return {
    id: setting.id,
    title: setting.title,
    environment: setting.changes,
    relief: setting.relief,
    why: setting.why,
    expected_saved_bytes: setting.expectedBytes,
    saved_bytes: change === null ? null : -change.amount,
    saved_is_noise: change?.isNoise ?? null,
    peak_rss_bytes: figure(outcome.peakRssBytes),
    after_rss_bytes: figure(outcome.afterRssBytes),
    live_bytes: figure(outcome.liveBytes),
    cpu_s: figure(outcome.cpuSeconds),
    time_s: figure(outcome.seconds),
    exit: ending,
    run_count: runs.length,
    notes,
  };
}

const figure = (value: Figure | null): object | null =>
  value === null ? null : { median: value.median, spread: value.spread };
