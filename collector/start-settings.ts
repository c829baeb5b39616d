// The settings that the collector starts with, or what it was asked for instead: help, a listing, or what is wrong with them.
// What settings are is config.ts's and settings.ts's; here they meet argv, the environment, standard output and the exit code.
import { writeFileSync } from "node:fs";
import { parseCommandLine } from "./command-line.ts";
import { type Given, type Resolved, resolveConfig } from "./config.ts";
import { configAsJson, helpText, printedConfig } from "./settings-text.ts";
import type { Log } from "./ship/trouble.ts";

/** As for every command: wrong usage. */
export const EXIT_USAGE = 2;

export interface StartSettings {
  /** Where they were taken from, to be read again: flags and environment stay as they were given. */
  readonly given: Given;
  readonly resolved: Resolved;
}

/** Ends the process where it was asked for something else than to run, and where a setting is wrong. */
export function startSettings(log: Log): StartSettings {
  const { action, problems: misused, ...asked } = parseCommandLine(process.argv.slice(2));
  const given = { ...asked, env: { ...process.env } };
  const resolved = resolveConfig(given);
  if (action === "help") print(helpText());
  if (action === "print") print(printedConfig(resolved));
  if (action === "print-json") print(`${JSON.stringify(configAsJson(resolved), null, 2)}\n`);
  const problems = [...misused, ...(action === "help" ? [] : resolved.problems)];
  for (const problem of problems) log("bad setting", { problem });
  if (problems.length > 0 || action !== "run") process.exit(problems.length > 0 ? EXIT_USAGE : 0);
  for (const warning of resolved.warnings) log("a setting may be misspelt", { warning });
  return { given, resolved };
}

function print(text: string): void {
  try {
    writeFileSync(1, text);
  } catch {
    // A reader that has seen enough (| head) is no failure.
  }
}
