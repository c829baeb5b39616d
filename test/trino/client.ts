// A small client of Trino's REST protocol: one statement in, all of its rows, types and statistics out.
// Source: Trino's documentation, "Client REST API". What the rows should be is left to the tests.

import type { Cell } from "../../functions/edges.ts";

export interface Answer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly Cell[])[];
  /** What the engine says that it read. */
  readonly statistics: { readonly inputRows: number; readonly inputBytes: number; readonly splits: number };
}

export interface Session {
  readonly schema?: string;
  /** The session's zone; Athena's is always UTC. */
  readonly zone?: string;
}

export interface TrinoClient {
  query(sql: string, session?: Session): Promise<Answer>;
  /** Binds the `?` of a text to literals, by position, as Athena's execution parameters are. */
  execute(sql: string, literals: readonly string[], session?: Session): Promise<Answer>;
}

/** A statement that the engine refused; `code` is its name for it, SYNTAX_ERROR for one. */
export class TrinoError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

const STATEMENT_MS_MAX = 60_000;

export function trinoClient(url: string): TrinoClient {
  const query = async (sql: string, { schema, zone = "UTC" }: Session = {}): Promise<Answer> => {
    const signal = AbortSignal.timeout(STATEMENT_MS_MAX);
    const headers: Record<string, string> = {
      "X-Trino-User": "test",
      "X-Trino-Catalog": "hive",
      "X-Trino-Time-Zone": zone,
      // Without it types come without their precision, for clients of old.
      "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
      ...(schema === undefined ? {} : { "X-Trino-Schema": schema }),
    };
    let page = await pageOf(await fetch(`${url}/v1/statement`, { method: "POST", headers, body: sql, signal }));
    let columns = page.columns;
    const rows: unknown[][] = [];
    for (;;) {
      columns ??= page.columns;
      rows.push(...(page.data ?? []));
      if (page.error !== undefined) throw new TrinoError(page.error.errorName, page.error.message);
      if (page.nextUri === undefined) break;
      page = await pageOf(await fetch(page.nextUri, { headers: { "X-Trino-User": "test" }, signal }));
    }
    const types = (columns ?? []).map(({ type }) => type);
    return {
      columns: columns ?? [],
      rows: rows.map((row) => row.map((value, at) => cellOf(value, types[at] ?? ""))),
      statistics: {
        inputRows: page.stats.processedRows,
        inputBytes: page.stats.physicalInputBytes,
        splits: page.stats.totalSplits,
      },
    };
  };
  return {
    query,
    execute: (sql, literals, session) =>
      literals.length === 0
        ? query(sql, session)
        : query(`EXECUTE IMMEDIATE ${quoted(sql)} USING ${literals.join(", ")}`, session),
  };
}

/** Text as a literal. Parameters of queries are made literals by functions/aws, whose way of doing it is tested here. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

interface Page {
  readonly nextUri?: string;
  readonly columns?: Answer["columns"];
  readonly data?: unknown[][];
  readonly error?: { readonly errorName: string; readonly message: string };
  readonly stats: { readonly processedRows: number; readonly physicalInputBytes: number; readonly totalSplits: number };
}

async function pageOf(answer: Response): Promise<Page> {
  if (!answer.ok) throw new Error(`Trino answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as Page;
}

/** Timestamps become milliseconds, as the query engines of the product give them; NaN and infinities travel as text. */
function cellOf(value: unknown, type: string): Cell {
  if (value === null) return null;
  if (type.startsWith("timestamp(") && typeof value === "string") return Date.parse(`${value.replace(" ", "T")}Z`);
  if (type === "double" && typeof value === "string") return Number(value);
  if (typeof value === "string" || typeof value === "number") return value;
  if (typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return value.map(Number);
  throw new Error(`a value that no column of ours can have: ${JSON.stringify(value)}`);
}
