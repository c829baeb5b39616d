// What the handlers need from the outside, as small as their use of it; core never sees these.
// How a store or a log is made (S3, a folder, a terminal) is left to the adapters.

/** Objects by key. A missing object is an answer (null); an unreachable store throws, so that the caller retries. */
export interface ObjectStore {
  get(key: string): Promise<Uint8Array | null>;
  /** Replaces what was there, all of it or nothing: a reader never sees half an object. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  list(prefix: string): AsyncIterable<string>;
}

/** Structured lines for operators. An Error goes in as the field `error`. */
export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** A cell of a query result: numbers whatever their SQL type, timestamps as milliseconds since 1970. */
export type Cell = string | number | readonly number[] | null;
export type ResultRow = Readonly<Record<string, Cell>>;

/** Runs the named queries of queries/ (DuckDB on one machine, Athena on AWS). */
export interface QueryEngine {
  /** Parameters by name; timestamps as milliseconds since 1970. What has a default in the query's header may be left out. */
  run(name: string, parameters: Readonly<Record<string, string | number>>): Promise<readonly ResultRow[]>;
}
