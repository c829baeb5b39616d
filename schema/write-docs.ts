// npm run docs: writes the pages of docs/ that are made from code.
import { writeFileSync } from "node:fs";
import { metricsMarkdown } from "./metrics-docs.ts";

writeFileSync(new URL("../docs/metrics.md", import.meta.url), metricsMarkdown());
process.stdout.write("docs/metrics.md written\n");
