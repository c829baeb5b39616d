// Athena's API over DuckDB: executions with states, parameters, pages of results and UNLOAD.
// How a statement is run is athena-sql.ts's. Source: Athena API reference (JSON 1.1).
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type AthenaRunner, type AthenaTable, athenaRunner } from "./athena-sql.ts";
import type { S3 } from "./s3.ts";
import { AwsError, type Json, jsonService, numberField, type Service, textField } from "./wire.ts";

interface Execution {
  readonly id: string;
  readonly sql: string;
  state: "QUEUED" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELLED";
  reason: string | null;
  table: AthenaTable | null;
}

export type Ending = { readonly failsWith: string } | { readonly queuesMs: number } | "hangs" | "cancelled";

export interface Athena {
  readonly service: Service;
  /** Databases by name are buckets that hold a lake. */
  createDatabase(name: string, bucket: string): void;
  createWorkgroup(name: string): void;
  /** The next execution ends so, instead of running, or waits first; "hangs" keeps it running until it is stopped. */
  nextEnds(how: Ending): void;
  /** The next execution of the named query (its header names it) fails with these words. */
  fail(query: string, words: string): void;
  readonly executions: readonly Readonly<Execution>[];
}

const PAGE_ROWS_MAX = 1_000;
const QUERY_LENGTH_MAX = 262_144;

export function createAthena(s3: S3): Athena {
  const runners = new Map<string, AthenaRunner>();
  const workgroups = new Set<string>();
  const executions = new Map<string, Execution>();
  let failures: (readonly [string, string])[] = [];
  let ending: Ending | null = null;

  const executionOf = (input: Json): Execution => {
    const execution = executions.get(textField(input, "QueryExecutionId"));
    if (execution === undefined) throw new AwsError("InvalidRequestException", 400, "QueryExecution was not found");
    return execution;
  };

  function start(input: Json): object {
    const sql = textField(input, "QueryString");
    const database = String((input["QueryExecutionContext"] as Json | undefined)?.["Database"]);
    const runner = runners.get(database);
    if (!workgroups.has(textField(input, "WorkGroup"))) invalid("WorkGroup is not found");
    if (runner === undefined) return invalid(`database ${database} does not exist`);
    if (Buffer.byteLength(sql) > QUERY_LENGTH_MAX) invalid("query text is too long");
    const execution: Execution = { id: randomUUID(), sql, state: "QUEUED", reason: null, table: null };
    executions.set(execution.id, execution);
    const failing = failures.find(([query]) => sql.includes(`-- ${query}: `));
    failures = failures.filter((failure) => failure !== failing);
    const how = failing === undefined ? ending : { failsWith: failing[1] };
    if (failing === undefined) ending = null;
    void run(execution, runner, (input["ExecutionParameters"] ?? []) as readonly string[], how);
    return { QueryExecutionId: execution.id };
  }

  async function run(execution: Execution, runner: AthenaRunner, parameters: readonly string[], how: Ending | null) {
    await new Promise(setImmediate);
    if (how !== null && typeof how === "object" && "queuesMs" in how) await sleep(how.queuesMs);
    if (how === "cancelled") execution.state = "CANCELLED";
    if (execution.state !== "QUEUED") return;
    execution.state = "RUNNING";
    if (how === "hangs") return;
    try {
      if (how !== null && typeof how === "object" && "failsWith" in how) throw new Error(how.failsWith);
      const table = await runner.run(execution.sql, parameters);
      if (execution.state !== "RUNNING") return;
      execution.table = table;
      execution.state = "SUCCEEDED";
    } catch (error) {
      execution.state = "FAILED";
      execution.reason = error instanceof Error ? error.message : String(error);
    }
  }

  function results(input: Json): object {
    const { table, state } = executionOf(input);
    if (table === null || state !== "SUCCEEDED") return invalid(`Query has not yet finished. Current state: ${state}`);
    const rows = table.isSelect ? [table.columns.map(({ name }) => name), ...table.rows] : table.rows;
    const from = Number(input["NextToken"] ?? 0);
    const to = from + Math.min(PAGE_ROWS_MAX, numberField(input, "MaxResults", PAGE_ROWS_MAX));
    const datum = (value: string | null) => (value === null ? {} : { VarCharValue: value });
    return {
      ...(to < rows.length ? { NextToken: String(to) } : {}),
      ResultSet: {
        Rows: rows.slice(from, to).map((row) => ({ Data: row.map(datum) })),
        ResultSetMetadata: { ColumnInfo: table.columns.map(({ name, type }) => ({ Name: name, Label: name, Type: type })) },
      },
    };
  }

  return {
    service: jsonService({
      StartQueryExecution: start,
      GetQueryExecution(input) {
        const { id, state, reason, sql, table } = executionOf(input);
        const Statistics = { DataScannedInBytes: table?.scannedBytes ?? 0, EngineExecutionTimeInMillis: 1 };
        const Status = { State: state, ...(reason === null ? {} : { StateChangeReason: reason }) };
        return { QueryExecution: { QueryExecutionId: id, Query: sql, Status, Statistics } };
      },
      GetQueryResults: results,
      StopQueryExecution(input) {
        const execution = executionOf(input);
        if (execution.state === "RUNNING" || execution.state === "QUEUED") execution.state = "CANCELLED";
        return {};
      },
    }),
    createDatabase: (name, bucket) => void runners.set(name, athenaRunner(s3, bucket)),
    createWorkgroup: (name) => void workgroups.add(name),
    nextEnds(how) {
      ending = how;
    },
    fail: (query, words) => void failures.push([query, words]),
    get executions() {
      return [...executions.values()];
    },
  };
}

function invalid(message: string): never {
  throw new AwsError("InvalidRequestException", 400, message);
}
