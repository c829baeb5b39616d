// The lake in DuckDB: a row that is there twice is read once, and what does not fit into memory goes beside the lake.
// What the queries say is test/queries'.
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { copyFileSync, globSync, rmSync } from "node:fs";
import { totalmem } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { windowParameters } from "../../functions/core/window.ts";
import { openLake } from "../../local/duckdb.ts";
import { lakeFolder } from "../support/lake.ts";
import { AFTERWARDS_MS, HOUR_MS, peak, peakDeliveries } from "../support/peak-stories.ts";

const rowCount = async (folder: string): Promise<readonly unknown[] | undefined> => {
  const lake = await openLake(folder);
  try {
    const { rows } = await lake.query("SELECT count(*), count(DISTINCT (host_id, process_key, hour)) FROM process_hours");
    return rows[0];
  } finally {
    lake.close();
  }
};

test("hours are read once each, whether each has one file or a rollup was cut short and left the old ones beside the new", async () => {
  const folder = await lakeFolder(peakDeliveries(), AFTERWARDS_MS, true);
  try {
    const [all, distinct] = (await rowCount(folder)) ?? [];
    equal(all, distinct);
    const [file = ""] = globSync(join(folder, "lake/process_hour/*/*/*.parquet"));
    copyFileSync(file, join(dirname(file), "part-00007.parquet"));
    deepEqual(await rowCount(folder), [all, distinct]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what does not fit into memory goes beside the lake, and that is less than the machine's", async () => {
  const folder = await lakeFolder(peakDeliveries(), AFTERWARDS_MS, false);
  const lake = await openLake(folder);
  try {
    const asked = "SELECT current_setting('temp_directory'), memory_limit FROM pragma_database_size()";
    const [place, limit] = (await lake.query(asked)).rows[0] ?? [];
    equal(dirname(String(place)), folder);
    const [, amount, unit] = /^([\d.]+) (MiB|GiB)$/.exec(String(limit)) ?? [];
    ok(Number(amount) * (unit === "GiB" ? 2 ** 30 : 2 ** 20) < 0.7 * totalmem(), `${limit}`);
  } finally {
    lake.close();
    rmSync(folder, { recursive: true });
  }
});

test("a question about an hour reads the files of its hour, not of its day", async () => {
  const folder = await lakeFolder(peakDeliveries(), AFTERWARDS_MS, false);
  const lake = await openLake(folder);
  try {
    const query = lake.catalogue.get("oom_kills");
    ok(query);
    const plan = await lake.explain(query.sql, {
      query,
      parameters: windowParameters({ startMs: peak.fromMs, endMs: peak.fromMs + HOUR_MS }),
    });
    const scan = plan.slice(plan.indexOf("READ_PARQUET")).replaceAll(/[^\w>=<:-]+/g, " ");
    match(scan, /sampled_at ?>= ?'?2026/, "the bound is below the search for duplicates, at the files' statistics");
  } finally {
    lake.close();
    rmSync(folder, { recursive: true });
  }
});

test("a time that is no time is a value, whatever else it says", async () => {
  const folder = await lakeFolder(peakDeliveries(), AFTERWARDS_MS, false);
  const lake = await openLake(folder);
  try {
    const given = { ...windowParameters({ startMs: peak.fromMs, endMs: peak.toMs }), window_start: "') OR true --" };
    await rejects(lake.run("oom_kills", given), /invalid timestamp field format: "'\) OR true --"/);
  } finally {
    lake.close();
    rmSync(folder, { recursive: true });
  }
});
