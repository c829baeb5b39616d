// Runs the named queries on Athena: rows in memory, or Parquet files in the lake.
// Texts come from queries/, limits of cost from the workgroup; starting and waiting is athena-execution.ts's.
import type { QueryEngine, QueryParameters, ResultRow } from "../edges.ts";
import { resultColumns, resultRow } from "./athena-cells.ts";
import { type ExecutionOptions, execute, resultPages } from "./athena-execution.ts";
import { executionParameters, type QueryText } from "./athena-literals.ts";

export interface AthenaEngineOptions extends ExecutionOptions {
  readonly queries: ReadonlyMap<string, QueryText>;
  /** Where unloaded files go. */
  readonly lakeBucket: string;
}

/** More rows than a report or an alert could use would only fill the memory: the query has to be narrowed. */
const RESULT_ROWS_MAX = 100_000;

export function athenaEngine(options: AthenaEngineOptions): QueryEngine {
  const started = (name: string, parameters: QueryParameters, wrap: (sql: string) => string): Promise<string> => {
    const query = options.queries.get(name);
    if (query === undefined) throw new Error(`no query named ${name}`);
    return execute(options, { name, sql: wrap(query.sql.trimEnd()), literals: executionParameters(query, parameters) });
  };
  return {
    async run(name, parameters) {
      const rows: ResultRow[] = [];
      for await (const page of resultPages(options.client, await started(name, parameters, (sql) => sql))) {
        const columns = resultColumns(page.columns);
        for (const row of page.rows) rows.push(resultRow(columns, row));
        if (rows.length > RESULT_ROWS_MAX) {
          throw new Error(`query ${name} has more than ${RESULT_ROWS_MAX} rows: narrow its window or raise its thresholds`);
        }
      }
      return rows;
    },
    async unload(name, parameters, prefix) {
      const target = `s3://${options.lakeBucket}/${prefix}`.replaceAll("'", "''");
      await started(
        name,
        parameters,
        (sql) => `UNLOAD (\n${sql}\n) TO '${target}' WITH (format = 'PARQUET', compression = 'ZSTD')`,
      );
    },
  };
}
