// Named queries on Athena: what is asked, how it is waited for, and how answers and failures come back.
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { test } from "node:test";
import { AthenaClient } from "@aws-sdk/client-athena";
import { athenaEngine } from "../../../functions/aws/athena-engine.ts";
import type { QueryText } from "../../../functions/aws/athena-literals.ts";
import type { QueryOutcome } from "../../../functions/aws/query-outcome.ts";
import { clientFor } from "../../aws/clients.ts";
import { startAws } from "../../aws/endpoint.ts";
import { denied, throttled } from "../../aws/faults.ts";

const NOON_MS = Date.UTC(2026, 10, 23, 12);
const parameter = (name: string, type: "timestamp" | "bigint" | "double" | "varchar", defaultText: string | null = null) => ({
  name,
  type,
  defaultText,
});
const query = (name: string, sql: string, parameters: QueryText["parameters"] = []): [string, QueryText] => [
  name,
  { name, sql, parameters },
];

const queries = new Map([
  query(
    "echo",
    "-- a ? in a comment is no parameter\nSELECT CAST(? AS timestamp) AS at, CAST(? AS bigint) AS whole, CAST(? AS double) AS part, ? AS word, '?' AS mark",
    [
      parameter("at", "timestamp"),
      parameter("whole", "bigint", "7"),
      parameter("part", "double"),
      parameter("word", "varchar"),
    ],
  ),
  query(
    "types",
    "SELECT NULL AS nothing, [1, 2] AS list, 1.5::DOUBLE AS part, true AS truth, TIMESTAMP '2026-11-23 12:00:00' AS at",
  ),
  query("many", "SELECT range AS n FROM range(2500) ORDER BY n"),
  query("broken", "SELECT nonsense"),
]);

async function engine(remainingMs = 60_000) {
  const aws = await startAws();
  aws.s3.createBucket("lake");
  aws.athena.createWorkgroup("tidemark");
  aws.athena.createDatabase("tidemark", "lake");
  const outcomes: QueryOutcome[] = [];
  const sleeps: number[] = [];
  let left = remainingMs;
  const athena = athenaEngine({
    client: new AthenaClient(clientFor(aws)),
    queries,
    workgroup: "tidemark",
    database: "tidemark",
    lakeBucket: "lake",
    remainingMs: () => left,
    onOutcome: (outcome) => void outcomes.push(outcome),
    sleep: async (ms) => {
      sleeps.push(ms);
      left -= ms;
      // Long enough for the stand-in to get on, short enough for a test.
      await new Promise((resolve) => setTimeout(resolve, 5));
    },
  });
  return { aws, athena, outcomes, sleeps, [Symbol.asyncDispose]: aws.close };
}

test("named parameters arrive in the order of their marks, quoted as literals; defaults fill in", async () => {
  await using use = await engine();
  const rows = await use.athena.run("echo", { word: "it's; -- ?", part: 0.25, at: NOON_MS + 5 });
  deepEqual(rows, [{ at: NOON_MS + 5, whole: 7, part: 0.25, word: "it's; -- ?", mark: "?" }]);
});

test("each type comes back as what it means, and NULL as null", async () => {
  await using use = await engine();
  deepEqual(await use.athena.run("types", {}), [{ nothing: null, list: [1, 2], part: 1.5, truth: "true", at: NOON_MS }]);
});

test("results of several pages are complete, and the row of names is not among them", async () => {
  await using use = await engine();
  const rows = await use.athena.run("many", {});
  deepEqual([rows.length, rows[0], rows[2_499]], [2_500, { n: 0 }, { n: 2_499 }]);
  equal(use.aws.calls.filter((call) => call === "athena:GetQueryResults").length, 3);
});

test("a failed query rejects with its name, state, reason and bytes, and is counted", async () => {
  await using use = await engine();
  await rejects(use.athena.run("broken", {}), /query broken FAILED: .*nonsense.*0 bytes scanned/s);
  deepEqual(
    use.outcomes.map(({ name, state }) => [name, state]),
    [["broken", "FAILED"]],
  );
});

test("when the scan cutoff of the workgroup stops a query, its words come through", async () => {
  await using use = await engine();
  use.aws.athena.nextEnds({ failsWith: "Bytes scanned limit was exceeded" });
  await rejects(use.athena.run("types", {}), /query types FAILED: Bytes scanned limit was exceeded/);
});

test("a query that outlives the invocation is stopped and said to be, and it is asked ever more seldom", async () => {
  await using use = await engine(20_000);
  use.aws.athena.nextEnds("hangs");
  await rejects(use.athena.run("types", {}), /query types TIMED_OUT: still RUNNING when the invocation's time ran out/);
  equal(use.aws.athena.executions[0]?.state, "CANCELLED");
  ok(use.sleeps.length < 12, `${use.sleeps.length} polls`);
  deepEqual([use.sleeps[0], Math.max(...use.sleeps)], [200, 3_000]);
});

test("a throttled start is tried again, a denied one is not a result", async () => {
  await using use = await engine();
  use.aws.faults.inject({ service: "athena", operation: "StartQueryExecution", ...throttled, times: 1 });
  equal((await use.athena.run("types", {})).length, 1);
  use.aws.faults.inject({ service: "athena", operation: "StartQueryExecution", ...denied });
  await rejects(use.athena.run("types", {}), /not authorized/);
});

test("a parameter that is missing or of another type is refused before anything is asked", async () => {
  await using use = await engine();
  await rejects(use.athena.run("echo", { word: "x", part: 1 }), /query echo needs the parameter at \(timestamp\)/);
  await rejects(
    use.athena.run("echo", { word: "x", part: Number.NaN, at: 0 }),
    /parameter part of echo is null: expected a double/,
  );
  await rejects(use.athena.run("echo", { word: "x".repeat(2_000), part: 1, at: 0 }), /has 2002 characters, the limit is 1024/);
  await rejects(use.athena.run("nobody", {}), /no query named nobody/);
  equal(use.aws.calls.length, 0);
});

test("unload leaves Parquet below the prefix, no rows leave nothing, and a prefix in use is refused", async () => {
  await using use = await engine();
  await use.athena.unload("many", {}, "staging/a/");
  const [key = ""] = use.aws.s3.keys("lake", "staging/");
  equal(use.aws.s3.get("lake", key)?.subarray(0, 4).toString(), "PAR1");
  await rejects(use.athena.unload("many", {}, "staging/a/"), /HIVE_PATH_ALREADY_EXISTS/);
});
