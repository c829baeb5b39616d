// The loop body of the collector: a tick looks at every process, a row is closed when its time has come.
// Timers, signals and delivery are main.ts's; single figures are measure.ts's.
import { readdirSync } from "node:fs";
import { basename } from "node:path";
import type { CollectorSample, HostSample, ProcessSample, Samples } from "../../schema/columns.ts";
import type { BlackBox } from "../black-box/black-box.ts";
import type { Walk } from "../heap/walk-line.ts";
import type { EcsNames } from "../identity/ecs.ts";
import { readAndParse } from "../proc/read.ts";
import { parseStat } from "../proc/stat.ts";
import { parseStatm, type Statm } from "../proc/statm.ts";
import { lookAtJvm } from "../runtime/jvm.ts";
import { createPurse, nextDueMs, PROCESSES_NEVER_SAMPLED, rowCountMax } from "./budget.ts";
import { countError, zeroCounters } from "./counters.ts";
import { failuresFileOf, familyOf, tellersOf } from "./families.ts";
import { type BootFacts, identify, isStill } from "./identify.ts";
import { lookAtAll, order } from "./look.ts";
import { measure } from "./measure.ts";
import { createCgroups } from "./measure-cgroup.ts";
import { createHostMeter } from "./measure-host.ts";
import { keepWatching, type MeasureEdge, startWatching, type Watched } from "./watched.ts";

export interface AgentEdge extends Omit<MeasureEdge, "onWalk" | "mayWalk" | "onLook" | "mayLook" | "tellers" | "cgroups"> {
  readonly boot: BootFacts;
  /** Without it nobody is asked whom a container works for. */
  readonly ecs?: EcsNames;
  /** Without it nothing is kept of the looks between two rows but their extremes. */
  readonly blackBox?: BlackBox;
  readonly pageBytes: number;
  /** Time of day, by which rows are dated. It may be set, forwards and back. */
  nowMs(): number;
  /** By a clock that is never set: when something is due. */
  upMs(): number;
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
/** Until rows have been closed and their cost is known. */
const ROW_COST_US_FIRST = 100;

export interface Agent {
  /** Looks at every process. Cheap: one small file each, two of those in the black box. */
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
  const walks = createPurse(() => ({ costShareMax: edge.config.allWalksCostShareMax, burstMs: edge.config.rowMs }));
  const looks = createPurse(() => ({ costShareMax: edge.config.allLooksCostShareMax, burstMs: edge.config.rowMs }));
  let tickDueMs = Number.NEGATIVE_INFINITY;
  let rowCostUs = ROW_COST_US_FIRST;
  let sequence = edge.sequenceStart;
  let lastCpuUs = edge.cpuUs();
  const measureHost = createHostMeter({ pageBytes: edge.pageBytes, onError: (error) => countError(counters, error) });

  function tick(): void {
    const startedMs = edge.upMs();
    if (startedMs < tickDueMs) return;
    const startedUs = edge.cpuUs();
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
    edge.blackBox?.endTick();
    counters.ticks++;
    counters.tickMsMax = Math.max(counters.tickMsMax, Math.round(edge.upMs() - startedMs));
    // Of too many processes all are looked at more seldom: a look at half of them would see half of the deaths.
    if (watched.size <= PROCESSES_NEVER_SAMPLED) return;
    tickDueMs = nextDueMs({ costShareMax: edge.config.ticksCostShareMax }, startedMs, edge.cpuUs() - startedUs);
  }

  function look(pid: number): void {
    const known = watched.get(pid) ?? meet(pid);
    if (known === null) return;
    const statm = readAndParse(`/proc/${pid}/statm`, (text, path) => parseStatm(text, path, edge.pageBytes));
    if (known.jvm !== null) lookAtJvm(known.jvm);
    if (!statm.ok) {
      countError(counters, statm.error);
      return;
    }
    known.rssBytesMax = Math.max(known.rssBytesMax, statm.value.rss_bytes);
    if (edge.blackBox?.wants(pid, statm.value.rss_bytes)) noteLook(known, statm.value, edge.blackBox);
  }

  function noteLook({ identity }: Watched, memory: Statm, blackBox: BlackBox): void {
    const stat = readAndParse(`/proc/${identity.pid}/stat`, parseStat);
    if (!stat.ok) {
      countError(counters, stat.error);
      return;
    }
    const { startTicks, major_fault_count, thread_count } = stat.value;
    // The pid is another's by now, whose looks must not go on with the history of this one: they begin with the next tick.
    if (startTicks === identity.startTicks) blackBox.note(identity, { ...memory, major_fault_count, thread_count });
    else meet(identity.pid);
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
    const met = isSame && before ? keepWatching(before, identity.value) : startWatching(identity.value, edge.upMs());
    watched.set(pid, met);
    return met;
  }

  async function closeRows(): Promise<Samples> {
    const [sampled_at, nowMs] = [edge.nowMs(), edge.upMs()];
    const process: ProcessSample[] = [];
    const walksEndMs = nowMs + edge.config.rowMs * WALKING_SHARE_OF_ROW;
    const large = [...watched.values()].flatMap((known) => lookAgain(known) ?? []);
    const chosen = chooseForRows(large);
    const lookEdge = {
      ...edge,
      config: edge.config,
      mayLook: looks.hasLeft,
      onLook: (costUs: number) => looks.spend(nowMs, costUs),
    };
    lookAtAll(chosen, nowMs, lookEdge, noteFault);
    const measureEdge = {
      ...lookEdge,
      // Of those that get a row: one that gets none cannot tell anything.
      tellers: tellersOf(chosen),
      cgroups: createCgroups(),
      mayWalk: () => walks.hasLeft(nowMs) && edge.upMs() < walksEndMs && !edge.isInHurry?.(),
      onWalk: (walk: Walk) => countWalk(walk, nowMs),
    };
    const startedUs = edge.cpuUs();
    for (const current of chosen) {
      try {
        const row = await measure(current, nowMs, measureEdge);
        if (row.ok) {
          process.push({ ...row.value, sampled_at, sequence: sequence++ });
          noteFailures(current, row.value.alloc_failure_count ?? null);
        } else countError(counters, row.error);
      } catch (error) {
        noteFault(current.identity.pid, error);
      }
    }
    if (process.length > 0) rowCostUs = Math.max(1, (edge.cpuUs() - startedUs) / process.length);
    counters.skipped += large.length - chosen.length;
    const host = hostRow(sampled_at);
    const detail = (edge.blackBox?.takeRows() ?? []).map((row) => ({ ...row, sequence: sequence++ }));
    const collector = [collectorRow(sampled_at, process.length + host.length + detail.length)];
    for (const [pid, reason] of passedOver) if (reason === "denied" || hasMemory(pid)) passedOver.delete(pid);
    return { process, host, collector, detail };
  }

  function noteFailures({ identity, rings }: Watched, count: number | null): void {
    const file = failuresFileOf(rings);
    if (file === undefined || count === null) return;
    edge.blackBox?.noteFailures({ identity, family: familyOf(file), fileName: basename(file.path), count });
  }

  /** Who has waited longest for a row, and among them for a walk: the first of these is walked first. */
  function chooseForRows(large: readonly Watched[]): readonly Watched[] {
    const countMax = rowCountMax({ costShareMax: edge.config.rowsCostShareMax, burstMs: edge.config.rowMs }, rowCostUs);
    return large
      .toSorted((one, other) => order(one.rowedMs, other.rowedMs) || order(one.walkDueMs, other.walkDueMs))
      .slice(0, countMax)
      .sort((one, other) => order(one.walkDueMs, other.walkDueMs));
  }

  /** Null when it is gone, or too small for a row. */
  function lookAgain(known: Watched): Watched | null {
    if (known.rssBytesMax < edge.config.rssBytesMin) return null;
    try {
      const current = sameProcess(known);
      return current === null || current.rssBytesMax < edge.config.rssBytesMin ? null : current;
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
    const figures = measureHost(sampled_at);
    return figures === null ? [] : [{ ...figures, is_last_row: edge.isInHurry?.() ? 1 : null, sequence: sequence++ }];
  }

  function collectorRow(sampled_at: number, rowCount: number): CollectorSample {
    const cpuUs = edge.cpuUs();
    const row: CollectorSample = {
      sampled_at,
      sequence: sequence++,
      process_count: watched.size,
      process_denied_count: [...passedOver.values()].filter((reason) => reason === "denied").length,
      process_skipped_count: counters.skipped,
      process_gone_count: counters.gone,
      malformed_count: counters.malformed,
      row_count: rowCount,
      row_dropped_count: edge.takeDroppedRowCount(),
      walk_count: counters.walks,
      walk_unknown_count: counters.unknownWalks,
      walk_cpu_us: counters.walkCpuUs,
      collector_cpu_us: cpuUs - lastCpuUs,
      collector_rss_bytes: edge.rssBytes(),
      tick_count: counters.ticks,
      tick_ms_max: counters.tickMsMax,
      detail_dropped_count: edge.blackBox?.takeDroppedCount() ?? null,
      dead_ring_count: edge.takeDeadRingCount(),
    };
    lastCpuUs = cpuUs;
    counters = zeroCounters();
    return row;
  }

  function countWalk(walk: { kind: "figures" | "unknown"; walk_cpu_us: number }, nowMs: number): void {
    walks.spend(nowMs, walk.walk_cpu_us);
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
