// What `tidemark sql` needs of an engine, whichever it is: DuckDB on a folder, or Athena.
// Which one is asked is sql.ts's choice; duckdb.ts and ask-athena.ts are the two.
import type { Cell, QueryParameters } from "../../functions/edges.ts";
import type { NamedQuery } from "../../queries/named-query.ts";

export interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** A statement as it was typed, or a named query with its parameters. */
export type Question =
  | { readonly kind: "statement"; readonly sql: string }
  | { readonly kind: "named"; readonly query: NamedQuery; readonly parameters: QueryParameters };

export interface Asker {
  /** Timestamps are text, because a person will look at them. */
  answer(question: Question): Promise<Answer>;
  /** The engine's plan, as text. */
  explain(question: Question): Promise<string>;
  /** First and last moment (ms since 1970) of which a named query is asked when nobody says: what the lake holds, or the last days. */
  usualWindow(query: NamedQuery): Promise<{ readonly startMs: number; readonly endMs: number }>;
  /** One line for people when all is done, for example what it has cost; null when there is nothing to say. */
  closingLine(): string | null;
  close(): void;
}
