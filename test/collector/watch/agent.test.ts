// The agent on this machine's real /proc, with real programs under it.
import { deepEqual, equal, ok } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { readConfig } from "../../../collector/config.ts";
import { startWalker, type Walker } from "../../../collector/heap/walker.ts";
import { readAuxv } from "../../../collector/proc/auxv.ts";
import { type AgentEdge, createAgent } from "../../../collector/watch/agent.ts";
import type { Samples } from "../../../schema/columns.ts";
import { walkerPath, workloadPath } from "../../support/native.ts";

const MIB = 1_024 * 1_024;
const started: ChildProcess[] = [];
const walkers: Walker[] = [];
after(() => {
  for (const child of started) child.kill("SIGKILL");
  for (const walker of walkers) walker.close();
});

function start(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess & { pid: number } {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: "ignore" });
  started.push(child);
  if (child.pid === undefined) throw new Error(`${command} did not start`);
  return child as ChildProcess & { pid: number };
}

function agentWith(settings: Readonly<Record<string, string>> = {}) {
  const config = readConfig({
    TIDEMARK_DELIVERY_FOLDER: ".",
    TIDEMARK_WALKER: walkerPath(),
    TIDEMARK_RSS_BYTES_MIN: "1000000",
    ...settings,
  });
  if (!config.ok) throw new Error(config.error.join());
  const { pageBytes, ticksPerSecond } = readAuxv();
  const walker = startWalker(config.value.walkerPath);
  walkers.push(walker);
  const edge: AgentEdge = {
    config: config.value,
    walker,
    boot: { boot_id: "11111111-2222", bootedAtMs: 0, ticksPerSecond },
    pageBytes,
    vmaCountLimit: 65_530,
    sequenceStart: 500,
    nowMs: Date.now,
    cpuUs: () => process.cpuUsage().user,
    rssBytes: () => process.memoryUsage.rss(),
    takeDroppedRowCount: () => 7,
  };
  return createAgent(edge);
}

const rowOf = (samples: Samples, pid: number) => samples.process.find((row) => row.pid === pid);

/** Until the program has run for so long that its memory is there; asked, not guessed. */
async function whenResident(pid: number, bytes: number, agent: ReturnType<typeof agentWith>): Promise<Samples> {
  for (let tries = 0; tries < 100; tries++) {
    agent.tick();
    const samples = await agent.closeRows();
    if ((rowOf(samples, pid)?.rss_bytes ?? 0) >= bytes) return samples;
    await sleep(100);
  }
  throw new Error(`pid ${pid} never reached ${bytes} bytes`);
}

/** The next row that carries a walk: one is not due at every row. */
async function whenWalked(pid: number, agent: ReturnType<typeof agentWith>): Promise<Samples> {
  for (let tries = 0; tries < 100; tries++) {
    agent.tick();
    const samples = await agent.closeRows();
    if (rowOf(samples, pid)?.heap_source !== undefined) return samples;
    await sleep(100);
  }
  throw new Error(`pid ${pid} was never walked`);
}

test("a row tells who the process is, what it has resident, and how its heap looks", async () => {
  const variables = { OTEL_SERVICE_NAME: "checkout", OTEL_RESOURCE_ATTRIBUTES: "service.version=1.4.2", MALLOC_ARENA_MAX: "2" };
  const child = start(workloadPath("healthy"), ["16", "600"], variables);
  // A cycle of ten minutes: the workload stays in its quiet start with its 2 MiB, so the figures stand still.
  const agent = agentWith();
  await whenResident(child.pid, 2_500_000, agent);
  const row = rowOf(await whenWalked(child.pid, agent), child.pid);
  if (row === undefined) throw new Error("no row");
  deepEqual([row.service, row.service_version, row.comm, row.tunables], ["checkout", "1.4.2", "healthy", "MALLOC_ARENA_MAX=2"]);
  deepEqual([row.allocator, row.heap_source, row.heap_unknown_reason ?? null], ["glibc", "walk", null]);
  ok((row.vma_count ?? 0) > 10);
  equal(
    (row.live_bytes ?? 0) - (row.mmapped_bytes ?? 0) + (row.free_bytes ?? 0) + (row.metadata_bytes ?? 0),
    row.heap_bytes,
    "every byte of the heap is live, free or bookkeeping",
  );
});

test("the largest RSS between two rows is kept although it has passed when the row closes", async () => {
  const child = start(workloadPath("healthy"), ["64", "1.6"]);
  const agent = agentWith();
  await whenResident(child.pid, 4 * MIB, agent);
  // One cycle and more of ticks: among them the peak.
  for (let i = 0; i < 40; i++) {
    agent.tick();
    await sleep(50);
  }
  const row = rowOf(await agent.closeRows(), child.pid);
  ok((row?.rss_bytes_max ?? 0) >= 48 * MIB, `rss_bytes_max is ${row?.rss_bytes_max}`);
});

test("a process that ends leaves no row, and the next one is met with a key of its own", async () => {
  const agent = agentWith();
  const first = start("sleep", ["60"]);
  const key = rowOf(await whenResident(first.pid, 1_000_000, agent), first.pid)?.process_key;
  first.kill("SIGKILL");
  await once(first, "exit");
  equal(rowOf(await agent.closeRows(), first.pid), undefined);
  const second = start("sleep", ["60"]);
  const other = rowOf(await whenResident(second.pid, 1_000_000, agent), second.pid)?.process_key;
  ok(key !== undefined && other !== undefined && key !== other);
});

test("a process that executes another program is met anew under its new name", async () => {
  const child = start("sh", ["-c", "read line; exec sleep 60"], {});
  const piped = spawn("sh", ["-c", "read line; exec sleep 60"], { stdio: ["pipe", "ignore", "ignore"] });
  started.push(piped);
  if (piped.pid === undefined) throw new Error("sh did not start");
  child.kill("SIGKILL");
  const agent = agentWith({ TIDEMARK_RSS_BYTES_MIN: "0" });
  agent.tick();
  const before = rowOf(await agent.closeRows(), piped.pid);
  piped.stdin?.write("go\n");
  let after = before;
  for (let tries = 0; tries < 100 && after?.comm !== "sleep"; tries++) {
    await sleep(50);
    agent.tick();
    after = rowOf(await agent.closeRows(), piped.pid);
  }
  equal(after?.comm, "sleep");
  equal(after?.process_key, before?.process_key, "exec keeps pid and start time");
});

test("processes below the size floor are counted but get no row", async () => {
  const child = start("sleep", ["60"]);
  const agent = agentWith({ TIDEMARK_RSS_BYTES_MIN: String(1_000_000_000_000) });
  agent.tick();
  const samples = await agent.closeRows();
  equal(rowOf(samples, child.pid), undefined);
  equal(samples.process.length, 0);
  ok((samples.collector[0]?.process_count ?? 0) > 1);
});

test("a heap is walked no oftener than its budget allows; between walks its columns are absent", async () => {
  const child = start(workloadPath("fragmented"), ["16", "600"]);
  const agent = agentWith({ TIDEMARK_WALK_COST_SHARE_MAX: "0.000001" });
  const first = rowOf(await whenResident(child.pid, 1_200_000, agent), child.pid);
  agent.tick();
  const second = rowOf(await agent.closeRows(), child.pid);
  ok(second !== undefined);
  const walked = [first, second].filter((row) => row?.live_bytes != null);
  ok(walked.length <= 1, "one walk of a millisecond is worth a quarter of an hour at this budget");
  equal(second?.live_bytes ?? null, null);
  equal(second?.allocator, "glibc");
});

test("sequence numbers never repeat, and the collector's row bills its own work and what it dropped", async () => {
  const agent = agentWith();
  agent.tick();
  const first = await agent.closeRows();
  agent.tick();
  const second = await agent.closeRows();
  const sequences = [first, second].flatMap(({ process: rows, host, collector }) =>
    [...rows, ...host, ...collector].map((row) => row.sequence),
  );
  equal(new Set(sequences).size, sequences.length);
  equal(Math.min(...sequences), 500);
  const [row] = second.collector;
  equal(row?.row_dropped_count, 7);
  equal(row?.row_count, second.process.length + second.host.length);
  ok((row?.collector_rss_bytes ?? 0) > MIB);
});

test("the proportional set size is measured with the first row, and lies between nothing and the resident set", async () => {
  const child = start("sleep", ["60"]);
  const row = rowOf(await whenResident(child.pid, 1_000_000, agentWith()), child.pid);
  ok(
    (row?.pss_bytes ?? 0) > 0 && (row?.pss_bytes ?? 0) <= (row?.rss_bytes ?? 0),
    `PSS ${row?.pss_bytes} of RSS ${row?.rss_bytes}`,
  );
});
