// `tidemark sql --athena` against the loopback AWS: an estimate before, the rows, and what they cost after.
// Its other forms are test/local/sql's.
import { deepEqual, equal, match } from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { writeParquet } from "../../functions/core/parquet/write.ts";
import { lakeKey, partitionOf } from "../../schema/keys.ts";
import { hostIdentity, processSample } from "../support/samples.ts";
import { names } from "./deployment.ts";
import { type AwsEndpoint, startAws } from "./endpoint.ts";

const cli = fileURLToPath(new URL("../../local/cli.ts", import.meta.url));
const NOON_MS = Date.UTC(2026, 10, 23, 12);

async function startLake(): Promise<AwsEndpoint> {
  const aws = await startAws();
  aws.s3.createBucket(names.lake);
  aws.athena.createWorkgroup(names.workgroup);
  aws.athena.createDatabase(names.database, names.lake);
  const rows = [1, 2, 3].map((sequence) => ({
    ...hostIdentity,
    ...processSample({ sequence, sampled_at: NOON_MS + sequence, rss_bytes: sequence * 100, service: `s${sequence}` }),
  }));
  const columns = Object.fromEntries(
    [...new Set(rows.flatMap((row) => Object.keys(row)))].map((name) => [
      name,
      rows.map((row) => (row as Record<string, string | number | null>)[name] ?? null),
    ]),
  );
  aws.s3.put(names.lake, lakeKey("process", partitionOf(NOON_MS), "a"), writeParquet("process", { rowCount: 3, columns }));
  return aws;
}

async function sql({ environment }: AwsEndpoint, ...args: string[]) {
  const child = spawn(process.execPath, [cli, "sql", "--athena", ...args], {
    env: {
      ...process.env,
      ...environment,
      XDG_STATE_HOME: mkdtempSync(`${tmpdir()}/tidemark-`),
      TIDEMARK_LAKE_BUCKET: names.lake,
    },
  });
  const [stdout, stderr, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.on("close", resolve)),
  ]);
  return { stdout, stderr, status };
}

test("a statement is answered, with an estimate before and bytes and dollars after", async () => {
  const aws = await startLake();
  try {
    const { status, stdout, stderr } = await sql(
      aws,
      "--csv",
      "SELECT service, rss_bytes, pss_bytes FROM process_samples ORDER BY sequence",
    );
    deepEqual([status, stdout], [0, "service,rss_bytes,pss_bytes\r\ns1,100,\r\ns2,200,\r\ns3,300,\r\n"]);
    match(stderr, /^to scan: at most .* in 1 files of 1 days, \$/);
    match(stderr, /3 rows, .* scanned, \$0\.00005\d*\n$/);
  } finally {
    await aws.close();
  }
});

test("what may cost more than allowed is not asked", async () => {
  const aws = await startLake();
  try {
    const { status, stderr } = await sql(aws, "--dollars-max", "0.00001", "SELECT count(*) FROM process");
    equal(status, 1);
    match(stderr, /this may scan at most .*; --dollars-max is 0.00001/);
    equal(aws.athena.executions.length, 0);
  } finally {
    await aws.close();
  }
});

test("a named query runs with its parameters, and one that fails says why", async () => {
  const aws = await startLake();
  try {
    const window = ["--param", "window_start=2026-11-23T00:00:00", "--param", "window_end=2026-11-24T00:00:00"];
    const named = await sql(aws, "heap_composition", "--json", ...window);
    equal(named.status, 0, named.stderr);
    const failed = await sql(aws, "SELECT nonsense FROM process");
    equal(failed.status, 1);
    match(failed.stderr, /query statement FAILED: .*nonsense/i);
  } finally {
    await aws.close();
  }
});
