// docs/metrics.md from the table of columns, so that the dictionary cannot say anything else than the code.
// Writing the file is write-docs.ts's; a test holds the two together.
import { type Column, type Columns, type TableName, tables } from "./columns.ts";
import { serviceHourColumns } from "./made-columns.ts";

const intros: Readonly<Record<TableName, string>> = {
  process: "One row per watched process and row interval (a minute in production). View: `process_samples`.",
  host: "One row per host and row interval. View: `host_samples`.",
  collector: "What watching cost and what it could not see, one row per collector and row interval. View: `collector_samples`.",
  detail:
    "The black box: the last hour of a process, one row per tick (10 s), shipped when it ended, was killed, failed to allocate or grew in a burst. View: `detail_samples`.",
  process_hour: "One row per process and UTC hour, made from process_samples by the rollup. View: `process_hours`.",
  finding: "One row per finding and run of detection. View: `findings`.",
  recommendation:
    "One row per recommendation when it is first made, changes or is withdrawn, and once a week while it stands. View: `recommendations`.",
  saving:
    "The ledger: what a change of settings brought, measured; one row per change and day until it is settled. View: `savings`.",
};

const SERVICE_HOURS =
  "A view, not a table: one row per service, environment and UTC hour, summed over its processes in `process_hours`.";

export function metricsMarkdown(): string {
  const sections = [
    ...Object.entries(tables).map(([table, columns]) => section(table, intros[table as TableName], columns)),
    section("service_hours", SERVICE_HOURS, serviceHourColumns),
  ];
  return `# Metrics

Every column of the lake. Made from \`schema/columns.ts\` by \`npm run docs\`; edit that file, not this one.

A column that is not marked *required* is NULL where nothing was measured. NULL never means 0.
Every table is partitioned by \`dt\` (UTC date, text) and \`hr\` (UTC hour, integer) of its event time.

${sections.join("\n\n")}
`;
}

function section(name: string, intro: string, columns: Columns): string {
  const rows = Object.entries<Column>(columns).map(
    ([name, { type, unit, required, meaning }]) =>
      `| \`${name}\` | ${type}${required ? ", required" : ""} | ${unit ?? ""} | ${meaning.replaceAll("|", "\\|")} |`,
  );
  return [`## ${name}`, "", intro, "", "| column | type | unit | meaning |", "|---|---|---|---|", ...rows].join("\n");
}
