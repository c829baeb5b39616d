// What got worse since the committed run: each figure beside its own history in docs/benchmarks.md, whose spread is the noise.
// Values in, values out; where older pages come from is the runner's.
import type { Section } from "./page.ts";
import type { BenchRow } from "./row.ts";

export interface Regression {
  readonly title: string;
  readonly name: string;
  /** What is compared: the ratio to the peer where there is one, else the figure itself. */
  readonly what: "ratio" | "value";
  readonly before: number;
  readonly now: number;
  /** How much worse, as a share of what was. */
  readonly worseBy: number;
  /** How far committed runs of it lie apart, or the least that is believed. */
  readonly noise: number;
}

/** Below this a change of one run on a shared machine says nothing; ratios to a peer in the same rounds move less than figures alone. */
const NOISE_MIN = { ratio: 0.15, value: 0.3 } as const;

/**
 * Figures that are worse than those of the newest page by more than the pages differ among themselves, worst first.
 * `pages` are texts of docs/benchmarks.md, newest first; only those of the same machine (its `Machine:` line) count.
 */
export function regressions(fresh: readonly Section[], pages: readonly string[], machine: string): readonly Regression[] {
  const histories = pages.filter((page) => page.includes(machine)).map(figuresOf);
  const found = fresh.flatMap(({ title, rows }) =>
    rows.flatMap((row): Regression[] => {
      const now = figureOf(row);
      const past = histories.flatMap((figures) => figures.get(keyOf(title, row.name, row.peer)) ?? []);
      const [before] = past;
      if (now === null || before === undefined || before === 0) return [];
      const what = row.ratio === null ? "value" : "ratio";
      const worseBy = (isMoreBetter(row) ? before - now : now - before) / Math.abs(before);
      const noise = Math.max(NOISE_MIN[what], (Math.max(...past) - Math.min(...past)) / Math.abs(before));
      return worseBy > noise ? [{ title, name: row.name, what, before, now, worseBy, noise }] : [];
    }),
  );
  return found.sort((a, b) => b.worseBy - a.worseBy);
}

const figureOf = ({ ratio, value }: BenchRow): number | null => ratio ?? value;

/** A ratio above 1 is better than the peer; of figures alone only speeds are better when they are more. */
const isMoreBetter = ({ ratio, unit }: BenchRow): boolean => ratio !== null || /\/(CPU )?s$/.test(unit);

/** A name may hold what was measured on the way, in brackets: it is the same figure next time. */
const keyOf = (title: string, name: string, peer: string | null): string =>
  [title, name.replaceAll(/ \([^)]*\d[^)]*\)/g, ""), peer ?? ""].join("\n");

/** Of each row of a page the figure that is compared. */
function figuresOf(page: string): ReadonlyMap<string, number> {
  const figures = new Map<string, number>();
  let title = "";
  for (const line of page.split("\n")) {
    title = /^## (.*)/.exec(line)?.[1] ?? title;
    const cells = line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
    const [name = "", value = "", , peer = "", , ratio = ""] = cells;
    const figure = Number((ratio || value).replaceAll(",", ""));
    if (cells.length === 7 && (ratio || value) !== "" && Number.isFinite(figure)) figures.set(keyOf(title, name, peer), figure);
  }
  return figures;
}
