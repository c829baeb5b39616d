// What a column is: its type, its unit, and what it means.
// Which columns there are is said by the files that are named after their rows.

export type ColumnType = "string" | "int64" | "double" | "timestamp" | "int64[]";

export interface Column {
  readonly type: ColumnType;
  /** Unit of the number; null where the value has none (names, lists say it in the meaning). */
  readonly unit: "bytes" | "count" | "us" | "ms" | "pages" | "ratio" | null;
  readonly meaning: string;
  /** A row without it is rejected. Every other column may be absent, and absent is NULL, never 0. */
  readonly required?: true;
  /** A list whose integers may be negative. */
  readonly signed?: true;
  /** Constant for all rows of a batch, so it travels once, in the batch's `host` part. */
  readonly perBatch?: true;
}

export type Columns = Readonly<Record<string, Column>>;
