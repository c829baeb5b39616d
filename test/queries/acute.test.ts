// The acute queries on hosts whose last hour is known: what each must find, and what only looks like it.
// What findings become of the rows is test/functions/core/acute-findings.test.ts's.
import { deepEqual, equal, ok } from "node:assert/strict";
import { after, before, test } from "node:test";
import { acuteQueries } from "../../functions/core/acute-hits.ts";
import { windowParameters } from "../../functions/core/window.ts";
import type { ResultRow } from "../../functions/edges.ts";
import { type Lake, openLake } from "../../local/duckdb.ts";
import {
  acuteStories,
  blocks,
  cgroup,
  END_MS,
  HOUR_MS,
  type HostStory,
  life,
  MIB,
  MINUTE_MS,
  silentStories,
  steadyHost,
  storyDeliveries,
  swapped,
} from "../support/acute-stories.ts";
import { lakeFolder, withLake } from "../support/lake.ts";

const window = windowParameters({ startMs: END_MS - HOUR_MS, endMs: END_MS });
const day = windowParameters({ startMs: END_MS - 24 * HOUR_MS, endMs: END_MS });

const openWith = async (stories: Readonly<Record<string, HostStory>>): Promise<Lake> =>
  openLake(await lakeFolder(storyDeliveries(stories), END_MS));

let lake: Lake;
before(async () => {
  lake = await openWith(acuteStories);
});
after(() => lake.close());

const ask = (query: string, extra = {}) => lake.run(query, { ...window, ...extra });
const column = (rows: readonly ResultRow[], name: string) => rows.map((row) => row[name]);

test("alloc_failures counts what failed in the window, and hears of processes that died of it", async () => {
  const rows = await ask("alloc_failures");
  deepEqual(column(rows, "service"), ["failing", "died"]);
  deepEqual(column(rows, "failure_count"), [3, 1]);
  deepEqual(column(rows, "environment"), ["live", null]);
  equal(rows[0]?.["since"], END_MS - 30 * MINUTE_MS);
  deepEqual([rows[0]?.["free_bytes_last"], rows[1]?.["free_bytes_last"]], [300 * MIB, null]);
  deepEqual(column(await ask("alloc_failures", { failure_count_min: 4 }), "service"), []);
});

test("oom_kills counts the kills of a container once, and the killed whose container counts no more", async () => {
  const rows = await ask("oom_kills");
  deepEqual(column(rows, "service"), ["gone", "workers"]);
  deepEqual(column(rows, "kill_count"), [1, 2]);
  equal(rows[0]?.["rss_bytes_max"], 700 * MIB);
});

test("mappings_near_limit finds who climbs and will be there soon; who swings, stands, is far or has ended stays quiet", async () => {
  const rows = await ask("mappings_near_limit");
  deepEqual(column(rows, "service"), ["climbing"]);
  equal(rows[0]?.["seconds_left"], Math.round((65_530 - 56_180) * 3));
  // The slow one needs four days, at its pace; 118 mappings in an hour are above the floor.
  deepEqual(column(await ask("mappings_near_limit", { seconds_left_max: 400_000 }), "service"), ["climbing", "slow"]);
});

test("cgroup_limit_near finds heaps that could give back; page cache, nothing to give and one low row stay quiet", async () => {
  const rows = await ask("cgroup_limit_near");
  deepEqual(column(rows, "service"), ["near"]);
  deepEqual([rows[0]?.["heap_reclaimable_bytes"], rows[0]?.["reclaimable_in"]], [200 * MIB, "heap and page cache"]);
  // 940 MiB of 1,000 without the page cache: the boundary itself fires, and nothing above it.
  deepEqual(column(await ask("cgroup_limit_near", { limit_share_min: 0.94 }), "service"), ["near"]);
  deepEqual(column(await ask("cgroup_limit_near", { limit_share_min: 0.941 }), "service"), []);
});

test("cgroup_limit_thrashing needs the limit and the disk in most intervals", async () => {
  const rows = await ask("cgroup_limit_thrashing");
  deepEqual(column(rows, "service"), ["thrashing"]);
  deepEqual([rows[0]?.["limit_hit_count"], rows[0]?.["major_fault_rate"]], [500 * 59, 50]);
});

test("host_oom_kills counts rises of the counter, not what it stood at", async () => {
  const rows = await ask("host_oom_kills");
  deepEqual(column(rows, "host_id"), ["oom"]);
  deepEqual([rows[0]?.["kill_count"], rows[0]?.["since"]], [1, END_MS - 10 * MINUTE_MS]);
});

test("low_memory wants a small share and few bytes, in all last rows", async () => {
  const rows = await ask("low_memory");
  deepEqual(column(rows, "host_id"), ["low"]);
  equal(rows[0]?.["since"], END_MS - HOUR_MS + 39 * MINUTE_MS, "the last row that was well");
  deepEqual(column(await ask("low_memory", { available_bytes_max: 500 * MIB }), "host_id"), ["low"]);
  deepEqual(column(await ask("low_memory", { available_bytes_max: 500 * MIB - 1 }), "host_id"), []);
});

test("swap_growing wants writing at a rate and swap in use; what was put away before stays quiet", async () => {
  const rows = await ask("swap_growing");
  deepEqual(column(rows, "host_id"), ["swapping"]);
  deepEqual([rows[0]?.["swapped_out_bytes"], rows[0]?.["swap_device_kind"]], [5_900 * MIB, "ebs"]);
});

test("memory_pressure is a share of the time within one boot", async () => {
  const rows = await ask("memory_pressure");
  deepEqual(column(rows, "host_id"), ["pressed"]);
  deepEqual([rows[0]?.["memory_full_us"], rows[0]?.["seconds"]], [59 * 6e6, 59 * 60]);
  deepEqual(column(await ask("memory_pressure", { full_share_min: 0.1 }), "host_id"), ["pressed"]);
  deepEqual(column(await ask("memory_pressure", { full_share_min: 0.101 }), "host_id"), []);
});

test("kernel_fragmentation is about order 4 and failed compactions; huge pages and want of memory are none", async () => {
  const rows = await ask("kernel_fragmentation");
  deepEqual(column(rows, "host_id"), ["splintered"]);
  deepEqual(
    [rows[0]?.["fragmentation_index_last"], rows[0]?.["fragmentation_index_order_9_last"], rows[0]?.["compact_fail_count"]],
    [780, 900, 59],
  );
  deepEqual(column(await ask("kernel_fragmentation", { block_order: 9 }), "host_id"), ["noHugePages", "splintered", "wanting"]);
});

test("collector_losses tells lost rows, held up deliveries, blindness and lost details apart; what is mended stays quiet", async () => {
  const rows = await ask("collector_losses");
  deepEqual(
    rows.map((row) => [row["host_id"], row["loss"]]),
    [
      ["blind", "sight"],
      ["detailless", "details"],
      ["dropping", "rows"],
      ["piling", "delivery"],
    ],
  );
});

test("hosts_silent tells who fell silent from who was stopped, scaled in, short-lived, or is merely late", async () => {
  const lake = await openWith(silentStories);
  const rows = await lake.run("hosts_silent", day);
  lake.close();
  deepEqual(
    rows.map((row) => [row["host_id"], row["in_trouble"]]),
    [
      ["died", "no"],
      ["stalled", "yes"],
      ["strangled", "yes"],
      ["upgraded", "no"],
    ],
  );
  deepEqual([rows[0]?.["silent_seconds"], rows[0]?.["silent_host_count"], rows[0]?.["host_count"]], [119 * 60, 4, 9]);
});

test("when the whole pipeline stands still no host is silent; the last host of all is not either", async () => {
  const lake = await openWith({
    one: { host: () => steadyHost, minutes: life(8, 120) },
    other: { host: () => steadyHost, minutes: life(8, 125) },
  });
  deepEqual(await lake.run("hosts_silent", day), []);
  lake.close();
});

test("on an empty lake, and on a lake of healthy hosts, no acute query says anything", async () => {
  await withLake([], END_MS, async (empty) => {
    for (const query of acuteQueries) deepEqual(await empty.run(query, day), [], query);
  });
  const healthy = await openWith({
    alive: {
      process: {
        web: (minute) => ({
          ...cgroup(600, { cgroup_cache_bytes: 100 * MIB }),
          alloc_failure_count: 0,
          cgroup_oom_kill_count: 0,
          cgroup_max_count: 0,
          major_fault_count: minute,
          vma_count: 900,
          vma_count_limit: 65_530,
          reclaimable_bytes: 50 * MIB,
        }),
      },
      host: (minute) => ({
        ...steadyHost,
        ...swapped(0, 0),
        memory_full_us: 1_000 * minute,
        oom_kill_count: 0,
        compact_fail_count: 3,
        fragmentation_index_by_order: blocks(-1_000, -1_000),
      }),
      collector: () => ({
        row_count: 40,
        row_dropped_count: 0,
        delivery_failure_count: 0,
        process_count: 40,
        spool_row_count: 90,
      }),
    },
  });
  for (const query of acuteQueries) deepEqual(await healthy.run(query, day), [], query);
  healthy.close();
});

test("every acute query has a story here that it finds", async () => {
  for (const query of acuteQueries.filter((name) => name !== "hosts_silent")) ok((await ask(query)).length > 0, query);
});
