// Settings for people and programs: --help, --print-config and its JSON, all from the table. Pure.
// The manual's pages are settings-docs.ts's.
import type { Resolved } from "./config.ts";
import { CONFIG_PATH_PACKAGED } from "./config-file.ts";
import { flagOf, isEnvironmentOnly, type SettingName, type SettingValue, settingNames, settingOf } from "./settings.ts";

/** Narrow enough for a terminal of 100 columns, and for a comment in a file. */
const WIDTH = 96;

export const PRECEDENCE = "flags, then the environment, then the file of --config, then the defaults; empty means not set";

export function helpText(): string {
  const options = settingNames.flatMap((name) => {
    const flag = flagOf(name);
    return flag === null ? [] : [...entry(`${flag} <${settingOf(name).unit ?? "value"}>`, name)];
  });
  return `Usage: tidemark-collector [options]

Watches the memory of every process of this host and ships what it sees.
${wrapped(`Settings: ${PRECEDENCE}.`, WIDTH).join("\n")}
A flag is the variable's name in lower case, --tick-ms for TIDEMARK_TICK_MS.

  --config <path>  file of NAME=value lines, read again on SIGHUP; ${CONFIG_PATH_PACKAGED}
                   is the service's
  --print-config   every setting with value, source, default and the reason for that, written as a
                   file that --config takes
  --json           with --print-config: as JSON
  --help           this text

${options.join("\n")}

Only in the environment, as for the AWS SDK (AWS_REGION and the others mean what they mean there):
${settingNames
  .filter(isEnvironmentOnly)
  .flatMap((name) => entry(name, name))
  .join("\n")}

SIGTERM ships what there is within 5 s, SIGHUP reads the settings again.
Exit codes: 0 stopped as asked, 2 a setting is wrong.
`;
}

function entry(head: string, name: SettingName): readonly string[] {
  const { meaning, usual } = settingOf(name);
  return [`  ${head}`, ...wrapped(`${meaning} [${shown(usual)}]`, WIDTH - 6).map((line) => `      ${line}`)];
}

/** A file that --config takes: what is a default stands behind a #, everything else is as it was found. */
export function printedConfig(resolved: Resolved): string {
  const blocks = settingNames.map((name) => {
    const { meaning, unit, limits, usual, reason, whenReloaded } = settingOf(name);
    const source = resolved.sources.get(name);
    const isSet = source !== undefined && source.kind !== "default";
    const value = valueInEffect(name, resolved);
    const taken = unit === "share of a core" ? `${limits}, as a share of a core` : limits;
    const how = `Expected: ${taken}.${whenReloaded === "restart" ? " Needs a restart." : ""}`;
    const comments = [`${meaning} ${how}`, `Default: ${shown(usual)}; ${reason}.`, ...(isSet ? [`From ${source.text}.`] : [])];
    const isComment = !isSet || isEnvironmentOnly(name);
    return [
      ...comments.flatMap((text) => wrapped(text, WIDTH - 2).map((line) => `# ${line}`)),
      `${isComment ? "#" : ""}${name}=${value ?? ""}`,
    ].join("\n");
  });
  const head = wrapped(`Settings of the Tidemark collector: ${PRECEDENCE}.`, WIDTH - 2).map((line) => `# ${line}`);
  return `${head.join("\n")}\n\n${blocks.join("\n\n")}\n`;
}

/** The same as an array of objects. */
export function configAsJson(resolved: Resolved): readonly object[] {
  return settingNames.map((name) => {
    const { meaning, unit, limits, usual, reason, whenReloaded } = settingOf(name);
    const { kind, text } = resolved.sources.get(name) ?? { kind: "default", text: "default" };
    const value = valueInEffect(name, resolved);
    const about = { unit, limits, default: usual, reason, meaning, when_reloaded: whenReloaded };
    return { name, flag: flagOf(name), value, source: kind, source_text: text, ...about };
  });
}

/** Where the default depends on the other settings and on the host, what came of it. */
function valueInEffect(name: SettingName, { values, config }: Resolved): SettingValue {
  if (name === "TIDEMARK_SPOOL_FOLDER") return config.spoolFolder;
  if (name === "TIDEMARK_BLACK_BOX_FOLDER") return config.blackBoxFolder;
  return values[name];
}

export const shown = (value: SettingValue): string => (value === null ? "not set" : String(value));

function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1) ?? ""} ${word}`;
    if (lines.length > 0 && longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
