// Entry point of the on-host agent: settings, timers, signals, and the parts wired together.
// It leaves figures to watch/, heaps to heap/ and native/, and delivery to ship/.
import { uptime } from "node:os";
import { createBlackBox } from "./black-box/black-box.ts";
import { openBlackBoxFolder } from "./black-box/folder.ts";
import { openRing } from "./black-box/ring.ts";
import { configOf, type Destination, resolveConfig } from "./config.ts";
import { prepareRingFolder } from "./heap/ring-folder.ts";
import { startWalker } from "./heap/walker.ts";
import { createEcsNames } from "./identity/ecs.ts";
import { learnInstance, readHostIdentity } from "./identity/host.ts";
import { askInstance } from "./identity/imds.ts";
import { noInstance, watchInstance } from "./identity/instance.ts";
import { within } from "./identity/within.ts";
import { createPause } from "./pause.ts";
import { readAuxv } from "./proc/auxv.ts";
import { parseByteCount } from "./proc/cgroup-memory.ts";
import { readAndParse } from "./proc/read.ts";
import { reloadOf } from "./reload.ts";
import { folderDelivery } from "./ship/folder.ts";
import { makeFolder } from "./ship/make-folder.ts";
import { createOutbox, type Delivery } from "./ship/outbox.ts";
import { openSpool } from "./ship/spool.ts";
import { EXIT_USAGE, startSettings } from "./start-settings.ts";
import { stopSignal } from "./stop-signal.ts";
import { createAgent } from "./watch/agent.ts";
import { createSweeper } from "./watch/sweeper.ts";

// Whoever read the log may be gone; the rows still have a place to go to.
process.stderr.on("error", () => undefined);
const log = (message: string, fields: object = {}) =>
  process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), message, ...fields })}\n`);

/** A walk under way when we have to stop may end within this time; one that waits for its target's lock could take ten seconds. */
const LAST_WALK_MS_MAX = 500;
/** With less time than this no delivery is begun: what is not delivered lies in the spool. */
const LAST_FLUSH_MS_MIN = 500;

const { given, resolved } = startSettings(log);
let { values, config } = resolved;
const stop = stopSignal({ onStdinEnd: config.stopOnStdinEnd });
const pause = createPause();
stop.signal.addEventListener("abort", pause.wake);
let mustReload = false;
process.on("SIGHUP", () => {
  mustReload = true;
  pause.wake();
});
log("collector starts", { config });

const host = readHostIdentity();
let hasRows = false;
const { imdsEndpoint, ringFolder, spoolFolder, spoolBytesMax } = config;
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
let delivery = await deliveryTo(config.destination).catch((error: Error) => {
  log("bad setting", { problem: error.message });
  process.exit(EXIT_USAGE);
});
const outbox = createOutbox({
  host: () => host,
  delivery: { deliver: (records) => delivery.deliver(records) },
  get bufferBytesMax() {
    return config.bufferBytesMax;
  },
  get flushMs() {
    return config.flushMs;
  },
  openSpool: spoolFolder === null ? null : () => openSpool({ folder: spoolFolder, bytesMax: spoolBytesMax }),
  nowMs: () => performance.now(),
  random: Math.random,
  log,
});
const walker = startWalker(config.walkerPath);
stop.signal.addEventListener("abort", () => setTimeout(walker.close, LAST_WALK_MS_MAX).unref());
const vmaCountLimit = readAndParse("/proc/sys/vm/max_map_count", parseByteCount);

const cpuUs = () => process.cpuUsage().user + process.cpuUsage().system;
if (!prepareRingFolder(ringFolder)) log("no folder for ring files, or others may replace it: it is not swept", { ringFolder });
const { blackBoxFolder, blackBoxBytesMax } = config;
/** CLOCK_MONOTONIC: the same for the next collector, as long as the host runs. */
const upMs = () => Number(process.hrtime.bigint() / 1_000_000n);
const blackBox = createBlackBox({
  ring: openRing({
    openFolder: blackBoxFolder === null ? null : () => openBlackBoxFolder(blackBoxFolder),
    bytesMax: blackBoxBytesMax,
    tickMs: () => config.tickMs,
    boot_id: host.boot_id,
    upMs,
    log,
  }),
  tickMs: () => config.tickMs,
  rssBytesMin: () => config.rssBytesMin,
  nowMs: Date.now,
  upMs,
  log,
});
const sweeper = createSweeper({
  folder: ringFolder,
  nowMs: Date.now,
  upMs,
  cpuUs,
  onDead: blackBox.noteDead,
  onFault: (error) => log("the folder of ring files could not be swept", { error: String(error) }),
});

const agent = createAgent({
  get config() {
    return config;
  },
  isInHurry: () => stop.signal.aborted,
  walker,
  ecs,
  blackBox,
  boot: { boot_id: host.boot_id, bootedAtMs: Date.now() - uptime() * 1_000, ticksPerSecond },
  pageBytes,
  vmaCountLimit: vmaCountLimit.ok ? vmaCountLimit.value : null,
  // CLOCK_MONOTONIC in microseconds since boot: a collector makes fewer rows than microseconds pass, so the next starts beyond.
  sequenceStart: Number(process.hrtime.bigint() / 1_000n),
  nowMs: Date.now,
  upMs: () => performance.now(),
  cpuUs,
  rssBytes: () => process.memoryUsage.rss(),
  takeDroppedRowCount: outbox.takeDroppedRowCount,
  takeDeadRingCount: sweeper.takeDeadRingCount,
  onFault: (pid, error) => log("a process could not be looked at", { pid, error: String(error) }),
});

/** Both waits have long been over, or are short: a row under a wrong name would stay there. */
async function closeRows(): Promise<void> {
  await Promise.all([instance.firstRound(), ecs.settled()]);
  hasRows = true;
  outbox.add(await agent.closeRows());
  blackBox.shipped();
}

let nextTickMs = performance.now();
let nextRowMs = nextTickMs + config.tickMs;
while (!stop.signal.aborted) {
  if (mustReload) await reload();
  agent.tick();
  if (performance.now() >= nextRowMs) {
    sweeper.sweepIfDue();
    instance.askAgainIfDue();
    await closeRows();
    // Not awaited: an endpoint that does not answer must not hold up the ticks.
    void outbox.shipDue();
    nextRowMs = nextTime(nextRowMs, config.rowMs);
  }
  nextTickMs = nextTime(nextTickMs, config.tickMs);
  await pause.wait(Math.max(0, nextTickMs - performance.now()));
}
await closeRows();
let isDelivered = false;
if (stop.leftMs() >= LAST_FLUSH_MS_MIN) {
  const flushed = outbox.flush().then((failure) => {
    isDelivered = failure === null;
  });
  await within(flushed, stop.leftMs());
}
outbox.close();
blackBox.close();
walker.close();
log("collector stopped", { is_all_delivered: isDelivered });
// A call that nobody answers would keep the process for its whole time-out.
process.exit(0);

/** Puts into effect what may be changed while we run. One wrong setting, and all stay as they were: nobody wants half of a change. */
async function reload(): Promise<void> {
  mustReload = false;
  const read = resolveConfig(given);
  for (const problem of read.problems) log("bad setting", { problem, now: "all settings stay as they were" });
  if (read.problems.length > 0) return;
  const { changed, needRestart, ...merged } = reloadOf(values, read.values);
  const next = configOf(merged.values);
  if (JSON.stringify(next.destination) !== JSON.stringify(config.destination)) {
    try {
      // What waits, and what the old destination does not take any more, goes to the new one.
      delivery = await deliveryTo(next.destination);
    } catch (error) {
      log("bad setting", { problem: (error as Error).message, now: "all settings stay as they were" });
      return;
    }
  }
  [values, config] = [merged.values, next];
  const nowMs = performance.now();
  nextTickMs = nowMs;
  nextRowMs = Math.min(nextRowMs, nowMs + config.rowMs);
  log("settings were read again", { changed, need_restart: needRestart });
}

/** The SDK is loaded only where it is used: who delivers to a folder should not pay for it. Rejects where the folder cannot be made. */
async function deliveryTo(chosen: Destination): Promise<Delivery> {
  if (chosen.kind === "firehose") return (await import("./ship/firehose.ts")).firehoseDelivery({ stream: chosen.stream });
  try {
    makeFolder(chosen.folder);
  } catch (error) {
    const { message, cause } = error as Error;
    throw new Error(`TIDEMARK_DELIVERY_FOLDER is ${chosen.folder}: ${message}: ${String(cause)}`);
  }
  return folderDelivery({ folder: chosen.folder, name: `${host.host_id}-${process.pid}`, nowMs: Date.now });
}

/** The next multiple that is still to come: after a late tick none are made up for. */
function nextTime(lastMs: number, everyMs: number): number {
  return lastMs + everyMs * Math.max(1, Math.ceil((performance.now() - lastMs) / everyMs));
}
