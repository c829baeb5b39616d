// tidemark sql: any statement, or a named query, on the lake of a folder.
// The engine is duckdb.ts's; what the named queries ask is in queries/.
import { windowParameters } from "../functions/core/window.ts";
import type { NamedQuery } from "../queries/catalogue.ts";
import { readCatalogue } from "../queries/catalogue.ts";
import { type Answer, type Lake, openLake } from "./duckdb.ts";
import { newestSampleMs, oldestSampleMs } from "./lake-times.ts";
import { printTable } from "./table.ts";

export async function sql(options: {
  readonly query: string | undefined;
  readonly folder: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly json: boolean;
}): Promise<void> {
  const catalogue = readCatalogue();
  if (options.query === undefined) {
    printTable(
      ["query", "what it shows", "parameters"],
      [...catalogue.values()].map((query) => [query.name, query.summary, parametersText(query)]),
    );
    return;
  }
  const named = catalogue.get(options.query);
  if (named === undefined && Object.keys(options.parameters).length > 0) {
    throw new Error("--param goes with a named query; a statement carries its values itself");
  }
  if (named === undefined && /^\w+$/.test(options.query)) {
    throw new Error(`no query named ${options.query}; there are ${[...catalogue.keys()].join(", ")}`);
  }
  const lake = await openLake(options.folder);
  try {
    const { columns, rows } =
      named === undefined ? await lake.query(options.query) : await runNamed(lake, named, options.parameters);
    if (options.json) {
      for (const row of rows) {
        process.stdout.write(`${JSON.stringify(Object.fromEntries(columns.map((column, i) => [column, row[i]])))}\n`);
      }
    } else {
      printTable(columns, rows);
      if (process.stdout.isTTY) process.stdout.write(`${rows.length} ${rows.length === 1 ? "row" : "rows"}\n`);
    }
  } finally {
    lake.close();
  }
}

/** Parameters that people seldom type: the window defaults to all of the lake, the dates follow from it. */
const derived = new Set(["dt_first", "dt_last"]);

const parametersText = (query: NamedQuery): string =>
  query.parameters
    .filter(({ name }) => !derived.has(name))
    .map(({ name, defaultText }) => (defaultText === null ? name : `${name}=${defaultText}`))
    .join(" ");

async function runNamed(lake: Lake, query: NamedQuery, given: Readonly<Record<string, string>>): Promise<Answer> {
  const unknown = Object.keys(given).find(
    (name) => derived.has(name) || !query.parameters.some((known) => known.name === name),
  );
  if (unknown !== undefined)
    throw new Error(`query ${query.name} has no parameter ${unknown}; it has ${parametersText(query)}`);
  if (query.sql.includes("FROM process_hours") && (await isEmpty(lake, "process_hours"))) {
    throw new Error("the lake has no rolled-up hours yet, which this query reads: run tidemark report first");
  }
  const endMs =
    given["window_end"] === undefined ? (await newestSampleMs(lake)) + 1 : parseTime("window_end", given["window_end"]);
  const startMs =
    given["window_start"] === undefined
      ? wholePeriods(query, given, await oldestSampleMs(lake), endMs)
      : parseTime("window_start", given["window_start"]);
  return lake.ask(query.name, { ...given, ...windowParameters({ startMs, endMs }) });
}

/** Queries that compare periods want a whole number of them: as many as the lake holds, at least one. */
function wholePeriods(query: NamedQuery, given: Readonly<Record<string, string>>, oldestMs: number, endMs: number): number {
  const parameter = query.parameters.find(({ name }) => name === "period_seconds");
  if (parameter === undefined) return oldestMs;
  const periodMs = Number(given["period_seconds"] ?? parameter.defaultText) * 1_000;
  if (!(periodMs > 0)) throw new Error(`period_seconds is ${given["period_seconds"]}: expected a number above 0`);
  return endMs - Math.max(1, Math.floor((endMs - oldestMs) / periodMs)) * periodMs;
}

async function isEmpty(lake: Lake, view: string): Promise<boolean> {
  const { rows } = await lake.query(`SELECT 1 FROM ${view} LIMIT 1`);
  return rows.length === 0;
}

function parseTime(name: string, text: string): number {
  const timeMs = Date.parse(/[zZ]|[+-]\d\d:\d\d$/.test(text) ? text : `${text.replace(" ", "T")}Z`);
  if (Number.isNaN(timeMs)) throw new Error(`${name} is ${text}: expected a UTC time like 2026-11-23T12:00:00`);
  return timeMs;
}
