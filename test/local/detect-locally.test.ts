// Detection on a folder's lake, run after run: what one run files, the next one knows, with real queries and real files between.
// The rules of a finding's life are test/functions/core/finding-states.test.ts's.
import { deepEqual, equal } from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { windowBefore } from "../../functions/core/window.ts";
import { detectLocally } from "../../local/detect-locally.ts";
import { openLake } from "../../local/duckdb.ts";
import { acuteStories, END_MS, HOUR_MS, MINUTE_MS, storyDeliveries } from "../support/acute-stories.ts";
import { lakeFolder } from "../support/lake.ts";

const PERIOD_MS = 24 * HOUR_MS;
const { failing, low } = acuteStories;
if (failing === undefined || low === undefined) throw new Error("the stories of this test are gone");

/** Detects at this time; a lake is opened for each run, because files of a table that had none are seen only then. */
async function run(folder: string, endMs: number) {
  const lake = await openLake(folder);
  try {
    return await detectLocally(lake, folder, windowBefore(endMs, PERIOD_MS, 3), {});
  } finally {
    lake.close();
  }
}

const states = (findings: Awaited<ReturnType<typeof run>>) =>
  findings.map(({ service, cause, state }) => `${service} ${cause} ${state}`).sort();

test("a finding is new, then ongoing, then resolved, in rows that SQL can ask", async () => {
  const folder = await lakeFolder(storyDeliveries({ failing, low }), END_MS);
  deepEqual(states(await run(folder, END_MS)), ["died alloc_failure new", "failing alloc_failure new", "low low_memory new"]);
  deepEqual(states(await run(folder, END_MS + 10 * MINUTE_MS)), [
    "died alloc_failure ongoing",
    "failing alloc_failure ongoing",
    "low low_memory ongoing",
  ]);
  // An hour without rows: nothing can be said to be over.
  deepEqual(states(await run(folder, END_MS + 2 * HOUR_MS)), []);
  const lake = await openLake(folder);
  const { rows } = await lake.query(
    "SELECT service, state, first_found_at = announced_at, count(*) FROM findings GROUP BY ALL ORDER BY ALL",
  );
  lake.close();
  deepEqual(
    rows.map((row) => row.join(" ")),
    ["died", "failing", "low"].flatMap((service) => [`${service} new true 1`, `${service} ongoing true 1`]),
  );
});

test("what is over is filed as resolved while rows keep coming", async () => {
  const later = { ...failing, minutes: Array.from({ length: 180 }, (_, minute) => minute), detail: [] };
  const folder = await lakeFolder(
    storyDeliveries({ failing: { ...later, collector: () => ({ row_count: 1 }) } }),
    END_MS + 2 * HOUR_MS,
  );
  deepEqual(states(await run(folder, END_MS)), ["failing alloc_failure new"]);
  deepEqual(states(await run(folder, END_MS + HOUR_MS)), []);
  const lake = await openLake(folder);
  const { rows } = await lake.query("SELECT state, count(*) FROM findings GROUP BY ALL ORDER BY ALL");
  lake.close();
  deepEqual(
    rows.map((row) => row.join(" ")),
    ["new 1", "resolved 1"],
  );
});

test("the settings of the folder count: a mute is a reason in the row, a service's threshold is its own", async () => {
  const folder = await lakeFolder(storyDeliveries({ failing }), END_MS);
  mkdirSync(join(folder, "config"));
  const settings = {
    services: [{ service: "died", thresholds: { failure_count_min: 2 } }],
    mutes: [{ service: "fail*", until: "2027-01-01", reason: "TICKET-1" }],
  };
  writeFileSync(join(folder, "config", "alerts.json"), JSON.stringify(settings));
  const found = await run(folder, END_MS);
  deepEqual(states(found), ["failing alloc_failure new"]);
  equal(found[0]?.muted, "muted until 2027-01-01 00:00 UTC: TICKET-1");
});
