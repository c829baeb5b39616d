// The life of a finding from run to run: new, ongoing, worse, resolved; whom to tell of it, and what to say no second time.
// Values in, values out. What is found is the queries'; why something is muted is alert-config-rules.ts's.
import type { Finding } from "../../schema/columns.ts";
import { causeText, type Severity, severityRank } from "./causes.ts";

export type Detector = "trends" | "acute";

export interface StateRules {
  /** Not found for so long, it is over. A time and not a number of runs, so that a missed or repeated run changes nothing. */
  readonly resolveAfterMs: number;
  /** What comes back within this time of being over was not over: it goes on without a word. */
  readonly dampingMs: number;
}

const HOUR_MS = 3_600_000;
/** Three runs of each; and a day, so that what comes with the daily peak is told once and not daily. */
export const stateRules: Readonly<Record<Detector, StateRules>> = {
  trends: { resolveAfterMs: 3 * HOUR_MS, dampingMs: 24 * HOUR_MS },
  acute: { resolveAfterMs: HOUR_MS / 2, dampingMs: 24 * HOUR_MS },
};

/** Rows reach the lake within ten minutes, and hours within two: where the newest is older, what is not found may still be there. */
const newestSampleAgeSecondsMax: Readonly<Record<Detector, number>> = { trends: 7_200, acute: 1_200 };

/** Whether a run sees too little to say that anything is over; the age is null where there is no row at all. */
export const isBlind = (detector: Detector, newestSampleAgeSeconds: number | null): boolean =>
  newestSampleAgeSeconds === null || newestSampleAgeSeconds > newestSampleAgeSecondsMax[detector];

/** Worse is so many times the memory or the hosts that it was told with, and by no fewer than that: a ratio and a floor. */
const WORSE_TIMES = 2;
const WORSE_BYTES_MIN = 64 * 1_024 * 1_024;
const WORSE_HOSTS_MIN = 3;

export interface StateInput {
  readonly detector: Detector;
  readonly nowMs: number;
  readonly found: readonly Finding[];
  /** The last row of each finding of both detectors, of runs before this one. */
  readonly known: readonly Finding[];
  /** Whether this run saw too little to say that anything is over. */
  readonly isBlind: boolean;
  readonly mutedBecause: (finding: Finding) => string | null;
}

export interface StateOutput {
  /** What is to be filed: everything found, and what is over. */
  readonly rows: readonly Finding[];
  /** Of them, what people are to be told: new, worse, or no longer muted. */
  readonly news: readonly Finding[];
  /** Of them, what is over and had been told. */
  readonly resolved: readonly Finding[];
}

export function nextStates(input: StateInput): StateOutput {
  const { detector, nowMs, known } = input;
  const lastOf = new Map(known.map((row) => [row.finding_id, completed(row)]));
  const foundIds = new Set(input.found.map(({ finding_id }) => finding_id));
  const current = input.found
    .map((finding) => ({
      ...finding,
      detector,
      scope: finding.scope ?? "service",
      severity: finding.severity ?? causeText(finding.cause).severity,
    }))
    .map((finding) => stateOf(finding, lastOf.get(finding.finding_id), input));
  const over = input.isBlind
    ? []
    : [...lastOf.values()]
        .filter((row) => row.detector === detector && row.state !== "resolved" && !foundIds.has(row.finding_id))
        .filter((row) => nowMs - row.found_at >= stateRules[detector].resolveAfterMs)
        .map((row) => endOf(row, input));
  return {
    rows: [...current, ...over].map(({ row }) => row),
    news: current.filter(({ isNews }) => isNews).map(({ row }) => row),
    resolved: over.filter(({ isNews }) => isNews).map(({ row }) => row),
  };
}

interface Judged {
  readonly row: Finding;
  readonly isNews: boolean;
}

function stateOf(finding: Finding, last: Lasting | undefined, input: StateInput): Judged {
  const { nowMs, detector, known } = input;
  const isSame = last !== undefined && !(last.state === "resolved" && nowMs - last.found_at >= stateRules[detector].dampingMs);
  const isWorse = isSame && hasBecomeWorse(finding, last);
  const life =
    isSame && !isWorse
      ? lifeOf(last)
      : {
          first_found_at: isSame ? last.first_found_at : nowMs,
          class_at: nowMs,
          class_excess_bytes: finding.excess_bytes ?? null,
          class_host_count: finding.host_count,
          class_severity: finding.severity ?? null,
          announced_at: isSame ? last.announced_at : null,
          announced_state: isSame ? last.announced_state : null,
        };
  const muted = input.mutedBecause(finding);
  const isUntold = life.announced_at === null || life.announced_at < life.class_at;
  // What the other detector has told already is known, until it becomes worse.
  const isTold = isUntold && !isWorse && known.some((other) => isToldElsewhere(other, finding));
  const isNews = isUntold && !isTold && muted === null;
  const state = isWorse ? "worse" : isSame ? "ongoing" : "new";
  const announced = isNews || (isTold && muted === null) ? { announced_at: nowMs, announced_state: state } : {};
  return { row: { ...finding, ...life, state, muted, ...announced }, isNews };
}

/** Its end is told to those who were told of it, and once: what came back without a word goes without one. */
function endOf(last: Lasting, { nowMs, mutedBecause }: StateInput): Judged {
  const state = "resolved";
  const muted = mutedBecause(last);
  const isNews = last.announced_at !== null && last.announced_state !== state && muted === null;
  const announced = isNews ? { announced_at: nowMs, announced_state: state } : {};
  return { row: { ...last, found_at: nowMs, state, muted, ...announced }, isNews };
}

/** Figures that fall move nothing: a daily wave must not become worse every day. */
function hasBecomeWorse(finding: Finding, { class_severity, class_excess_bytes, class_host_count }: Lasting): boolean {
  const grown = (now: number, before: number, min: number) => now >= before * WORSE_TIMES && now - before >= min;
  const bytes = finding.excess_bytes ?? 0;
  return (
    rankOf(finding.severity) < rankOf(class_severity ?? finding.severity) ||
    grown(bytes, class_excess_bytes ?? bytes, WORSE_BYTES_MIN) ||
    grown(finding.host_count, class_host_count, WORSE_HOSTS_MIN)
  );
}

const isToldElsewhere = (other: Finding, { service, environment, cause, detector }: Finding): boolean =>
  (other.detector ?? "trends") !== detector &&
  other.service === service &&
  (other.environment ?? null) === (environment ?? null) &&
  other.cause === cause &&
  other.state !== "resolved" &&
  (other.announced_at ?? null) !== null;

const rankOf = (severity: string | null | undefined): number => severityRank[severity as Severity] ?? severityRank.notice;

/** A row with all that its life needs. */
interface Lasting extends Finding {
  readonly detector: string;
  readonly state: string;
  readonly first_found_at: number;
  readonly class_at: number;
  readonly class_excess_bytes: number | null;
  readonly class_host_count: number;
  readonly class_severity: string | null;
  readonly announced_at: number | null;
  readonly announced_state: string | null;
}

/** Rows from before findings had a state were told when they were found, as all were then. */
function completed(row: Finding): Lasting {
  const hasState = (row.state ?? null) !== null;
  return {
    ...row,
    detector: row.detector ?? "trends",
    state: row.state ?? "ongoing",
    first_found_at: row.first_found_at ?? row.found_at,
    class_at: row.class_at ?? row.found_at,
    class_excess_bytes: row.class_excess_bytes ?? row.excess_bytes ?? null,
    class_host_count: row.class_host_count ?? row.host_count,
    class_severity: row.class_severity ?? row.severity ?? null,
    announced_at: row.announced_at ?? (hasState ? null : row.found_at),
    announced_state: row.announced_state ?? null,
  };
}

/** What lasts from one row to the next while nothing changes. */
const lifeOf = (last: Lasting) => ({
  first_found_at: last.first_found_at,
  class_at: last.class_at,
  class_excess_bytes: last.class_excess_bytes,
  class_host_count: last.class_host_count,
  class_severity: last.class_severity,
  announced_at: last.announced_at,
  announced_state: last.announced_state,
});
