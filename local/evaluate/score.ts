// How well a method did: what it named rightly, what it missed, what it cried wolf about, and how long it took.
// Values in, values out; the words are table.ts's.
import type { LabelledTrace } from "./labelled-trace.ts";

/** What a method said of one trace: at each of its minutes a cause, or `none`. */
export interface Said {
  readonly minutes: readonly number[];
  readonly causes: readonly string[];
}

export interface Verdict {
  readonly id: string;
  readonly program: string;
  readonly expected: string | null;
  readonly found: string;
  /** The first minute at which it was said to have any cause; null where it never was. */
  readonly firstFindingMinute: number | null;
  /** Peaks that ended between the first one and the minute at which the expected cause was first named; null where it never was. */
  readonly peaksToName: number | null;
  readonly alertCount: number;
  readonly minuteCount: number;
}

export interface Score {
  readonly traceCount: number;
  readonly right: number;
  /** Of those said to have a problem, those that have one; and of those that have one, those said to. */
  readonly precision: number | null;
  readonly recall: number | null;
  /** Leak, fragmentation and retention taken for one another. */
  readonly confusions: number;
  readonly healthyCount: number;
  readonly healthyAlerts: number;
  /** A minute stands for an hour. */
  readonly alertsPerThousandHours: number | null;
  readonly problemCount: number;
  /** Problems named rightly before a second peak more had ended. */
  readonly namedWithinOnePeak: number;
}

export const HEALTHY = "none";
const easilyConfused: ReadonlySet<string> = new Set(["leak", "fragmentation", "retention"]);

export function verdictOf({ id, program, expected, peakEndMinutes }: LabelledTrace, { minutes, causes }: Said): Verdict {
  const at = (place: number): number | null => (place === -1 ? null : (minutes[place] ?? null));
  const named = at(expected === null ? -1 : causes.indexOf(expected));
  const [firstPeakEnd = 0, ...laterEnds] = peakEndMinutes;
  return {
    id,
    program,
    expected,
    found: causes.at(-1) ?? HEALTHY,
    firstFindingMinute: at(causes.findIndex((cause) => cause !== HEALTHY)),
    peaksToName: named === null ? null : laterEnds.filter((end) => end > firstPeakEnd && end <= named).length,
    alertCount: causes.filter((cause, place) => cause !== HEALTHY && (causes[place - 1] ?? HEALTHY) === HEALTHY).length,
    minuteCount: minutes.length,
  };
}

/** Of the traces whose cause is known. */
export function scoreOf(verdicts: readonly Verdict[]): Score {
  const judged = verdicts.filter(({ expected }) => expected !== null);
  const problems = judged.filter(({ expected }) => expected !== HEALTHY);
  const healthy = judged.filter(({ expected }) => expected === HEALTHY);
  const said = judged.filter(({ found }) => found !== HEALTHY);
  const both = problems.filter(({ found }) => found !== HEALTHY);
  const healthyAlerts = sum(healthy.map(({ alertCount }) => alertCount));
  const healthyMinutes = sum(healthy.map(({ minuteCount }) => minuteCount));
  return {
    traceCount: judged.length,
    right: judged.filter(({ expected, found }) => expected === found).length,
    precision: said.length === 0 ? null : both.length / said.length,
    recall: problems.length === 0 ? null : both.length / problems.length,
    confusions: judged.filter(
      ({ expected, found }) => expected !== found && easilyConfused.has(expected ?? "") && easilyConfused.has(found),
    ).length,
    healthyCount: healthy.length,
    healthyAlerts,
    alertsPerThousandHours: healthyMinutes === 0 ? null : (healthyAlerts / healthyMinutes) * 1_000,
    problemCount: problems.length,
    namedWithinOnePeak: problems.filter(
      ({ expected, found, peaksToName }) => expected === found && peaksToName !== null && peaksToName <= 1,
    ).length,
  };
}

export interface CauseScore {
  readonly cause: string;
  readonly expected: number;
  readonly found: number;
  readonly right: number;
}

/** Of each cause that is expected or found, in the order of their names. */
export function causeScores(verdicts: readonly Verdict[]): readonly CauseScore[] {
  const judged = verdicts.filter(({ expected }) => expected !== null);
  const causes = [...new Set(judged.flatMap(({ expected, found }) => [expected ?? HEALTHY, found]))].sort();
  return causes.map((cause) => ({
    cause,
    expected: judged.filter(({ expected }) => expected === cause).length,
    found: judged.filter(({ found }) => found === cause).length,
    right: judged.filter(({ expected, found }) => expected === cause && found === cause).length,
  }));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
