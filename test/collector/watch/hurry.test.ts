// Rows that are closed because the collector has to stop: everything cheap is in them, nothing waits for a walk or a rollup.
// How rows look otherwise is agent.test.ts's.
import { equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { readConfig } from "../../../collector/config.ts";
import type { Walker } from "../../../collector/heap/walker.ts";
import { readAuxv } from "../../../collector/proc/auxv.ts";
import { createAgent } from "../../../collector/watch/agent.ts";

function agentOf(walker: Walker, isInHurry: () => boolean) {
  const config = readConfig({ TIDEMARK_DELIVERY_FOLDER: ".", TIDEMARK_RSS_BYTES_MIN: "1000000" });
  if (!config.ok) throw new Error(config.error.join());
  const { pageBytes, ticksPerSecond } = readAuxv();
  return createAgent({
    config: config.value,
    walker,
    isInHurry,
    boot: { boot_id: "11111111-2222", bootedAtMs: 0, ticksPerSecond },
    pageBytes,
    vmaCountLimit: 65_530,
    sequenceStart: 1,
    nowMs: Date.now,
    upMs: () => performance.now(),
    cpuUs: () => process.cpuUsage().user,
    rssBytes: () => process.memoryUsage.rss(),
    takeDroppedRowCount: () => 0,
    takeDeadRingCount: () => 0,
    onFault: (_pid, error) => {
      throw error;
    },
  });
}

test("in a hurry a row has what one small file tells, and neither PSS nor a walk", async () => {
  const walker: Walker = { walk: () => Promise.reject(new Error("nobody may be walked")), close: () => undefined };
  const agent = agentOf(walker, () => true);
  agent.tick();
  const row = (await agent.closeRows()).process.find(({ pid }) => pid === process.pid);
  ok((row?.rss_bytes ?? 0) > 1_000_000);
  equal(row?.allocator, "glibc", "maps are looked at once, or the row would deny what is known");
  equal(row?.pss_bytes ?? null, null);
  equal(row?.heap_source ?? null, null);
});

test("when the hurry begins during a walk, that one is the last", async () => {
  let walks = 0;
  let isInHurry = false;
  const walker: Walker = {
    walk: async (pid) => {
      walks++;
      isInHurry = true;
      return { kind: "unknown", reason: "walker_failed", pid, walk_cpu_us: 0, vma_count: null };
    },
    close: () => undefined,
  };
  const agent = agentOf(walker, () => isInHurry);
  agent.tick();
  const { process: rows } = await agent.closeRows();
  equal(walks, 1);
  ok(rows.length > 1, "the rows of all others are closed as well");
});
