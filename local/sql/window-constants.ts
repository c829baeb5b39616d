// The window of a question as constants in its text, for DuckDB, which pushes no filter below a join with the one row of `params`.
// Without them the acute queries read a day of minutes for their hour. Trino folds that join by itself.
import type { NamedQuery } from "../../queries/named-query.ts";

const BOUNDS = ["window_start", "window_end"] as const;

/** Where a column is compared with them; elsewhere they may be a column of the result. `values` are the query's parameters, in their order. */
export function withWindowConstants({ sql, parameters }: NamedQuery, values: readonly (string | number)[]): string {
  return BOUNDS.reduce((text, bound) => {
    const value = values[parameters.findIndex(({ name }) => name === bound)];
    if (value === undefined) return text;
    const constant = `CAST('${String(value).replaceAll("'", "''")}' AS timestamp)`;
    return text.replaceAll(new RegExp(`(?<=[<>]=? )p\\.${bound}\\b`, "g"), () => constant);
  }, sql);
}
