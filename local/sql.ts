// tidemark sql: any statement, or a named query, on the lake of a folder or on Athena.
// The engines, the forms of output and the history are in sql/; what the named queries ask is in queries/.
import { readCatalogue } from "../queries/catalogue.ts";
import type { NamedQuery } from "../queries/named-query.ts";
import { type AthenaOptions, askAthena } from "./sql/ask-athena.ts";
import { askFolder } from "./sql/ask-folder.ts";
import type { Asker, Question } from "./sql/asker.ts";
import { readHistory, remember } from "./sql/history.ts";
import { completed, describe, parametersText } from "./sql/named.ts";
import { type Format, printAnswer } from "./sql/output.ts";
import { printTable } from "./table.ts";

export interface SqlOptions {
  readonly query: string | undefined;
  readonly parameters: Readonly<Record<string, string>>;
  readonly format: Format;
  /** What to do with the query instead of running it. */
  readonly instead: "explain" | "describe" | null;
  /** Where to ask. */
  readonly lake: { readonly kind: "folder"; readonly folder: string } | ({ readonly kind: "athena" } & AthenaOptions);
}

const HISTORY_SHOWN = 20;

export function sqlHistory(): void {
  const rows = readHistory()
    .slice(-HISTORY_SHOWN)
    .map(({ at, lake, query, parameters }) => [
      at,
      lake,
      query,
      Object.entries(parameters)
        .map(([name, value]) => `${name}=${value}`)
        .join(" "),
    ]);
  printTable(["asked at", "lake", "query", "parameters"], rows);
}

export async function sql(options: SqlOptions): Promise<void> {
  const catalogue = readCatalogue();
  if (options.query === undefined) {
    printTable(
      ["query", "what it shows", "parameters"],
      [...catalogue.values()].map((query) => [query.name, query.summary, parametersText(query)]),
    );
    return;
  }
  const named = namedQuery(catalogue, options.query, options.parameters);
  if (options.instead === "describe") {
    if (named === undefined) throw new Error("--describe goes with the name of a query");
    process.stdout.write(describe(named));
    return;
  }
  const { lake } = options;
  const startedMs = Date.now();
  const asker = lake.kind === "folder" ? await askFolder(lake.folder) : askAthena(lake);
  try {
    const question = await questionOf(asker, named, options);
    if (options.instead === "explain") {
      process.stdout.write(`${(await asker.explain(question)).trimEnd()}\n`);
      return;
    }
    remember({
      at: new Date().toISOString(),
      query: options.query,
      parameters: options.parameters,
      lake: lake.kind === "folder" ? lake.folder : "athena",
    });
    const answer = await asker.answer(question);
    printAnswer(answer, options.format);
    tellPerson(answer.rows.length, Date.now() - startedMs, asker.closingLine());
  } finally {
    asker.close();
  }
}

function namedQuery(
  catalogue: ReadonlyMap<string, NamedQuery>,
  query: string,
  parameters: SqlOptions["parameters"],
): NamedQuery | undefined {
  const named = catalogue.get(query);
  if (named === undefined && Object.keys(parameters).length > 0) {
    throw new Error("--param goes with a named query; a statement carries its values itself");
  }
  if (named === undefined && /^\w+$/.test(query)) {
    throw new Error(`no query named ${query}; there are ${[...catalogue.keys()].join(", ")}`);
  }
  return named;
}

async function questionOf(
  asker: Asker,
  named: NamedQuery | undefined,
  { query = "", parameters }: SqlOptions,
): Promise<Question> {
  if (named === undefined) return { kind: "statement", sql: query };
  return { kind: "named", query: named, parameters: await completed(named, parameters, (query) => asker.usualWindow(query)) };
}

/** On standard error: a program that reads the rows does not want it. */
function tellPerson(rowCount: number, ms: number, closing: string | null): void {
  const parts = [`${rowCount} ${rowCount === 1 ? "row" : "rows"}`, `${(ms / 1_000).toFixed(1)} s`];
  if (process.stdout.isTTY || closing !== null) process.stderr.write(`${[...parts, closing ?? []].flat().join(", ")}\n`);
}
