// The doctor's screen: a line for what is well, and for what is not why it matters and what to do. Pure.
import { formatCountOf } from "../../functions/core/units.ts";
import { plain, wrap } from "../inspect-text.ts";
import type { Check, Level } from "./check.ts";
import { canMeasure } from "./judge.ts";

const WIDTH = 100;
const LEVEL_WIDTH = 6;
const WHAT_WIDTH = 13;
const INDENT = " ".repeat(LEVEL_WIDTH + WHAT_WIDTH);

export interface Screen {
  readonly hostName: string;
  /** Emphasis where a person looks on a terminal that takes it; the text as it is elsewhere. */
  paint(as: Level | "verdict", text: string): string;
}

export function doctorText(checks: readonly Check[], { hostName, paint }: Screen): string {
  const lines = checks.flatMap(({ level, what, found, why, todo }) => [
    ...block(`${paint(level, level.padEnd(LEVEL_WIDTH))}${what.padEnd(WHAT_WIDTH)}`, found),
    ...(why === null ? [] : block(INDENT, `why: ${why}`)),
    ...(todo === null ? [] : block(INDENT, `do:  ${todo}`)),
  ]);
  return [...lines, "", paint("verdict", verdict(checks, hostName))].join("\n");
}

function block(head: string, text: string): readonly string[] {
  return wrap(plain(text), WIDTH - INDENT.length).map((line, at) => `${at === 0 ? head : INDENT}${line}`);
}

function verdict(checks: readonly Check[], hostName: string): string {
  const count = (level: Level) => checks.filter((check) => check.level === level).length;
  const warnings = count("warn") === 0 ? "" : `; ${formatCountOf(count("warn"), "warning", "warnings")}`;
  if (canMeasure(checks)) return `${hostName} can be measured${warnings}.`;
  return `${hostName} is not measured as it should be: ${formatCountOf(count("fail"), "failure", "failures")}${warnings}.`;
}
