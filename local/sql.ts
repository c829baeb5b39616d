// tidemark sql: any statement, or a named query, on the lake of a folder.
// The engine is duckdb.ts's; what the named queries ask is in queries/.
import { windowParameters } from "../functions/core/window.ts";
import type { Cell } from "../functions/edges.ts";
import type { NamedQuery } from "../queries/catalogue.ts";
import { readCatalogue } from "../queries/catalogue.ts";
import { type Lake, openLake } from "./duckdb.ts";
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

async function runNamed(
  lake: Lake,
  query: NamedQuery,
  given: Readonly<Record<string, string>>,
): Promise<{ columns: readonly string[]; rows: readonly (readonly Cell[])[] }> {
  const unknown = Object.keys(given).find((name) => !query.parameters.some((parameter) => parameter.name === name));
  if (unknown !== undefined)
    throw new Error(`query ${query.name} has no parameter ${unknown}; it has ${parametersText(query)}`);
  const startMs =
    given["window_start"] === undefined ? await oldestSampleMs(lake) : parseTime("window_start", given["window_start"]);
  const endMs =
    given["window_end"] === undefined ? (await newestSampleMs(lake)) + 1 : parseTime("window_end", given["window_end"]);
  const result = await lake.run(query.name, { ...given, ...windowParameters({ startMs, endMs }) });
  const columns = result[0] === undefined ? query.result.split(", ") : Object.keys(result[0]);
  return { columns, rows: result.map((row) => Object.values(row)) };
}

function parseTime(name: string, text: string): number {
  const timeMs = Date.parse(/[zZ]|[+-]\d\d:\d\d$/.test(text) ? text : `${text.replace(" ", "T")}Z`);
  if (Number.isNaN(timeMs)) throw new Error(`${name} is ${text}: expected a UTC time like 2026-11-23T12:00:00`);
  return timeMs;
}
