// What `tidemark sql` gives beside tables: values for a spreadsheet, plans, descriptions, and what was asked before.
// Its answers and errors are in ../cli.test.ts.
import { deepEqual, equal, match } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { lakeFolder } from "../../support/lake.ts";
import { processSample, samples } from "../../support/samples.ts";

const cli = fileURLToPath(new URL("../../../local/cli.ts", import.meta.url));
const state = mkdtempSync(join(tmpdir(), "tidemark-state-"));
const historyPath = join(state, "tidemark", "sql-history.ndjson");
let folder = "";
before(async () => {
  const process = [
    processSample({ service: 'say "a, b"', rss_bytes: 5, free_bytes_by_size: [1, 2] }),
    processSample({ sequence: 2, service: "two\nlines" }),
  ];
  folder = await lakeFolder([{ samples: samples({ process }) }], 1_800_000_000_000, true);
});

const sql = (...args: string[]) =>
  spawnSync(process.execPath, [cli, "sql", "--folder", folder, ...args], {
    encoding: "utf8",
    env: { ...process.env, XDG_STATE_HOME: state },
  });

test("--csv quotes what needs it, and tells NULL from an empty text", () => {
  const statement =
    "SELECT service, rss_bytes, free_bytes_by_size AS sizes, '' AS nothing FROM process_samples ORDER BY sequence";
  const { status, stdout } = sql("--csv", statement);
  equal(status, 0);
  equal(stdout, 'service,rss_bytes,sizes,nothing\r\n"say ""a, b""",5,"[1,2]",""\r\n"two\nlines",,,""\r\n');
});

test("--explain shows the engine's plan and reads nothing, for a statement and for a named query", () => {
  match(sql("--explain", "SELECT count(*) FROM process_samples").stdout, /READ_PARQUET|PARQUET_SCAN/);
  const { status, stdout } = sql("--explain", "heap_composition");
  equal(status, 0);
  match(stdout, /FILTER|PROJECTION/);
});

test("--describe tells what a named query asks, takes and gives", () => {
  const { stdout } = sql("--describe", "process_causes");
  match(stdout, /^process_causes: /);
  match(stdout, /excess_bytes_min \(bigint\), usually 16777216/);
  match(stdout, /window_start \(timestamp\), a UTC time/);
  const { status, stderr } = sql("--describe", "SELECT 1");
  equal(status, 1);
  match(stderr, /goes with the name of a query/);
});

test("options that exclude each other are bad usage", () => {
  equal(sql("--csv", "--json", "SELECT 1").status, 2);
  equal(sql("--explain", "--describe", "process_causes").status, 2);
  equal(sql("--dollars-max", "0", "SELECT 1").status, 2);
});

test("what was asked is in the history, in a file that is the user's alone; a damaged line costs itself", () => {
  sql("SELECT 41 + 1");
  sql("heap_composition", "--param", "window_end=2027-01-15T07:00:00");
  equal(statSync(historyPath).mode & 0o777, 0o600);
  writeFileSync(historyPath, `${readFileSync(historyPath, "utf8")}{"at":"20`);
  const lines = sql("--history").stdout.trimEnd().split("\n");
  deepEqual(lines[0]?.split("\t"), ["asked at", "lake", "query", "parameters"]);
  match(lines.at(-2) ?? "", /\tSELECT 41 \+ 1\t$/);
  match(lines.at(-1) ?? "", /\theap_composition\twindow_end=2027-01-15T07:00:00$/);
});

test("a history that cannot be written costs a line, not the answer", () => {
  writeFileSync(join(state, "file"), "");
  chmodSync(join(state, "file"), 0o400);
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, "sql", "--folder", folder, "SELECT 42 AS a"], {
    encoding: "utf8",
    env: { ...process.env, XDG_STATE_HOME: join(state, "file") },
  });
  deepEqual([status, stdout], [0, "a\n42\n"]);
  match(stderr, /the question is not in the history/);
});
