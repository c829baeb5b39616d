// The collector's command line: every setting as a flag, where its file is, and what it may be asked instead of running.
// What a value means is config.ts's; running is main.ts's.
import { parseArgs } from "node:util";
import type { Given } from "./config.ts";
import { nearestName } from "./nearest-name.ts";
import { flagOf, type SettingName, settingNames } from "./settings.ts";

export interface CommandLine {
  readonly action: "run" | "help" | "print" | "print-json";
  readonly flags: Given["flags"];
  /** Null: no file. */
  readonly filePath: string | null;
  readonly problems: readonly string[];
}

const nameByFlag: ReadonlyMap<string, SettingName> = new Map(
  settingNames.flatMap((name) => {
    const flag = flagOf(name);
    return flag === null ? [] : [[flag.slice("--".length), name] as const];
  }),
);
const actions = ["print-config", "json", "help"] as const;
const isAction = (flag: string): boolean => actions.some((action) => action === flag);

/** Arguments without those of Node. All that is wrong with them is told at once; the last of two wins, as wrappers expect. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const options = {
    config: { type: "string" } as const,
    ...Object.fromEntries([...nameByFlag.keys()].map((flag) => [flag, { type: "string" } as const])),
    ...Object.fromEntries(actions.map((flag) => [flag, { type: "boolean" } as const])),
  };
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const flags = new Map<SettingName, string>();
  const asked = new Set<string>();
  const problems: string[] = [];
  let filePath: string | null = null;
  for (const [at, token] of tokens.entries()) {
    const before = tokens[at - 1];
    // What stands behind an option that does not exist was meant as its value.
    const isItsValue = before?.kind === "option" && before.value === undefined && !isAction(before.name);
    if (token.kind === "positional" && !isItsValue) problems.push(`${token.value} is no option`);
    if (token.kind !== "option") continue;
    const name = nameByFlag.get(token.name);
    const takesValue = name !== undefined || token.name === "config";
    if (isAction(token.name)) {
      if (token.value === undefined) asked.add(token.name);
      else problems.push(`${token.rawName} takes no value, it was given ${token.value}`);
    } else if (!takesValue) problems.push(`${token.rawName} is no option${suggestion(token.name)}`);
    else if (token.value === undefined || token.value === "" || token.value.startsWith("--"))
      problems.push(`${token.rawName} has no value`);
    else if (name === undefined) filePath = token.value;
    else flags.set(name, token.value);
  }
  if (asked.has("json") && !asked.has("print-config")) problems.push("--json goes with --print-config");
  const print = asked.has("json") ? "print-json" : "print";
  const action = asked.has("help") ? "help" : asked.has("print-config") ? print : "run";
  return { action, flags, filePath, problems };
}

function suggestion(flag: string): string {
  const nearest = nearestName(flag, ["config", ...nameByFlag.keys(), ...actions]);
  return nearest === null ? " (--help shows what there is)" : `: did you mean --${nearest}?`;
}
