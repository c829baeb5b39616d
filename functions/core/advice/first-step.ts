// The first thing to do about a finding, for a message: what to set, what it brings; the rest stands in the report.
// Which recommendation is first is advise.ts's.
import { clipText } from "../report/text.ts";
import { formatBytes } from "../units.ts";
import type { Advice, Recommendation } from "./advise.ts";

/** Longest line of a setting shown; the whole of it is in the report. */
const LINE_LENGTH_MAX = 160;
const LINES_MAX = 4;

/** Plain text of bounded length, with nothing invisible in it: whoever sends it escapes it for where it goes. */
export interface FirstStep {
  readonly title: string;
  /** ` (about 84 MiB back in a process)`; empty where it cannot be told. */
  readonly effect: string;
  /** As it is pasted, line by line; empty where it is code. */
  readonly setting: string;
}

/** In one line; null when there is nothing to recommend. */
export function firstStepOf(advice: Advice): string | null {
  const step = firstStepParts(advice);
  if (step === null) return null;
  return `${step.title}${step.setting === "" ? "" : `: ${step.setting.replaceAll("\n", "; ")}`}${step.effect}`;
}

export function firstStepParts({ recommendations }: Advice): FirstStep | null {
  const [first] = recommendations;
  if (first === undefined) return null;
  const lines = first.setting.split("\n").slice(0, LINES_MAX);
  return {
    title: clipText(first.title, LINE_LENGTH_MAX),
    effect: effectText(first),
    setting: lines.map((line) => clipText(line, LINE_LENGTH_MAX)).join("\n"),
  };
}

/** With the fleet's sum where that is more than one process. */
function effectText({ effect, bytesFleet }: Recommendation): string {
  if (effect === null) return "";
  const fleet = bytesFleet !== null && bytesFleet > effect.likely ? `, ${formatBytes(bytesFleet)} in all` : "";
  return ` (about ${formatBytes(effect.likely)} back in a process${fleet})`;
}
