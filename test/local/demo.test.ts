// The main job, whole, as npm start runs it: about a minute on this machine's real processes.
import { deepEqual, equal, match } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openLake } from "../../local/duckdb.ts";
import { walkerPath } from "../support/native.ts";

const cli = fileURLToPath(new URL("../../local/cli.ts", import.meta.url));

test("the demo names each sick workload with its cause, is silent about the healthy ones, and leaves a lake and a report", async () => {
  walkerPath();
  const folder = mkdtempSync(join(tmpdir(), "tidemark-demo-"));
  const reportPath = join(folder, "report.html");
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, "demo", "--folder", folder, "--report", reportPath], {
    encoding: "utf8",
    timeout: 180_000,
  });
  equal(status, 0, stdout + stderr);
  match(stdout, /report: .*report\.html/);
  match(stderr, /^watching this machine: \d+ of \d+ s; [\d,]+ rows/m);

  const lake = await openLake(folder);
  const { rows } = await lake.query("SELECT service, cause FROM findings WHERE service LIKE 'demo-%' ORDER BY service");
  deepEqual(rows, [
    ["demo-arenas", "arena_bloat"],
    ["demo-fragmented", "fragmentation"],
    ["demo-leak", "leak"],
  ]);
  const others = await lake.query("SELECT count(DISTINCT process_key) FROM process_samples WHERE service NOT LIKE 'demo-%'");
  equal(Number(others.rows[0]?.[0]) >= 2, true, "the collector and this test at least are watched as well");
  const cost = await lake.query("SELECT sum(row_dropped_count), sum(walk_count) > 0 FROM collector_samples");
  deepEqual(cost.rows, [[0, "true"]]);
  lake.close();

  const page = readFileSync(reportPath, "utf8");
  for (const service of ["demo-arenas", "demo-fragmented", "demo-leak", "demo-healthy"]) match(page, new RegExp(service));
  equal(existsSync(join(folder, "rejects")), false, "nothing of our own is rejected");
});
