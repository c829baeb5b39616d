// The agent on this machine's real /proc, with real programs under it.
import { deepEqual, equal, ok } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { readConfig } from "../../../collector/config.ts";
import type { Walk } from "../../../collector/heap/walk-line.ts";
import { startWalker, type Walker } from "../../../collector/heap/walker.ts";
import { readAuxv } from "../../../collector/proc/auxv.ts";
import { type AgentEdge, createAgent } from "../../../collector/watch/agent.ts";
import { PROCESSES_NEVER_SAMPLED } from "../../../collector/watch/budget.ts";
import type { ProcessSample, Samples } from "../../../schema/columns.ts";
import { jdks, startChurn } from "../../support/jvms.ts";
import { walkerPath, workloadPath } from "../../support/native.ts";
import { skipReason } from "../../support/need.ts";

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

function agentWith(settings: Readonly<Record<string, string>> = {}, other: Partial<AgentEdge> = {}) {
  const config = readConfig({
    TIDEMARK_DELIVERY_FOLDER: ".",
    TIDEMARK_WALKER: walkerPath(),
    TIDEMARK_RSS_BYTES_MIN: "1000000",
    TIDEMARK_ALL_WALKS_COST_SHARE_MAX: "0.02",
    TIDEMARK_ALL_LOOKS_COST_SHARE_MAX: "0.02",
    // However many processes the machine has.
    TIDEMARK_ROWS_COST_SHARE_MAX: "0.5",
    TIDEMARK_TICKS_COST_SHARE_MAX: "0.5",
    ...settings,
  });
  if (!config.ok) throw new Error(config.error.join());
  const { pageBytes, ticksPerSecond } = readAuxv();
  const walker = other.walker ?? startWalker(config.value.walkerPath);
  walkers.push(walker);
  const edge: AgentEdge = {
    config: config.value,
    walker,
    boot: { boot_id: "11111111-2222", bootedAtMs: 0, ticksPerSecond },
    pageBytes,
    vmaCountLimit: 65_530,
    sequenceStart: 500,
    nowMs: Date.now,
    upMs: () => performance.now(),
    cpuUs: () => process.cpuUsage().user,
    rssBytes: () => process.memoryUsage.rss(),
    takeDroppedRowCount: () => 7,
    takeDeadRingCount: () => 3,
    onFault: (_pid, error) => {
      throw error;
    },
    ...other,
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
async function whenWalked(
  pid: number,
  agent: ReturnType<typeof agentWith>,
  suits: (row: ProcessSample) => boolean = () => true,
): Promise<Samples> {
  for (let tries = 0; tries < 100; tries++) {
    agent.tick();
    const samples = await agent.closeRows();
    const row = rowOf(samples, pid);
    if (row?.heap_source !== undefined && suits(row)) return samples;
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
  const row = rowOf(await whenWalked(child.pid, agent, ({ live_bytes }) => live_bytes != null), child.pid);
  if (row === undefined) throw new Error("no row");
  deepEqual([row.service, row.service_version, row.comm, row.tunables], ["checkout", "1.4.2", "healthy", "MALLOC_ARENA_MAX=2"]);
  ok((row.free_resident_bytes ?? -1) >= (row.reclaimable_bytes ?? 0) && (row.arena_bytes_max ?? 0) > 0);
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

test("a wrapper that executes the program it is named after is met anew, although its name stays", async () => {
  const wrapper = join(mkdtempSync(join(tmpdir(), "tidemark-")), "sleep");
  writeFileSync(wrapper, "#!/bin/bash\nread line; exec sleep 60\n");
  chmodSync(wrapper, 0o755);
  const child = spawn(wrapper, { stdio: ["pipe", "ignore", "ignore"], env: { PATH: process.env["PATH"] } });
  started.push(child);
  const { pid } = child;
  if (pid === undefined) throw new Error("the wrapper did not start");
  const agent = agentWith({ TIDEMARK_RSS_BYTES_MIN: "0" });
  agent.tick();
  const before = rowOf(await agent.closeRows(), pid);
  child.stdin.write("go\n");
  let row = before;
  for (let tries = 0; tries < 100 && row?.service === before?.service; tries++) {
    await sleep(50);
    agent.tick();
    row = rowOf(await agent.closeRows(), pid);
  }
  deepEqual([before?.comm, before?.service, row?.comm, row?.service], ["sleep", "bash", "sleep", "sleep"]);
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
  const child = start(workloadPath("healthy"), ["16", "600"]);
  // A walk before the program's first malloc would rightly find no heap.
  await whenWalked(child.pid, agentWith(), (row) => row.live_bytes != null);
  const agent = agentWith({ TIDEMARK_WALK_COST_SHARE_MAX: "0.000001" });
  const first = rowOf(await whenResident(child.pid, 2_000_000, agent), child.pid);
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

/** A walker that says of every process what the test wants, and keeps whom it was asked about. */
function scriptedWalker(answer: (pid: number) => Partial<Walk>): Walker & { readonly asked: number[] } {
  const asked: number[] = [];
  return {
    asked,
    walk: async (pid) => {
      asked.push(pid);
      return { kind: "unknown", reason: "denied", pid, walk_cpu_us: 0, vma_count: null, ...answer(pid) } as Walk;
    },
    close: () => undefined,
  };
}

test("a process whose measuring throws is counted and told once; the others get their rows and the agent goes on", async () => {
  const [bad, good] = [start("sleep", ["60"]), start("sleep", ["60"])];
  const told: number[] = [];
  const walker = scriptedWalker((pid) => {
    if (pid === bad.pid) throw new Error("nobody foresaw this");
    return {};
  });
  const agent = agentWith({}, { walker, onFault: (pid) => told.push(pid) });
  let last = await whenResident(good.pid, 1_000_000, agent);
  for (let tries = 0; tries < 100 && told.length === 0; tries++) {
    await sleep(20);
    agent.tick();
    last = await agent.closeRows();
  }
  agent.tick();
  last = await agent.closeRows();
  deepEqual(told, [bad.pid]);
  ok((last.collector[0]?.malformed_count ?? 0) >= 1, "it is counted each time");
  equal(rowOf(last, bad.pid), undefined);
  ok(rowOf(last, good.pid));
});

test("libc is mapped but another allocator serves malloc: the allocator is unknown, also in the rows between walks", async () => {
  const child = start("sleep", ["60"]);
  const reasons = [{ reason: "no_heap" }, { reason: "budget" }, { reason: "layout" }];
  for (const { reason } of reasons) {
    const walker = scriptedWalker(() => ({ reason, walk_cpu_us: 10_000 }) as Partial<Walk>);
    const agent = agentWith({ TIDEMARK_WALK_COST_SHARE_MAX: "0.0001", TIDEMARK_ALL_WALKS_COST_SHARE_MAX: "0.5" }, { walker });
    const walked = rowOf(await whenWalked(child.pid, agent), child.pid);
    agent.tick();
    const between = rowOf(await agent.closeRows(), child.pid);
    equal(walked?.heap_unknown_reason, reason);
    equal(between?.heap_source, undefined, "no walk is due yet");
    for (const row of [walked, between]) {
      if (reason === "budget") {
        equal(row?.allocator, "glibc", "this walk could not tell");
      } else {
        deepEqual([row?.allocator, row?.allocator_version], ["unknown", null]);
      }
    }
  }
});

test("a process that renames itself keeps its budgets, its peak and what is known of its heap", async () => {
  const rename =
    "import ctypes, sys; print(flush=True)\nfor line in sys.stdin: ctypes.CDLL(None).prctl(15, line.strip().encode()); print(flush=True)";
  const child = spawn("python3", ["-c", rename], { stdio: ["pipe", "pipe", "ignore"] });
  started.push(child);
  const { pid } = child;
  if (pid === undefined) throw new Error("python3 did not start");
  // python3 may be a script that executes the real one, which is another program and not a new name.
  await once(child.stdout, "data");
  const walker = scriptedWalker(() => ({ walk_cpu_us: 10_000 }));
  const agent = agentWith({ TIDEMARK_WALK_COST_SHARE_MAX: "0.0001" }, { walker });
  const countAsked = () => walker.asked.filter((asked) => asked === pid).length;
  await whenWalked(pid, agent);
  for (const name of ["worker-1", "worker-2"]) {
    // The tick comes before the new name: what it saw must not be lost with the old one, or there would be no row.
    agent.tick();
    child.stdin.write(`${name}\n`);
    await once(child.stdout, "data");
    const row = rowOf(await agent.closeRows(), pid);
    deepEqual([row?.comm, row?.allocator], [name, "glibc"]);
  }
  equal(countAsked(), 1, "100 s have not passed");
});

test("all walks together stay within their share, and who has waited longest is walked first", async () => {
  const children = Array.from({ length: 12 }, () => start("sleep", ["60"]).pid);
  let nowMs = 1_000_000;
  // A row interval is worth ten walks of 20 ms: the first row goes one beyond, and every other one pays that back.
  const settings = { TIDEMARK_ROW_MS: "1000", TIDEMARK_TICK_MS: "1000", TIDEMARK_ALL_WALKS_COST_SHARE_MAX: "0.2" };
  const walker = scriptedWalker(() => ({ walk_cpu_us: 20_000 }));
  const agent = agentWith({ ...settings, TIDEMARK_WALK_COST_SHARE_MAX: "0.5" }, { walker, upMs: () => nowMs, cpuUs: () => 0 });
  const perRow: number[] = [];
  const walked = (pid: number) => walker.asked.filter((asked) => asked === pid).length;
  for (let rows = 0; rows < 100 && children.some((pid) => walked(pid) < 2); rows++) {
    const before = walker.asked.length;
    agent.tick();
    await agent.closeRows();
    perRow.push(walker.asked.length - before);
    nowMs += 1_000;
    // No child has its second walk before every other one had its first, and so on.
    const counts = children.map(walked);
    ok(Math.max(...counts) - Math.min(...counts) <= 1, `walks of each child: ${counts}`);
  }
  deepEqual(perRow, [11, ...Array(perRow.length - 1).fill(10)]);
  ok(children.every((pid) => walked(pid) >= 2));
});

test("walks that take long end with half the row interval, so that ticks go on", async () => {
  for (let count = 0; count < 4; count++) start("sleep", ["60"]);
  let nowMs = 1_000_000;
  const walker = scriptedWalker(() => {
    nowMs += 20_000;
    return {};
  });
  const agent = agentWith({ TIDEMARK_ROW_MS: "60000" }, { walker, upMs: () => nowMs, cpuUs: () => 0 });
  agent.tick();
  await agent.closeRows();
  equal(walker.asked.length, 2, "the third would begin 40 s after the row's time");
});

test("of too many processes each has its row in turn, the looks at all come more seldom, and both are counted", async () => {
  const children = Array.from({ length: 300 }, () => start("sleep", ["60"]));
  const settings = {
    TIDEMARK_RSS_BYTES_MIN: "1",
    TIDEMARK_ROWS_COST_SHARE_MAX: "0.000001",
    TIDEMARK_TICKS_COST_SHARE_MAX: "0.000001",
  };
  const agent = agentWith(settings, { walker: scriptedWalker(() => ({})) });
  agent.tick();
  agent.tick();
  const first = await agent.closeRows();
  const second = await agent.closeRows();
  const [row] = first.collector;
  deepEqual([first.process.length, row?.tick_count], [PROCESSES_NEVER_SAMPLED, 1]);
  ok((row?.process_skipped_count ?? 0) >= 300 - PROCESSES_NEVER_SAMPLED);
  const rowed = [...first.process, ...second.process].map(({ pid }) => pid);
  for (const child of children) {
    ok(rowed.includes(child.pid), `${child.pid} was passed over twice`);
    // Of so many the other tests would see samples alone.
    child.kill("SIGKILL");
  }
});

test("a clock that is set back an hour puts nothing off: rows are dated by it, and what is due is measured by another", async () => {
  const child = start("sleep", ["60"]);
  const [setAtMs, hourMs] = [Date.now(), 3_600_000];
  let [nowMs, upMs] = [setAtMs, 5_000];
  const walker = scriptedWalker(() => ({ walk_cpu_us: 1_000 }));
  const agent = agentWith({}, { walker, nowMs: () => nowMs, upMs: () => upMs, cpuUs: () => 0 });
  const round = async () => {
    agent.tick();
    return rowOf(await agent.closeRows(), child.pid);
  };
  const countAsked = () => walker.asked.filter((pid) => pid === child.pid).length;
  await round();
  [nowMs, upMs] = [setAtMs - hourMs, upMs + 60_000];
  const row = await round();
  deepEqual([row?.sampled_at, countAsked()], [setAtMs - hourMs, 2]);
});

const lastPidFile = "/proc/sys/kernel/ns_last_pid";

/** Starts a program under the pid of one that has ended; undefined when others were faster every time. */
function startAs(pid: number): ChildProcess | undefined {
  for (let tries = 0; tries < 50; tries++) {
    writeFileSync(lastPidFile, String(pid - 1));
    const child = start("sleep", ["60"]);
    if (child.pid === pid) return child;
    child.kill("SIGKILL");
  }
  return undefined;
}

test("a zombie's pid is looked at again when it belongs to a process with memory", {
  skip: process.getuid?.() !== 0,
}, async (t) => {
  // The shell becomes a program that does not wait for the child it was given.
  const parent = start("sh", ["-c", "true & exec sleep 60"]);
  const childOf = () => readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, "utf8").trim();
  const isZombie = () => childOf() !== "" && /\) Z /.test(readFileSync(`/proc/${childOf()}/stat`, "utf8"));
  for (let tries = 0; tries < 100 && !isZombie(); tries++) await sleep(20);
  const pid = Number(childOf());
  const agent = agentWith({ TIDEMARK_RSS_BYTES_MIN: "0" });
  agent.tick();
  equal(rowOf(await agent.closeRows(), pid), undefined);
  parent.kill("SIGKILL");
  await once(parent, "exit");
  for (let tries = 0; tries < 100 && existsSync(`/proc/${pid}`); tries++) await sleep(20);
  if (existsSync(`/proc/${pid}`) || startAs(pid) === undefined) return t.skip("the pid could not be had again");
  await agent.closeRows();
  agent.tick();
  equal(rowOf(await agent.closeRows(), pid)?.pid, pid);
});

test("histograms come with a walk now and then, the other figures with every walk", async () => {
  const child = start(workloadPath("healthy"), ["16", "600"]);
  const agent = agentWith({
    TIDEMARK_WALK_COST_SHARE_MAX: "0.5",
    TIDEMARK_ALL_WALKS_COST_SHARE_MAX: "0.5",
    TIDEMARK_HISTOGRAM_MS: "3600000",
  });
  await whenResident(child.pid, 2_500_000, agent);
  const rows = [];
  for (let i = 0; i < 20 && rows.length < 3; i++) {
    agent.tick();
    const row = rowOf(await agent.closeRows(), child.pid);
    if (row?.live_bytes != null) rows.push(row);
    await sleep(100);
  }
  equal(rows.length, 3);
  equal(rows.filter((row) => row.free_bytes_by_size != null).length <= 1, true);
  equal(rows.at(-1)?.free_bytes_by_size ?? null, null);
});

const [anyJdk] = jdks();
const noJdk = anyJdk === undefined ? skipReason("this machine has no JDK in /usr/lib/jvm") : false;

test("a tick sees what a collection left, although another one leaves more before the row closes", {
  skip: noJdk,
}, async () => {
  const churn = await startChurn(anyJdk ?? "", ["-XX:+UseSerialGC"]);
  try {
    const agent = agentWith();
    agent.tick();
    const first = rowOf(await agent.closeRows(), churn.pid);
    equal(first?.runtime_heap_used_after_gc_bytes ?? null, null);
    await churn.tell("keep 20", "collect 0");
    agent.tick();
    await churn.tell("keep 60", "collect 0");
    const row = rowOf(await agent.closeRows(), churn.pid);
    const least = row?.runtime_heap_used_after_gc_bytes ?? 0;
    ok(least > 20 * MIB && least < 30 * MIB, `${least} is not what was left of 20 MiB`);
    ok((row?.runtime_heap_used_bytes ?? 0) > 80 * MIB && (row?.gc_count ?? 0) >= 2);
  } finally {
    await churn.stop();
  }
});
