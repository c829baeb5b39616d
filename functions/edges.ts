// What the handlers need from the outside, as small as their use of it; core never sees these.
// How a store or a log is made (S3, a folder, a terminal) is left to the adapters.

import type { SlackBlock } from "./core/slack/blocks.ts";

/** Objects by key. A missing object is an answer (null); an unreachable store throws, so that the caller retries. */
export interface ObjectStore {
  get(key: string): Promise<Uint8Array | null>;
  /** The same for an object of any size, piece by piece; a store that fails on the way throws. */
  open(key: string): Promise<AsyncIterable<Uint8Array> | null>;
  /** Replaces what was there, all of it or nothing: a reader never sees half an object. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Keys that begin with the prefix, in order. */
  list(prefix: string): AsyncIterable<string>;
  copy(from: string, to: string): Promise<void>;
  /** An address that opens the object in a browser for whoever has it, as long as the store allows; null where it has none. */
  link(key: string): Promise<string | null>;
  /** Deleting what is not there is no error. */
  delete(key: string): Promise<void>;
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
  run(name: string, parameters: QueryParameters): Promise<readonly ResultRow[]>;
  /** Writes the result of a query as Parquet objects below a prefix of the lake that holds none yet; no rows, no objects. */
  unload(name: string, parameters: QueryParameters, prefix: string): Promise<void>;
}

export type QueryParameters = Readonly<Record<string, string | number>>;

/** A message for people. The attributes are what a team filters its subscription by. */
export interface Message {
  readonly topic: "alerts" | "reports";
  /** One line of ASCII below 100 characters (the limit of SNS e-mail subjects). */
  readonly subject: string;
  readonly text: string;
  /** The same as Slack shows it best; without them it shows subject and text. */
  readonly slack?: readonly SlackBlock[];
  readonly attributes: Readonly<Record<string, string>>;
}

export interface Notifier {
  send(message: Message): Promise<void>;
}
