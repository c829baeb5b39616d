// The collector's agent within the benchmark's own process, so that a tick can be timed by itself.
// The collector as a process of its own is world.ts's.
import { rmSync } from "node:fs";
import { uptime } from "node:os";
import { createBlackBox } from "../../../collector/black-box/black-box.ts";
import { openRing } from "../../../collector/black-box/ring.ts";
import { readConfig } from "../../../collector/config.ts";
import { startWalker } from "../../../collector/heap/walker.ts";
import { readAuxv } from "../../../collector/proc/auxv.ts";
import { type Agent, createAgent } from "../../../collector/watch/agent.ts";
import { programPath } from "../../native/target.ts";
import { ringFolder } from "../native/preloads.ts";

const MIB = 1_024 * 1_024;

export interface BenchAgent extends Disposable {
  readonly agent: Agent;
}

export function createBenchAgent(settings: Readonly<Record<string, string>> = {}): BenchAgent {
  const folder = ringFolder();
  const walker = startWalker(programPath("tidemark-walk"));
  const config = readConfig({ TIDEMARK_DELIVERY_FOLDER: folder, TIDEMARK_RING_FOLDER: folder, ...settings });
  if (!config.ok) throw new Error(config.error.join("; "));
  const { pageBytes, ticksPerSecond } = readAuxv();
  const upMs = () => performance.now();
  const { tickMs, rssBytesMin } = config.value;
  const log = (message: string) => process.stderr.write(`bench: ${message}\n`);
  const ring = openRing({ openFolder: null, bytesMax: 16 * MIB, tickMs: () => tickMs, boot_id: "bench", upMs, log });
  const blackBox = createBlackBox({ ring, tickMs: () => tickMs, rssBytesMin: () => rssBytesMin, nowMs: Date.now, upMs, log });
  const agent = createAgent({
    blackBox,
    config: config.value,
    walker,
    boot: { boot_id: "bench", bootedAtMs: Date.now() - uptime() * 1_000, ticksPerSecond },
    pageBytes,
    vmaCountLimit: null,
    sequenceStart: 1,
    nowMs: Date.now,
    upMs,
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
      blackBox.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
