// The evaluation as tables in Markdown: the terminal shows them as they are, docs/detection.md takes them in.
// The figures are score.ts's.
import { causeScores, HEALTHY, type Score, scoreOf, type Verdict } from "./score.ts";

type Row = readonly (string | number)[];

/** Columns as wide as their widest cell, so that the text reads as well as the page. */
export function markdownTable(head: readonly string[], rows: readonly Row[]): string {
  const texts = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, at) => Math.max(...texts.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  const [first = [], ...others] = texts;
  return [line(first), rule, ...others.map(line)].join("\n");
}

/** One line each method, ours first. */
export function methodTable(methods: readonly { readonly name: string; readonly verdicts: readonly Verdict[] }[]): string {
  return markdownTable(
    [
      "method",
      "cause right",
      "problem: precision",
      "problem: recall",
      "leak, fragmentation, retention confused",
      "alerts on healthy traces",
      "per 1000 process-hours",
      "named within one peak",
    ],
    methods.map(({ name, verdicts }) => {
      const score = scoreOf(verdicts);
      return [
        name,
        share(score.right, score.traceCount),
        ratio(score.precision),
        ratio(score.recall),
        share(score.confusions, score.traceCount),
        score.healthyAlerts,
        ratio(score.alertsPerThousandHours),
        share(score.namedWithinOnePeak, score.problemCount),
      ];
    }),
  );
}

/** Rows are what is, columns what was found. */
export function confusionTable(verdicts: readonly Verdict[]): string {
  const scores = causeScores(verdicts);
  return markdownTable(
    ["expected \\ found", ...scores.map(({ cause }) => cause)],
    scores
      .filter(({ expected }) => expected > 0)
      .map(({ cause }) => [
        cause,
        ...scores.map((column) => {
          const count = verdicts.filter(({ expected, found }) => expected === cause && found === column.cause).length;
          return count === 0 ? "" : count;
        }),
      ]),
  );
}

export const causeTable = (verdicts: readonly Verdict[]): string =>
  markdownTable(
    ["cause", "traces", "precision", "recall"],
    causeScores(verdicts).map(({ cause, expected, found, right }) => [
      cause,
      expected,
      ratio(found === 0 ? null : right / found),
      ratio(expected === 0 ? null : right / expected),
    ]),
  );

/** Thresholds are not learned, so that a program left out is judged by the same rules: its own line is the figure. */
export function programTable(verdicts: readonly Verdict[]): string {
  const groups = Map.groupBy(
    verdicts.filter(({ expected }) => expected !== null),
    ({ program }) => program,
  );
  return markdownTable(
    ["program", "cause right", "alerts on healthy traces"],
    [...groups]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([program, group]) => {
        const { right, traceCount, healthyAlerts, healthyCount } = scoreOf(group);
        return [program, share(right, traceCount), healthyCount === 0 ? "none to judge" : healthyAlerts];
      }),
  );
}

/** What went wrong, trace by trace. */
export const mistakes = (verdicts: readonly Verdict[]): readonly string[] =>
  verdicts
    .filter(({ expected, found }) => expected !== null && expected !== found)
    .map(({ id, expected, found }) => `${id}: ${expected} found as ${found}`);

/** How each variant of the traces was judged. */
export const variantTable = (results: readonly { readonly name: string; readonly score: Score }[]): string =>
  markdownTable(
    ["the same traces", "cause right", "problem: precision", "problem: recall", "said of healthy ones"],
    results.map(({ name, score }) => [
      name,
      share(score.right, score.traceCount),
      ratio(score.precision),
      ratio(score.recall),
      score.healthyAlerts,
    ]),
  );

export const share = (part: number, whole: number): string =>
  whole === 0 ? "-" : `${part} of ${whole} (${Math.round((part / whole) * 100)} %)`;
const ratio = (value: number | null): string => (value === null ? "-" : value.toFixed(2));

export const summary = (verdicts: readonly Verdict[]): string => {
  const { right, traceCount, problemCount, healthyCount } = scoreOf(verdicts);
  return `${share(right, traceCount)} named rightly; ${problemCount} have a cause, ${healthyCount} are healthy (${HEALTHY}).`;
};
