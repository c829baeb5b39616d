// The loop body of the collector: a tick looks at every process, a row is closed when its time has come.
// Timers, signals and delivery are main.ts's; single figures are measure.ts's.
import { readdirSync } from "node:fs";
import type { CollectorSample, HostSample, ProcessSample, Samples } from "../../schema/columns.ts";
import type { Walk } from "../heap/walk-line.ts";
import type { EcsNames } from "../identity/ecs.ts";
import { parseMeminfo } from "../proc/meminfo.ts";
import { readAndParse } from "../proc/read.ts";
import { parseStatm } from "../proc/statm.ts";
import { spentUntilMs } from "./budget.ts";
import { countError, zeroCounters } from "./counters.ts";
import { tellersOf } from "./families.ts";
import { type BootFacts, identify, isStill } from "./identify.ts";
import { lookAtMaps, measure } from "./measure.ts";
import { keepWatching, type MeasureEdge, startWatching, type Watched } from "./watched.ts";

export interface AgentEdge extends Omit<MeasureEdge, "onWalk" | "mayWalk" | "tellers"> {
  readonly boot: BootFacts;
  /** Without it nobody is asked whom a container works for. */
  readonly ecs?: EcsNames;
  readonly pageBytes: number;
  nowMs(): number;
  /** First sequence number; must exceed all that this host has used since it booted. */
  readonly sequenceStart: number;
  rssBytes(): number;
  /** Rows given up since the last call. */
  takeDroppedRowCount(): number;
  /** Files of ended processes that were removed since the last call. */
  takeDeadRingCount(): number;
  /** One process could not be looked at for a reason that nobody foresaw. Told once a process, and once a row interval. */
  onFault(pid: number, error: unknown): void;
}

/**
 * Walks may fill this share of a row interval; then the row is closed without the others. On a loaded host they take far
 * longer than the CPU they are charged for, and ticks must go on.
 */
const WALKING_SHARE_OF_ROW = 0.5;

export interface Agent {
  /** Looks at every process. Cheap: one small file each. */
  tick(): void;
  /** Closes the rows of all processes, the host and the collector itself. */
  closeRows(): Promise<Samples>;
}

export function createAgent(edge: AgentEdge): Agent {
  const watched = new Map<number, Watched>();
  /** Processes without memory (kernel threads, zombies) or closed to us; looked at again when rows close. */
  const passedOver = new Map<number, "memoryless" | "denied">();
  /** Whose fault has been told. */
  const faulted = new Set<number>();
  let counters = zeroCounters();
  let walksSpentMs = Number.NEGATIVE_INFINITY;
  let sequence = edge.sequenceStart;
  let lastCpuUs = edge.cpuUs();

  function tick(): void {
    const startedMs = edge.nowMs();
    const pids = new Set(listPids());
    for (const pid of [...watched.keys()]) if (!pids.has(pid)) watched.delete(pid);
    for (const pid of [...passedOver.keys()]) if (!pids.has(pid)) passedOver.delete(pid);
    for (const pid of [...faulted]) if (!pids.has(pid)) faulted.delete(pid);
    for (const pid of pids) {
      try {
        if (!passedOver.has(pid)) look(pid);
      } catch (error) {
        noteFault(pid, error);
      }
    }
    counters.tickMsMax = Math.max(counters.tickMsMax, edge.nowMs() - startedMs);
  }

  function look(pid: number): void {
    const known = watched.get(pid) ?? meet(pid);
    if (known === null) return;
    const statm = readAndParse(`/proc/${pid}/statm`, (text, path) => parseStatm(text, path, edge.pageBytes));
    if (statm.ok) known.rssBytesMax = Math.max(known.rssBytesMax, statm.value.rss_bytes);
    else countError(counters, statm.error);
  }

  function meet(pid: number): Watched | null {
    const identity = identify(pid, edge.boot, edge.ecs);
    if (!identity.ok) {
      countError(counters, identity.error);
      if (identity.error.kind === "denied") passedOver.set(pid, "denied");
      return null;
    }
    if (identity.value === null) {
      passedOver.set(pid, "memoryless");
      return null;
    }
    const before = watched.get(pid);
    const isSame = before?.identity.startTicks === identity.value.startTicks;
    const met = isSame && before ? keepWatching(before, identity.value) : startWatching(identity.value, edge.nowMs());
    watched.set(pid, met);
    return met;
  }

  async function closeRows(): Promise<Samples> {
    const sampled_at = edge.nowMs();
    const process: ProcessSample[] = [];
    const walksEndMs = sampled_at + edge.config.rowMs * WALKING_SHARE_OF_ROW;
    const mayWalk = () => walksSpentMs <= sampled_at && edge.nowMs() < walksEndMs;
    const large = [...watched.values()].flatMap((known) => lookAgain(known, sampled_at) ?? []);
    const longestWaitingFirst = large.sort((one, other) => one.walkDueMs - other.walkDueMs);
    // Of those that get a row: one that gets none cannot tell anything.
    const measureEdge = { ...edge, tellers: tellersOf(large), mayWalk, onWalk: (walk: Walk) => countWalk(walk, sampled_at) };
    for (const current of longestWaitingFirst) {
      try {
        const row = await measure(current, sampled_at, measureEdge);
        if (row.ok) process.push({ ...row.value, sequence: sequence++ });
        else countError(counters, row.error);
      } catch (error) {
        noteFault(current.identity.pid, error);
      }
    }
    const host = hostRow(sampled_at);
    const samples = { process, host, collector: [collectorRow(sampled_at, process.length + host.length)], detail: [] };
    for (const [pid, reason] of passedOver) if (reason === "denied" || hasMemory(pid)) passedOver.delete(pid);
    return samples;
  }

  /** Null when it is gone, or too small for a row. */
  function lookAgain(known: Watched, nowMs: number): Watched | null {
    try {
      const current = sameProcess(known);
      if (current === null || current.rssBytesMax < edge.config.rssBytesMin) return null;
      lookAtMaps(current, nowMs, edge);
      return current;
    } catch (error) {
      noteFault(known.identity.pid, error);
      return null;
    }
  }

  /** A pid may have gone from a zombie to a new process between two ticks, and the kernel's helpers begin without memory. */
  function hasMemory(pid: number): boolean {
    const statm = readAndParse(`/proc/${pid}/statm`, (text, path) => parseStatm(text, path, edge.pageBytes));
    return statm.ok && statm.value.rss_bytes > 0;
  }

  /** A pid may have been reused, or its program replaced by exec: then it is met anew. */
  function sameProcess(known: Watched): Watched | null {
    const still = isStill(known.identity, edge.ecs);
    if (still.ok && still.value) return known;
    const met = still.ok ? meet(known.identity.pid) : null;
    if (met === null) watched.delete(known.identity.pid);
    if (!still.ok) countError(counters, still.error);
    return met;
  }

  function hostRow(sampled_at: number): HostSample[] {
    const meminfo = readAndParse("/proc/meminfo", parseMeminfo);
    if (meminfo.ok) return [{ sampled_at, sequence: sequence++, ...meminfo.value }];
    countError(counters, meminfo.error);
    return [];
  }

  function collectorRow(sampled_at: number, rowCount: number): CollectorSample {
    const cpuUs = edge.cpuUs();
    const row: CollectorSample = {
      sampled_at,
      sequence: sequence++,
      process_count: watched.size,
      process_denied_count: [...passedOver.values()].filter((reason) => reason === "denied").length,
      process_gone_count: counters.gone,
      malformed_count: counters.malformed,
      row_count: rowCount,
      row_dropped_count: edge.takeDroppedRowCount(),
      walk_count: counters.walks,
      walk_unknown_count: counters.unknownWalks,
      walk_cpu_us: counters.walkCpuUs,
      collector_cpu_us: cpuUs - lastCpuUs,
      collector_rss_bytes: edge.rssBytes(),
      tick_ms_max: counters.tickMsMax,
      dead_ring_count: edge.takeDeadRingCount(),
    };
    lastCpuUs = cpuUs;
    counters = zeroCounters();
    return row;
  }

  function countWalk(walk: { kind: "figures" | "unknown"; walk_cpu_us: number }, nowMs: number): void {
    const budget = { costShareMax: edge.config.allWalksCostShareMax, burstMs: edge.config.rowMs };
    walksSpentMs = spentUntilMs(budget, walksSpentMs, nowMs, walk.walk_cpu_us);
    if (walk.kind === "figures") counters.walks++;
    else counters.unknownWalks++;
    counters.walkCpuUs += walk.walk_cpu_us;
  }

  /** One process must not end the look at all the others: it is counted, and the first of an interval is told in words. */
  function noteFault(pid: number, error: unknown): void {
    counters.malformed++;
    if (faulted.has(pid) || counters.faultIsTold) return;
    counters.faultIsTold = true;
    faulted.add(pid);
    edge.onFault(pid, error);
  }

  return { tick, closeRows };
}

const listPids = (): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
