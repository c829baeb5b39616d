// npm run docs: writes the pages of docs/ that are made from code.
import { writeFileSync } from "node:fs";
import { settingsMarkdown } from "../collector/settings-docs.ts";
import { metricsMarkdown } from "../schema/metrics-docs.ts";

for (const [name, text] of [
  ["metrics.md", metricsMarkdown()],
  ["settings.md", settingsMarkdown()],
] as const) {
  writeFileSync(new URL(`../docs/${name}`, import.meta.url), text);
  process.stdout.write(`docs/${name} written\n`);
}
