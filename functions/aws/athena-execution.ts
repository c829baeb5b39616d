// One query on Athena: start it, wait as long as there is time, say how it ended, and read the pages of its result.
// Which text is run, and what its values mean, is the caller's; retries of single calls are the client's.
import {
  type AthenaClient,
  type ColumnInfo,
  GetQueryExecutionCommand,
  paginateGetQueryResults,
  type QueryExecution,
  type Row,
  StartQueryExecutionCommand,
  StopQueryExecutionCommand,
} from "@aws-sdk/client-athena";
import { QueryError, type QueryOutcome } from "./query-outcome.ts";

export interface ExecutionOptions {
  readonly client: AthenaClient;
  readonly workgroup: string;
  readonly database: string;
  /** What is left of the time for all of this. */
  remainingMs(): number;
  /** Hears of every query that has ended, well or not. */
  onOutcome(outcome: QueryOutcome): void;
  sleep(ms: number): Promise<void>;
}

export interface Statement {
  /** For logs and errors. */
  readonly name: string;
  readonly sql: string;
  /** SQL literals, one for each `?`. */
  readonly literals: readonly string[];
}

/** Most queries take 1 to 5 s on Athena: asked soon at first, then ever more seldom. */
const POLL_MS_FIRST = 200;
const POLL_MS_MAX = 3_000;
/** Kept back of the invocation's time to stop the query and say so. */
const RESERVE_MS = 5_000;

/** Id of the execution that has succeeded; rejects with a QueryError when it ended otherwise or in time not at all. */
export async function execute(options: ExecutionOptions, { name, sql, literals }: Statement): Promise<string> {
  const { client, workgroup, database } = options;
  const { QueryExecutionId: id } = await client.send(
    new StartQueryExecutionCommand({
      QueryString: sql,
      WorkGroup: workgroup,
      QueryExecutionContext: { Database: database },
      ...(literals.length > 0 ? { ExecutionParameters: [...literals] } : {}),
    }),
  );
  if (id === undefined) throw new Error(`Athena gave no execution id for ${name}`);
  const outcome = await outcomeOf(options, name, id);
  options.onOutcome(outcome);
  if (outcome.state !== "SUCCEEDED") throw new QueryError(outcome);
  return id;
}

export interface ResultPage {
  readonly columns: readonly ColumnInfo[];
  readonly rows: readonly Row[];
}

/** The pages of a result; at least one, unless Athena has none. The first row of its first page repeats the column names. */
export async function* resultPages(client: AthenaClient, id: string): AsyncGenerator<ResultPage> {
  let isFirst = true;
  for await (const { ResultSet: page } of paginateGetQueryResults({ client }, { QueryExecutionId: id })) {
    yield { columns: page?.ResultSetMetadata?.ColumnInfo ?? [], rows: (page?.Rows ?? []).slice(isFirst ? 1 : 0) };
    isFirst = false;
  }
}

async function outcomeOf(options: ExecutionOptions, name: string, id: string): Promise<QueryOutcome> {
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
