// One run of the program under one setting: started, loaded, watched until it has settled, and ended, all within a bound.
// What the figures say beside those of other runs is compare.ts's.
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { readAuxv } from "../../collector/proc/auxv.ts";
import { parseMeminfo } from "../../collector/proc/meminfo.ts";
import { readAndParse } from "../../collector/proc/read.ts";
import type { Measured } from "../../collector/watch/watched.ts";
import { formatCountOf } from "../../functions/core/units.ts";
import type { HeapReader } from "./heap.ts";
import { answersAt, untilAnswers } from "./port.ts";
import type { Program } from "./target.ts";
import { loadMark, MARK, type Tree, watchTree } from "./tree.ts";

export interface RunPlan {
  readonly program: Program;
  readonly env: Readonly<Record<string, string>>;
  readonly ready: { readonly kind: "port"; readonly port: number } | { readonly kind: "wait"; readonly ms: number };
  /** A shell command; null lets the program work by itself. */
  readonly load: string | null;
  /** Without a load: how long it may work. Null: until it ends, or the bound. */
  readonly durationMs: number | null;
  readonly settleMs: number;
  readonly timeoutMs: number;
  /** Ask for relief a quarter into the settling, or so long after the start where there is no load. */
  readonly relief: { readonly afterStartMs: number | null } | null;
  readonly logPath: string;
}

export interface Point {
  /** Since the start of the program. */
  readonly atMs: number;
  readonly rssBytes: number;
}

export type Ending =
  | { readonly kind: "exit"; readonly code: number }
  | { readonly kind: "signal"; readonly signal: string }
  /** By us, as planned. */
  | { readonly kind: "ended" }
  | { readonly kind: "timeout" }
  | { readonly kind: "interrupted" }
  /** Named in a sentence: not found, port taken, the load failed, the host ran short of memory. */
  | { readonly kind: "failed"; readonly because: string };

export interface Run {
  readonly ending: Ending;
  readonly points: readonly Point[];
  readonly heaps: readonly { readonly atMs: number; readonly row: Measured }[];
  readonly peakRssBytes: number | null;
  readonly cpuSeconds: number | null;
  /** Of the load, or where there is none of a program that ended by itself. */
  readonly seconds: number | null;
  readonly durationMs: number;
  /** What a reader should know of it. */
  readonly notes: readonly string[];
}

/** So many looks a run at most, whatever its length. */
const POINTS_MAX = 1_200;
const LOOK_MS_MIN = 50;
const HEAP_PAUSE_MS_MIN = 250;
/** A walk reads the whole heap from another core: it may take this part of the time. */
const HEAP_COST_SHARE_MAX = 0.1;
/** Relief is asked for when so much of the settling has passed: nobody asks in the second in which a peak ends. */
const RELIEF_AT_SHARE = 0.25;
/** Output beyond this is cut from the front: it is for finding out why a run failed. */
const LOG_BYTES_MAX = 64 * 1_024 * 1_024;
/** Below this part of its memory the host is about to kill somebody, and that may not be our run. */
const HOST_AVAILABLE_SHARE_MIN = 0.05;

export async function runProgram(plan: RunPlan, heap: HeapReader, stop: AbortSignal): Promise<Run> {
  const { ready } = plan;
  if (ready.kind === "port" && (await answersAt(ready.port)))
    return failedRun(`port ${ready.port} answers already: another program would get the load`);
  const log = openSync(plan.logPath, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW, 0o600);
  try {
    return await runWithLog(plan, heap, stop, log);
  } finally {
    closeSync(log);
  }
}

async function runWithLog(plan: RunPlan, heap: HeapReader, stop: AbortSignal, log: number): Promise<Run> {
  const mark = randomUUID();
  const reapedBefore = reapedCpuSeconds();
  const started = await start(plan, mark, log);
  if (typeof started === "string") return failedRun(started);
  const { child, pid } = started;
  const startedMs = performance.now();
  const tree = watchTree(pid, mark);
  // Whatever ends this program, and be it a fault of ours, the run ends with it.
  const killTree = () => tree.kill();
  process.once("exit", killTree);
  const over = new AbortController();
  const exited = once(child, "exit").then(([code, signal]): Ending => {
    over.abort();
    return code === null ? { kind: "signal", signal: String(signal) } : { kind: "exit", code: Number(code) };
  });
  const watch = watchRun({ plan, heap, tree, startedMs, log });
  const bound = AbortSignal.any([stop, over.signal, AbortSignal.timeout(plan.timeoutMs), watch.shortOfMemory]);
  try {
    const watching = watch.until(bound);
    const told = await story({ ...plan, pid, mark, log, bound, relieve: watch.relieve });
    const isOver = over.signal.aborted;
    const ending = isOver ? await exited : endingOf({ stop, bound, shortOfMemory: watch.shortOfMemory, failure: told.failure });
    over.abort();
    const seen = await watching;
    const durationMs = performance.now() - startedMs;
    const leftCount = await tree.end();
    await exited;
    if (leftCount > 0)
      seen.notes.push(
        `it left ${formatCountOf(leftCount, "process", "processes")} behind when it ended, and that was ended as well`,
      );
    // The kernel's account of a program that has ended is whole; a load's would be in it as well.
    const isReaped = isOver && plan.load === null;
    const cpuSeconds = isReaped ? Math.max(seen.cpuSeconds ?? 0, reapedCpuSeconds() - reapedBefore) : seen.cpuSeconds;
    const seconds = plan.load !== null ? told.seconds : isOver ? durationMs / 1_000 : null;
    return { ...seen, ending, cpuSeconds, seconds, durationMs };
  } finally {
    over.abort();
    tree.kill();
    process.off("exit", killTree);
  }
}

interface Ends {
  readonly stop: AbortSignal;
  readonly bound: AbortSignal;
  readonly shortOfMemory: AbortSignal;
  readonly failure: string | null;
}

/** Of a program that we end. */
function endingOf({ stop, bound, shortOfMemory, failure }: Ends): Ending {
  if (stop.aborted) return { kind: "interrupted" };
  if (shortOfMemory.aborted) return { kind: "failed", because: "the host ran short of memory, and the run was ended" };
  if (failure !== null) return { kind: "failed", because: failure };
  return { kind: bound.aborted ? "timeout" : "ended" };
}

/** The process, or in a sentence why there is none. */
async function start(
  { program: { file, argv0, args, cwd }, env }: RunPlan,
  mark: string,
  log: number,
): Promise<{ readonly child: ChildProcess; readonly pid: number } | string> {
  try {
    const options = { argv0, cwd, env: { ...env, [MARK]: mark }, detached: true };
    const child = spawn(file, args, { ...options, stdio: ["ignore", log, log] });
    await once(child, "spawn");
    return child.pid === undefined ? `${file} cannot be started` : { child, pid: child.pid };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? `is no command, or ${cwd} is no folder` : code === "EACCES" ? "may not be executed" : code;
    return `${file} cannot be started: it ${why ?? String(error)}`;
  }
}

/** What happens to the program after its start, in turn; ends early with `bound`. */
async function story(
  run: RunPlan & {
    readonly pid: number;
    readonly mark: string;
    readonly log: number;
    readonly bound: AbortSignal;
    relieve(): Promise<void>;
  },
): Promise<{ readonly seconds: number | null; readonly failure: string | null }> {
  const { ready, load, settleMs, durationMs, relief, bound } = run;
  const nothing = { seconds: null, failure: null };
  const wait = (ms: number) => sleep(ms, undefined, { signal: bound }).catch(() => undefined);
  if (load === null) {
    const afterStartMs = relief?.afterStartMs ?? null;
    if (afterStartMs !== null) {
      await wait(Math.min(afterStartMs, durationMs ?? afterStartMs));
      if (!bound.aborted) await run.relieve();
    }
    if (durationMs === null) await untilAborted(bound);
    else await wait(durationMs - Math.min(afterStartMs ?? 0, durationMs));
    return nothing;
  }
  if (ready.kind === "port") await untilAnswers(ready.port, bound);
  else await wait(ready.ms);
  if (bound.aborted) return nothing;
  const startedMs = performance.now();
  const failure = await runLoad(run, load);
  if (bound.aborted) return nothing;
  const seconds = (performance.now() - startedMs) / 1_000;
  if (failure !== null) return { seconds, failure };
  const reliefMs = relief === null ? 0 : settleMs * RELIEF_AT_SHARE;
  await wait(reliefMs);
  if (relief !== null && !bound.aborted) await run.relieve();
  await wait(settleMs - reliefMs);
  return { seconds, failure };
}

/** Null, or why it failed. It runs in the caller's own environment: the setting is the program's. */
async function runLoad(
  { pid, mark, log, bound, ready }: { pid: number; mark: string; log: number; bound: AbortSignal; ready: RunPlan["ready"] },
  load: string,
): Promise<string | null> {
  const port = ready.kind === "port" ? { TIDEMARK_PORT: String(ready.port) } : {};
  const env = { ...process.env, TIDEMARK_PID: String(pid), ...port, [MARK]: loadMark(mark) };
  const child = spawn("/bin/sh", ["-c", load], { env, detached: true, stdio: ["ignore", log, log] });
  const ended = once(child, "exit") as Promise<[number | null, string | null]>;
  const code = await Promise.race([ended.then(([status, signal]) => status ?? signal), untilAborted(bound)]);
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
    await ended;
  }
  return code === 0 || bound.aborted ? null : `the load ended with ${code}: its output is in the log`;
}

interface Watching {
  readonly plan: RunPlan;
  readonly heap: HeapReader;
  readonly tree: Tree;
  readonly startedMs: number;
  readonly log: number;
}

/** Looks at the tree again and again; the heap of its largest process now and then, and relief once, beside that. */
function watchRun({ plan, heap, tree, startedMs, log }: Watching) {
  const short = new AbortController();
  const lookMs = Math.max(LOOK_MS_MIN, plan.timeoutMs / POINTS_MAX);
  const points: Point[] = [];
  const heaps: { atMs: number; row: Measured }[] = [];
  const notes: string[] = [];
  let peakRssBytes: number | null = null;
  let cpuSeconds: number | null = null;
  let heapDueMs = 0;
  let busy: Promise<void> | null = null;
  const sinceStart = () => performance.now() - startedMs;
  const readHeap = async (pid: number) => {
    const beganMs = sinceStart();
    const row = await heap.read(pid);
    const tookMs = sinceStart() - beganMs;
    heapDueMs = sinceStart() + Math.max(HEAP_PAUSE_MS_MIN, tookMs / HEAP_COST_SHARE_MAX);
    if (row !== null) heaps.push({ atMs: beganMs, row });
  };
  const look = () => {
    const seen = tree.look();
    if (seen === null) return;
    points.push({ atMs: sinceStart(), rssBytes: seen.rssBytes });
    const mark = seen.processCount === 1 ? highWaterOf(seen.largestPid) : null;
    peakRssBytes = Math.max(peakRssBytes ?? 0, seen.rssBytes, mark ?? 0);
    cpuSeconds = Math.max(cpuSeconds ?? 0, seen.cpuSeconds);
    if (busy === null && sinceStart() >= heapDueMs) {
      busy = readHeap(seen.largestPid).finally(() => {
        busy = null;
      });
    }
    if (fstatSync(log).size > LOG_BYTES_MAX) {
      ftruncateSync(log, 0);
      notes.push("its output was longer than the log may be, and the earlier part was cut");
    }
    if (isHostShort()) short.abort();
  };
  return {
    shortOfMemory: short.signal,
    /** Of whoever holds most now. */
    async relieve() {
      const seen = tree.look();
      const refusal =
        seen === null
          ? "relief could not be asked for: the program had ended"
          : await heap.relieve(seen.largestPid, heaps.at(-1)?.row.reclaimable_bytes ?? 0);
      if (refusal !== null) notes.push(refusal);
    },
    async until(bound: AbortSignal) {
      while (!bound.aborted) {
        look();
        await sleep(lookMs, undefined, { signal: bound }).catch(() => undefined);
      }
      await busy;
      return { points, heaps, peakRssBytes, cpuSeconds, notes };
    },
  };
}

/** The most it ever held: a peak between two looks is seen as well. man 5 proc_pid_status, VmHWM. */
function highWaterOf(pid: number): number | null {
  const status = readAndParse(`/proc/${pid}/status`, (text) => ({ ok: true, value: text }) as const);
  const kib = status.ok ? /^VmHWM:\s+(\d+) kB$/m.exec(status.value)?.[1] : undefined;
  return kib === undefined ? null : Number(kib) * 1_024;
}

function isHostShort(): boolean {
  const memory = readAndParse("/proc/meminfo", parseMeminfo);
  if (!memory.ok || memory.value.mem_available_bytes === null) return false;
  return memory.value.mem_available_bytes < HOST_AVAILABLE_SHARE_MIN * memory.value.mem_total_bytes;
}

/** CPU of the children of this process whose end it was told of, and of theirs: fields 16 and 17 of man 5 proc_pid_stat. */
function reapedCpuSeconds(): number {
  const text = readFileSync("/proc/self/stat", "latin1");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) / readAuxv().ticksPerSecond;
}

const untilAborted = (signal: AbortSignal): Promise<unknown> => (signal.aborted ? Promise.resolve() : once(signal, "abort"));

const failedRun = (because: string): Run => ({
  ending: { kind: "failed", because },
  points: [],
  heaps: [],
  peakRssBytes: null,
  cpuSeconds: null,
  seconds: null,
  durationMs: 0,
  notes: [],
});
