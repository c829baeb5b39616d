// Entry point of the on-host agent: settings from the environment, timers, signals, and the parts wired together.
// It leaves figures to watch/, heaps to heap/ and native/, and delivery to ship/.
import { uptime } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { type Destination, readConfig } from "./config.ts";
import { prepareRingFolder } from "./heap/ring-folder.ts";
import { startWalker } from "./heap/walker.ts";
import { readHostIdentity } from "./identity/host.ts";
import { readAuxv } from "./proc/auxv.ts";
import { parseByteCount } from "./proc/cgroup-memory.ts";
import { readAndParse } from "./proc/read.ts";
import { folderDelivery } from "./ship/folder.ts";
import { createOutbox, type Delivery } from "./ship/outbox.ts";
import { stopSignal } from "./stop-signal.ts";
import { createAgent } from "./watch/agent.ts";
import { createSweeper } from "./watch/sweeper.ts";

// Whoever read the log may be gone; the rows still have a place to go to.
process.stderr.on("error", () => undefined);
const log = (message: string, fields: object = {}) =>
  process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), message, ...fields })}\n`);

const config = readConfig(process.env);
if (!config.ok) {
  for (const problem of config.error) log("bad setting", { problem });
  process.exit(2);
}
const { tickMs, rowMs, flushMs, destination, bufferBytesMax, ringFolder, walkerPath } = config.value;
log("collector starts", { config: config.value });

const host = readHostIdentity();
const { pageBytes, ticksPerSecond } = readAuxv();
const outbox = createOutbox(host, await deliveryTo(destination), bufferBytesMax);
const walker = startWalker(walkerPath);
const vmaCountLimit = readAndParse("/proc/sys/vm/max_map_count", parseByteCount);

const cpuUs = () => process.cpuUsage().user + process.cpuUsage().system;
if (!prepareRingFolder(ringFolder)) log("there is no folder for ring files: the shim stays silent", { ringFolder });
const sweeper = createSweeper({
  folder: ringFolder,
  nowMs: Date.now,
  cpuUs,
  // Counted in the collector's own row; shipping what they say is for the black box.
  onDead: () => undefined,
  onFault: (error) => log("the folder of ring files could not be swept", { error: String(error) }),
});

const agent = createAgent({
  config: config.value,
  walker,
  boot: { boot_id: host.boot_id, bootedAtMs: Date.now() - uptime() * 1_000, ticksPerSecond },
  pageBytes,
  vmaCountLimit: vmaCountLimit.ok ? vmaCountLimit.value : null,
  // CLOCK_MONOTONIC in microseconds since boot: a collector makes fewer rows than microseconds pass, so the next starts beyond.
  sequenceStart: Number(process.hrtime.bigint() / 1_000n),
  nowMs: Date.now,
  cpuUs,
  rssBytes: () => process.memoryUsage.rss(),
  takeDroppedRowCount: outbox.takeDroppedRowCount,
  takeDeadRingCount: sweeper.takeDeadRingCount,
  onFault: (pid, error) => log("a process could not be looked at", { pid, error: String(error) }),
});

const stop = stopSignal({ onStdinEnd: config.value.stopOnStdinEnd });

async function flush(): Promise<void> {
  const error = await outbox.flush();
  if (error !== null) log("delivery failed", { error: error.message, cause: String(error.cause) });
}

let nextTickMs = performance.now();
let nextRowMs = nextTickMs + tickMs;
let nextFlushMs = nextTickMs + flushMs;
while (!stop.aborted) {
  agent.tick();
  if (performance.now() >= nextRowMs) {
    sweeper.sweepIfDue();
    outbox.add(await agent.closeRows());
    nextRowMs = nextTime(nextRowMs, rowMs);
  }
  if (performance.now() >= nextFlushMs) {
    await flush();
    nextFlushMs = nextTime(nextFlushMs, flushMs);
  }
  nextTickMs = nextTime(nextTickMs, tickMs);
  await sleep(Math.max(0, nextTickMs - performance.now()), undefined, { signal: stop }).catch(() => undefined);
}
outbox.add(await agent.closeRows());
await flush();
walker.close();
log("collector stopped");

/** The SDK is loaded only where it is used: who delivers to a folder should not pay for it. */
async function deliveryTo(chosen: Destination): Promise<Delivery> {
  if (chosen.kind === "firehose") return (await import("./ship/firehose.ts")).firehoseDelivery({ stream: chosen.stream });
  return folderDelivery({ folder: chosen.folder, name: `${host.host_id}-${process.pid}`, nowMs: Date.now });
}

/** The next multiple that is still to come: after a late tick none are made up for. */
function nextTime(lastMs: number, everyMs: number): number {
  return lastMs + everyMs * Math.max(1, Math.ceil((performance.now() - lastMs) / everyMs));
}
