// The settings for the manual: a table in Markdown and a section of the man page, from the same table as everything else.
// Writing the files is their makers'; a setting that is added shows up without anybody's help.
import { flagOf, settingNames, settingOf } from "./settings.ts";
import { shown } from "./settings-text.ts";

/** docs/settings.md. */
export function settingsMarkdown(): string {
  const rows = settingNames.map((name) => {
    const { meaning, limits, usual, usualSaid = shown(usual), unit, reason, whenReloaded } = settingOf(name);
    const flag = flagOf(name);
    const named = `\`${name}\`${flag === null ? "<br>environment only" : `<br>\`${flag}\``}`;
    const expected = `${limits}${unit === "share of a core" ? ", share of a core" : ""}`;
    const restart = whenReloaded === "restart" ? " *Needs a restart.*" : "";
    return `| ${[named, cell(usualSaid), cell(expected), cell(`${meaning}${restart} Default: ${reason}.`)].join(" | ")} |`;
  });
  return `# Settings of the collector

Made from \`collector/settings.ts\` by \`npm run docs\`; edit that file, not this one. Where values come from and how to change them:
[deploy.md](deploy.md#settings-of-the-collector).

| setting | default | expected | what it is, and why the default |
|---|---|---|---|
${rows.join("\n")}
`;
}

/** man 7 groff_man: one .TP a setting, to stand below .SH SETTINGS. */
export function settingsManSection(): string {
  const entries = settingNames.map((name) => {
    const { meaning, limits, usual, usualSaid = shown(usual), reason, whenReloaded } = settingOf(name);
    const flag = flagOf(name);
    const restart = whenReloaded === "restart" ? " Needs a restart." : "";
    return [
      ".TP",
      `.BR ${roff(name)}${flag === null ? "" : ` ", " ${roff(flag)}`}`,
      roff(`${meaning} Expected: ${limits}.${restart} Default: ${usualSaid}; ${reason}.`),
    ].join("\n");
  });
  return `${[".SH SETTINGS", ...entries].join("\n")}\n`;
}

const cell = (text: string): string => text.replaceAll("|", "\\|");

/** A hyphen that stands for itself, a backslash that is one, and no line that begins like a request. */
const roff = (text: string): string =>
  text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^(['.])/, "\\&$1");
