// Entry point of the on-host agent: settings from the environment, timers, signals, and the parts wired together.
// It leaves figures to watch/, heaps to heap/ and native/, and delivery to ship/.
import { uptime } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { type Destination, readConfig } from "./config.ts";
import { prepareRingFolder } from "./heap/ring-folder.ts";
import { startWalker } from "./heap/walker.ts";
import { createEcsNames } from "./identity/ecs.ts";
import { learnInstance, readHostIdentity } from "./identity/host.ts";
import { askInstance } from "./identity/imds.ts";
import { noInstance, watchInstance } from "./identity/instance.ts";
import { readAuxv } from "./proc/auxv.ts";
import { parseByteCount } from "./proc/cgroup-memory.ts";
import { readAndParse } from "./proc/read.ts";
import { folderDelivery } from "./ship/folder.ts";
import { makeFolder } from "./ship/make-folder.ts";
import { createOutbox, type Delivery } from "./ship/outbox.ts";
import { openSpool } from "./ship/spool.ts";
import { stopSignal } from "./stop-signal.ts";
import { createAgent } from "./watch/agent.ts";
import { createSweeper } from "./watch/sweeper.ts";

// Whoever read the log may be gone; the rows still have a place to go to.
process.stderr.on("error", () => undefined);
const log = (message: string, fields: object = {}) =>
  process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), message, ...fields })}\n`);

/** Who stops us waits for five seconds; what is not delivered by then is in the spool. */
const LAST_FLUSH_MS_MAX = 3_500;

const config = readConfig(process.env);
if (!config.ok) {
  for (const problem of config.error) log("bad setting", { problem });
  process.exit(2);
}
const { tickMs, rowMs, flushMs, destination, bufferBytesMax, ringFolder, walkerPath } = config.value;
log("collector starts", { config: config.value });

if (destination.kind === "folder") {
  try {
    makeFolder(destination.folder);
  } catch (error) {
    const { message, cause } = error as Error;
    log("bad setting", { problem: `TIDEMARK_DELIVERY_FOLDER is ${destination.folder}: ${message}: ${String(cause)}` });
    process.exit(2);
  }
}

const host = readHostIdentity();
let hasRows = false;
const { imdsEndpoint } = config.value;
const instance =
  imdsEndpoint === null
    ? noInstance
    : watchInstance({
        askInstance: () => askInstance(imdsEndpoint),
        nowMs: Date.now,
        onKnown: (found) => learnInstance(host, found, { hasRows }),
        onUnknown: (reason) => log("the instance is not known: no EC2, or not reachable", { reason }),
      });
const ecs = createEcsNames({ nowMs: Date.now });
const { pageBytes, ticksPerSecond } = readAuxv();
const { spoolFolder, spoolBytesMax } = config.value;
const outbox = createOutbox({
  host: () => host,
  delivery: await deliveryTo(destination),
  bufferBytesMax,
  flushMs,
  openSpool: spoolFolder === null ? null : () => openSpool({ folder: spoolFolder, bytesMax: spoolBytesMax }),
  nowMs: () => performance.now(),
  random: Math.random,
  log,
});
const walker = startWalker(walkerPath);
const vmaCountLimit = readAndParse("/proc/sys/vm/max_map_count", parseByteCount);

const cpuUs = () => process.cpuUsage().user + process.cpuUsage().system;
if (!prepareRingFolder(ringFolder)) log("no folder for ring files, or others may replace it: it is not swept", { ringFolder });
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
  ecs,
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

/** Both waits have long been over, or are short: a row under a wrong name would stay there. */
async function closeRows(): Promise<void> {
  await Promise.all([instance.firstRound(), ecs.settled()]);
  hasRows = true;
  outbox.add(await agent.closeRows());
}

let nextTickMs = performance.now();
let nextRowMs = nextTickMs + tickMs;
while (!stop.aborted) {
  agent.tick();
  if (performance.now() >= nextRowMs) {
    sweeper.sweepIfDue();
    instance.askAgainIfDue();
    await closeRows();
    // Not awaited: an endpoint that does not answer must not hold up the ticks.
    void outbox.shipDue();
    nextRowMs = nextTime(nextRowMs, rowMs);
  }
  nextTickMs = nextTime(nextTickMs, tickMs);
  await sleep(Math.max(0, nextTickMs - performance.now()), undefined, { signal: stop }).catch(() => undefined);
}
await closeRows();
const isShipped = await Promise.race([outbox.flush().then(() => true), sleep(LAST_FLUSH_MS_MAX, false, { ref: false })]);
outbox.close();
walker.close();
log("collector stopped");
// A call that nobody answers would keep the process for its whole time-out.
if (!isShipped) process.exit(0);

/** The SDK is loaded only where it is used: who delivers to a folder should not pay for it. */
async function deliveryTo(chosen: Destination): Promise<Delivery> {
  if (chosen.kind === "firehose") return (await import("./ship/firehose.ts")).firehoseDelivery({ stream: chosen.stream });
  return folderDelivery({ folder: chosen.folder, name: `${host.host_id}-${process.pid}`, nowMs: Date.now });
}

/** The next multiple that is still to come: after a late tick none are made up for. */
function nextTime(lastMs: number, everyMs: number): number {
  return lastMs + everyMs * Math.max(1, Math.ceil((performance.now() - lastMs) / everyMs));
}
