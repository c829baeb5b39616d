// Runs the named queries on Athena: start, wait as long as the invocation may, read the pages or leave Parquet files.
// Texts come from queries/, limits of cost from the workgroup; retries of single calls are the client's.
import {
  type AthenaClient,
  GetQueryExecutionCommand,
  paginateGetQueryResults,
  type QueryExecution,
  StartQueryExecutionCommand,
  StopQueryExecutionCommand,
} from "@aws-sdk/client-athena";
import type { QueryEngine, QueryParameters, ResultRow } from "../edges.ts";
import { type ResultColumn, resultColumns, resultRow } from "./athena-cells.ts";
import { executionParameters, type QueryText } from "./athena-literals.ts";
import { QueryError, type QueryOutcome } from "./query-outcome.ts";

export interface AthenaEngineOptions {
  readonly client: AthenaClient;
  readonly queries: ReadonlyMap<string, QueryText>;
  readonly workgroup: string;
  readonly database: string;
  /** Where unloaded files go. */
  readonly lakeBucket: string;
  /** What is left of the invocation. */
  remainingMs(): number;
  /** Hears of every query that has ended, well or not. */
  onOutcome(outcome: QueryOutcome): void;
  sleep(ms: number): Promise<void>;
}

/** Most queries take 1 to 5 s on Athena: asked soon at first, then ever more seldom. */
const POLL_MS_FIRST = 200;
const POLL_MS_MAX = 3_000;
/** Kept back of the invocation's time to stop the query and say so. */
const RESERVE_MS = 5_000;
/** More rows than a report or an alert could use would only fill the memory: the query has to be narrowed. */
const RESULT_ROWS_MAX = 100_000;

export function athenaEngine(options: AthenaEngineOptions): QueryEngine {
  const named = (name: string): QueryText => {
    const query = options.queries.get(name);
    if (query === undefined) throw new Error(`no query named ${name}`);
    return query;
  };
  return {
    async run(name, parameters) {
      const id = await execute(options, named(name), parameters, (sql) => sql);
      return readRows(options.client, name, id);
    },
    async unload(name, parameters, prefix) {
      const target = `s3://${options.lakeBucket}/${prefix}`.replaceAll("'", "''");
      const unload = (sql: string) => `UNLOAD (\n${sql}\n) TO '${target}' WITH (format = 'PARQUET', compression = 'ZSTD')`;
      await execute(options, named(name), parameters, unload);
    },
  };
}

/** Id of the execution that has succeeded; rejects with a QueryError when it ended otherwise or in time not at all. */
async function execute(
  options: AthenaEngineOptions,
  query: QueryText,
  parameters: QueryParameters,
  wrap: (sql: string) => string,
): Promise<string> {
  const { client, workgroup, database } = options;
  const literals = executionParameters(query, parameters);
  const { QueryExecutionId: id } = await client.send(
    new StartQueryExecutionCommand({
      QueryString: wrap(query.sql.trimEnd()),
      WorkGroup: workgroup,
      QueryExecutionContext: { Database: database },
      ...(literals.length > 0 ? { ExecutionParameters: [...literals] } : {}),
    }),
  );
  if (id === undefined) throw new Error(`Athena gave no execution id for ${query.name}`);
  const outcome = await outcomeOf(options, query.name, id);
  options.onOutcome(outcome);
  if (outcome.state !== "SUCCEEDED") throw new QueryError(outcome);
  return id;
}

async function outcomeOf(options: AthenaEngineOptions, name: string, id: string): Promise<QueryOutcome> {
  const { client } = options;
  let pollMs = POLL_MS_FIRST;
  for (;;) {
    const { QueryExecution: execution } = await client.send(new GetQueryExecutionCommand({ QueryExecutionId: id }));
    const state = execution?.Status?.State;
    if (state === "SUCCEEDED" || state === "FAILED" || state === "CANCELLED") return described(name, id, state, execution);
    if (options.remainingMs() - pollMs < RESERVE_MS) {
      await client.send(new StopQueryExecutionCommand({ QueryExecutionId: id }));
      const reason = `still ${state ?? "unknown"} when the invocation's time ran out; it was stopped`;
      return { ...described(name, id, "TIMED_OUT", execution), reason };
    }
    await options.sleep(pollMs);
    pollMs = Math.min(POLL_MS_MAX, pollMs * 1.5);
  }
}

const described = (
  name: string,
  id: string,
  state: QueryOutcome["state"],
  execution: QueryExecution | undefined,
): QueryOutcome => ({
  name,
  id,
  state,
  reason: execution?.Status?.StateChangeReason ?? null,
  scannedBytes: execution?.Statistics?.DataScannedInBytes ?? null,
  engineMs: execution?.Statistics?.EngineExecutionTimeInMillis ?? null,
});

/** The first row of the first page repeats the column names. */
async function readRows(client: AthenaClient, name: string, id: string): Promise<readonly ResultRow[]> {
  const rows: ResultRow[] = [];
  let columns: readonly ResultColumn[] | null = null;
  for await (const { ResultSet: page } of paginateGetQueryResults({ client }, { QueryExecutionId: id })) {
    const isFirst = columns === null;
    columns ??= resultColumns(page?.ResultSetMetadata?.ColumnInfo ?? []);
    for (const row of (page?.Rows ?? []).slice(isFirst ? 1 : 0)) rows.push(resultRow(columns, row));
    if (rows.length > RESULT_ROWS_MAX) {
      throw new Error(`query ${name} has more than ${RESULT_ROWS_MAX} rows: narrow its window or raise its thresholds`);
    }
  }
  return rows;
}
