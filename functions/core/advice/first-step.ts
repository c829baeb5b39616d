// The first thing to do about a finding in one line, for a message: what to set, what it brings, and where the rest stands.
import type { Finding } from "../../../schema/columns.ts";
import { formatBytes } from "../units.ts";
import { type Advice, advise, type Recommendation } from "./advise.ts";
import { inputOfFinding, type ProcessValues } from "./inputs.ts";

/** Longest setting shown in a line; the whole of it is in the report. */
const SETTING_LENGTH_MAX = 160;

/**
 * Of a finding; `values` is a row of the process that is worst off (heap_composition), null where there is none, and then only the
 * cause speaks. Null when there is nothing to recommend. Plain text: whoever sends it escapes it for where it goes.
 */
export const firstStep = (finding: Finding, values: ProcessValues | null): string | null =>
  firstStepOf(advise(inputOfFinding(finding, values)));

/** The same of advice that was worked out already. */
export function firstStepOf({ recommendations }: Advice): string | null {
  const [first] = recommendations;
  if (first === undefined) return null;
  const setting = first.setting === "" ? "" : `: ${clip(first.setting.replaceAll("\n", "; "))}`;
  return `${first.title}${setting}${effectText(first)}`;
}

/** ` (about 84 MiB back)`, with the fleet's sum where that is more than one process. */
function effectText({ effect, bytesFleet }: Recommendation): string {
  if (effect === null) return "";
  const fleet = bytesFleet !== null && bytesFleet > effect.likely ? `, ${formatBytes(bytesFleet)} in all` : "";
  return ` (about ${formatBytes(effect.likely)} back in a process${fleet})`;
}

const clip = (text: string): string =>
  text.length <= SETTING_LENGTH_MAX ? text : `${text.slice(0, SETTING_LENGTH_MAX - 1)}\u2026`;
