// The query that alerts name: one service's hours, of the processes that hold most, whatever the service is called.
// The command that asks it is functions/core/see-it.ts's.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { openLake } from "../../local/duckdb.ts";
import { lakeFolder } from "../support/lake.ts";
import { processSample, samples } from "../support/samples.ts";

const START_MS = Date.UTC(2026, 10, 23, 10);
const HOUR_MS = 3_600_000;
const END_MS = START_MS + 3 * HOUR_MS;
const HOSTILE = "a' OR '1'='1";
const window = { window_start: START_MS, window_end: END_MS, dt_first: "2026-11-23", dt_last: "2026-11-23" };

/** Two hours of a process. */
const hoursOf = (pid: number, service: string, rss_bytes: number, free_resident_bytes: number | null) =>
  [0, 1].map((hour) =>
    processSample({
      pid,
      process_key: `k-${pid}`,
      service,
      sequence: pid * 10 + hour,
      sampled_at: START_MS + hour * HOUR_MS,
      rss_bytes: rss_bytes + hour,
      rss_bytes_max: rss_bytes + hour,
      free_resident_bytes,
    }),
  );

test("service_memory gives the hours of a service's largest and most idle processes, and nobody else's", async () => {
  const process = [
    ...hoursOf(1, "checkout", 1_000, 10),
    ...hoursOf(2, "checkout", 500, 400),
    ...hoursOf(3, "checkout", 100, 50),
    ...hoursOf(4, HOSTILE, 9_000, null),
    ...hoursOf(5, "other", 9_000, 9_000),
  ];
  const lake = await openLake(await lakeFolder([{ samples: samples({ process }) }], END_MS, true));
  try {
    const asked = async (service: string, process_count_max: number) =>
      (await lake.run("service_memory", { ...window, service, process_count_max })).map(({ pid, hour, rss_bytes }) => [
        pid,
        hour,
        rss_bytes,
      ]);
    deepEqual(await asked("checkout", 1), [
      [1, START_MS, 1_000],
      [1, START_MS + HOUR_MS, 1_001],
      [2, START_MS, 500],
      [2, START_MS + HOUR_MS, 501],
    ]);
    equal((await asked("checkout", 5)).length, 6);
    deepEqual(await asked(HOSTILE, 1), [
      [4, START_MS, 9_000],
      [4, START_MS + HOUR_MS, 9_001],
    ]);
    deepEqual(await asked("nobody", 5), []);
  } finally {
    lake.close();
  }
});
