// The outcome of a matrix on the terminal: the table, what was expected beside what was measured, and the verdict. Pure.
// The page and its drawings are page.ts's and chart.ts's; they share the cells and the sentences.
import { formatBytes, formatCountOf, formatShare } from "../../functions/core/units.ts";
import { plain, wrap } from "../inspect-text.ts";
import {
  bytesDifference,
  type Difference,
  expectationError,
  type Figure,
  type Outcome,
  secondsDifference,
  verdictOf,
} from "./compare.ts";
import type { Matrix, Setting } from "./matrix.ts";

export interface Result {
  /** As it was typed, or copied from a process. */
  readonly command: string;
  readonly load: string | null;
  readonly base: Outcome;
  readonly others: readonly Outcome[];
  readonly leftOut: readonly string[];
}

export const tableHead = ["setting", "peak RSS", "after peak", "against baseline", "live", "CPU s", "time s", "exit"] as const;

/** Cells of one row, under tableHead. A dash is a figure that nobody could measure. */
export function rowOf(outcome: Outcome, base: Outcome): readonly string[] {
  const { setting, peakRssBytes, afterRssBytes, liveBytes, cpuSeconds, seconds, ending } = outcome;
  const isBase = outcome === base;
  return [
    plain(setting.id),
    bytes(peakRssBytes),
    bytes(afterRssBytes),
    isBase ? spreadText(base) : changeText(bytesDifference(afterRssBytes, base.afterRssBytes), base.afterRssBytes),
    bytes(liveBytes),
    inSeconds(cpuSeconds, isBase ? null : secondsDifference(cpuSeconds, base.cpuSeconds)),
    inSeconds(seconds, isBase ? null : secondsDifference(seconds, base.seconds)),
    ending,
  ];
}

export function resultText(result: Result, bold: (text: string) => string): string {
  const { base, others, leftOut } = result;
  const rows = [tableHead, ...[base, ...others].map((outcome) => rowOf(outcome, base))];
  const [head = "", ...body] = aligned(rows);
  const expected = others.flatMap((outcome) => expectationText(outcome, base) ?? []);
  const settings = others.map(({ setting }) => plain(`  ${setting.id}: ${settingText(setting)}`));
  const notes = [base, ...others].flatMap(({ setting, runs, notes: all }) => [
    ...runs.flatMap(({ ending }) => (ending.kind === "failed" ? [`${setting.id}: ${ending.because}`] : [])),
    ...all.map((note) => `${setting.id}: ${note}`),
  ]);
  const blocks = [
    [bold(head), ...body, "", ...wrap(LEGEND)],
    expected.length === 0 ? [] : ["Expected by the advice engine, and measured", ...expected.map((line) => `  ${plain(line)}`)],
    ["Settings", ...settings],
    notes.length === 0 ? [] : ["Notes", ...[...new Set(notes)].flatMap((note) => indented(note))],
    leftOut.length === 0 ? [] : ["Not tried", ...leftOut.flatMap((text) => indented(text))],
    verdictSentences(result).flatMap((text, at) => wrap(text).map((line) => (at === 0 ? bold(line) : line))),
  ];
  return blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join("\n"))
    .join("\n\n");
}

export const LEGEND =
  "After peak: median of the settled end of a run. A difference in brackets is within the noise: not larger than what runs of one setting differed by (or 2 % of memory, 10 % of time).";

/** The verdict first. */
export function verdictSentences({ base, others }: Result): readonly string[] {
  const { best, nearest, dearer } = verdictOf(base, others);
  if (base.afterRssBytes === null) return ["Nothing can be said: the program ended before it could be measured."];
  const held = formatBytes(base.afterRssBytes.median);
  if (best !== null) {
    const change = bytesDifference(best.afterRssBytes, base.afterRssBytes);
    const share = formatShare(-(change?.amount ?? 0) / base.afterRssBytes.median);
    const peak = bytesDifference(best.peakRssBytes, base.peakRssBytes);
    const lower = peak !== null && !peak.isNoise && peak.amount < 0;
    const atPeak = lower ? `, and ${bytes(best.peakRssBytes)} at the peak instead of ${bytes(base.peakRssBytes)}` : "";
    const cost = dearer.length === 0 ? "no more CPU, time or peak than the noise" : `${dearer.join(", ")}`;
    return [
      `Best: ${plain(best.setting.id)}: ${bytes(best.afterRssBytes)} after the peak instead of ${held}, ${share} less${atPeak}, for ${cost}.`,
      `  ${plain(settingText(best.setting))}`,
    ];
  }
  if (others.length === 0) return ["Nothing was tried beside the baseline."];
  const tried = nearest === null ? "" : ` The nearest, ${nearest.setting.id}, left ${bytes(nearest.afterRssBytes)}.`;
  return [`Nothing here helps: no setting left clearly less than the ${held} of the program as it is.${tried}`];
}

/** As it is typed in a shell, or that it is a command after the peak. */
export function settingText({ changes, relief }: Setting): string {
  const words = Object.entries(changes).map(([name, value]) => `${name}=${shellWord(value)}`);
  return [...words, ...(relief ? ["with the shim, and tidemark relief <pid> after the peak"] : [])].join(" ");
}

const shellWord = (text: string): string => (/^[\w./:,=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** Null where the advice engine said nothing of it. */
export function expectationText(outcome: Outcome, base: Outcome): string | null {
  const { setting, afterRssBytes } = outcome;
  const change = bytesDifference(afterRssBytes, base.afterRssBytes);
  if (setting.expectedBytes === null || change === null) return null;
  // A relief that was not done shows nothing.
  if (setting.relief && outcome.notes.some((note) => note.startsWith("relief "))) return null;
  const error = expectationError(outcome, change);
  const expected = setting.expectedBytes === 0 ? "nothing" : `${formatBytes(setting.expectedBytes)} less`;
  const off = error === null ? "" : `, ${formatShare(error)} off`;
  return `${setting.id}: expected ${expected}, measured ${change.isNoise ? "no difference beyond the noise" : moreOrLess(change.amount)}${off}`;
}

const moreOrLess = (amount: number): string => `${formatBytes(Math.abs(amount))} ${amount < 0 ? "less" : "more"}`;

/** The matrix without its outcome. */
export function matrixText({ settings, leftOut }: Matrix): string {
  const blocks = settings.map(({ id, title, why, expectedBytes, ...setting }) =>
    [
      `${id}: ${title}`,
      `  ${plain(settingText({ id, title, why, expectedBytes, ...setting }))}`,
      ...(expectedBytes === null || expectedBytes === 0
        ? []
        : [`  expected: ${formatBytes(expectedBytes)} less after the peak`]),
      ...indented(plain(why)),
    ].join("\n"),
  );
  const left = leftOut.length === 0 ? [] : [["Not tried", ...leftOut.flatMap((text) => indented(text))].join("\n")];
  return [...blocks, ...left].join("\n\n");
}

export const runLine = ({ setting, runs, peakRssBytes, afterRssBytes }: Outcome): string =>
  `${setting.id}: peak ${bytes(peakRssBytes)}, after ${bytes(afterRssBytes)} (${formatCountOf(runs.length, "run", "runs")})`;

const bytes = (figure: Figure | null): string => (figure === null ? "-" : formatBytes(figure.median));

function inSeconds(figure: Figure | null, change: Difference | null): string {
  if (figure === null) return "-";
  const part =
    change === null || change.isNoise ? 0 : Math.round((change.amount / Math.max(figure.median - change.amount, 0.001)) * 100);
  return `${figure.median.toFixed(2)}${part === 0 ? "" : ` ${signed(part)}%`}`;
}

function changeText(change: Difference | null, base: Figure | null): string {
  if (change === null || base === null) return "-";
  const part = Math.round((change.amount / base.median) * 100);
  const sign = change.amount < 0 ? "-" : "+";
  const text = `${sign}${formatBytes(Math.abs(change.amount))} ${signed(part)}%`;
  return change.isNoise ? `(${text})` : text;
}

const signed = (part: number): string => (part > 0 ? `+${part}` : String(part));

/** What its own runs differed by. */
const spreadText = ({ afterRssBytes, runs }: Outcome): string =>
  afterRssBytes === null || runs.length < 2 ? "-" : `${runs.length} runs, ${formatBytes(afterRssBytes.spread)} apart`;

const indented = (text: string): string[] => wrap(plain(text), INDENTED_WIDTH).map((line) => `  ${line}`);
const INDENTED_WIDTH = 94;

function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? "").length)));
  const cell = (text: string, at: number) =>
    at === 0 || at === widths.length - 1 ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0);
  return rows.map((row) => row.map(cell).join("  ").trimEnd());
}
