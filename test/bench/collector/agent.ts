// The collector's agent within the benchmark's own process, so that a tick can be timed by itself.
// The collector as a process of its own is world.ts's.
import { rmSync } from "node:fs";
import { uptime } from "node:os";
import { readConfig } from "../../../collector/config.ts";
import { startWalker } from "../../../collector/heap/walker.ts";
import { readAuxv } from "../../../collector/proc/auxv.ts";
import { type Agent, createAgent } from "../../../collector/watch/agent.ts";
import { programPath } from "../../native/target.ts";
import { ringFolder } from "../native/preloads.ts";

export interface BenchAgent extends Disposable {
  readonly agent: Agent;
}

export function createBenchAgent(settings: Readonly<Record<string, string>> = {}): BenchAgent {
  const folder = ringFolder();
  const walker = startWalker(programPath("tidemark-walk"));
  const config = readConfig({ TIDEMARK_DELIVERY_FOLDER: folder, TIDEMARK_RING_FOLDER: folder, ...settings });
  if (!config.ok) throw new Error(config.error.join("; "));
  const { pageBytes, ticksPerSecond } = readAuxv();
  const agent = createAgent({
    config: config.value,
    walker,
    boot: { boot_id: "bench", bootedAtMs: Date.now() - uptime() * 1_000, ticksPerSecond },
    pageBytes,
    vmaCountLimit: null,
    sequenceStart: 1,
    nowMs: Date.now,
    upMs: () => performance.now(),
    cpuUs: () => process.cpuUsage().user + process.cpuUsage().system,
    rssBytes: () => process.memoryUsage.rss(),
    takeDroppedRowCount: () => 0,
    takeDeadRingCount: () => 0,
    onFault: (pid, error) => process.stderr.write(`bench: ${pid}: ${String(error)}\n`),
  });
  return {
    agent,
    [Symbol.dispose]() {
      walker.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
