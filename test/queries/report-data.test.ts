// The queries that fill the report.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { openLake } from "../../local/duckdb.ts";
import { lakeFolder, withLake } from "../support/lake.ts";
import { collectorSample, processSample, samples } from "../support/samples.ts";

const START_MS = Date.UTC(2026, 10, 23, 23, 59, 50);
const END_MS = START_MS + 60_000;
const parameters = { window_start: START_MS, window_end: END_MS, dt_first: "2026-11-23", dt_last: "2026-11-24" };

const process = [
  processSample({
    sampled_at: START_MS,
    sequence: 1,
    rss_bytes: 100,
    live_bytes: 50,
    free_bytes: 10,
    comm: "x",
    pinned_bytes_by_size: [0, 7],
  }),
  processSample({ sampled_at: START_MS + 4_000, sequence: 2, rss_bytes: 200, live_bytes: null }),
  processSample({ sampled_at: START_MS + 12_000, sequence: 3, rss_bytes: 300, heap_unknown_reason: "budget" }),
  processSample({ sampled_at: END_MS, sequence: 4, rss_bytes: 999, rss_bytes_max: 999 }),
];

test("process_timeline gives the hours of the largest processes, keeps gaps NULL and crosses midnight", async () => {
  const others = [1, 2, 3].map((pid) =>
    processSample({
      pid,
      process_key: `k-${pid}`,
      sequence: 100 + pid,
      sampled_at: START_MS,
      rss_bytes: pid,
      rss_bytes_max: pid,
    }),
  );
  const lake = await openLake(await lakeFolder([{ samples: samples({ process: [...process, ...others] }) }], END_MS, true));
  const from = Date.UTC(2026, 10, 23, 23);
  const rows = await lake.run("process_timeline", { ...parameters, window_start: from, process_count_max: 2 });
  lake.close();
  deepEqual(
    rows.map((row) => [row["pid"], row["hour"], row["rss_bytes"], row["live_bytes"]]),
    [
      [100, from, 200, 50],
      [100, from + 3_600_000, 999, null],
      [3, from, 3, null],
    ],
  );
});

test("heap_composition takes the last sample with heap figures, and a list stays a list", async () => {
  const rows = await withLake([{ samples: samples({ process }) }], END_MS, (lake) => lake.run("heap_composition", parameters));
  equal(rows.length, 1);
  deepEqual([rows[0]?.["rss_bytes"], rows[0]?.["pinned_bytes_by_size"], rows[0]?.["sampled_at"]], [100, [0, 7], START_MS]);
});

test("heap_composition of a process whose heap was never seen is its last sample, with the reason", async () => {
  const unseen = process.filter((row) => row.live_bytes == null);
  const rows = await withLake([{ samples: samples({ process: unseen }) }], END_MS, (lake) =>
    lake.run("heap_composition", parameters),
  );
  deepEqual([rows[0]?.["rss_bytes"], rows[0]?.["heap_unknown_reason"]], [300, "budget"]);
});

test("collector_cost sums what watching cost, per host", async () => {
  const collector = [1, 2].map((sequence) =>
    collectorSample({
      sequence,
      sampled_at: START_MS + sequence,
      collector_cpu_us: 1_000,
      walk_count: 3,
      collector_rss_bytes: sequence,
    }),
  );
  const rows = await withLake([{ samples: samples({ collector }) }], END_MS, (lake) => lake.run("collector_cost", parameters));
  deepEqual(
    [rows[0]?.["collector_cpu_us"], rows[0]?.["walk_count"], rows[0]?.["walk_cpu_us"], rows[0]?.["collector_rss_bytes_max"]],
    [2_000, 6, null, 2],
  );
});
