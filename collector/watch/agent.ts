// The loop body of the collector: a tick looks at every process, a row is closed when its time has come.
// Timers, signals and delivery are main.ts's; single figures are measure.ts's.
import { readdirSync } from "node:fs";
import type { CollectorSample, HostSample, ProcessSample, Samples } from "../../schema/columns.ts";
import { parseMeminfo } from "../proc/meminfo.ts";
import { readAndParse } from "../proc/read.ts";
import { parseStatm } from "../proc/statm.ts";
import { countError, zeroCounters } from "./counters.ts";
import { type BootFacts, identify, isStill } from "./identify.ts";
import { type MeasureEdge, measure, startWatching, type Watched } from "./measure.ts";

export interface AgentEdge extends Omit<MeasureEdge, "onWalk"> {
  readonly boot: BootFacts;
  readonly pageBytes: number;
  nowMs(): number;
  /** First sequence number; must exceed all that this host has used since it booted. */
  readonly sequenceStart: number;
  rssBytes(): number;
  /** Rows given up since the last call. */
  takeDroppedRowCount(): number;
}

export interface Agent {
  /** Looks at every process. Cheap: one small file each. */
  tick(): void;
  /** Closes the rows of all processes, the host and the collector itself. */
  closeRows(): Promise<Samples>;
}

export function createAgent(edge: AgentEdge): Agent {
  const watched = new Map<number, Watched>();
  /** Processes without memory (kernel threads) or closed to us, by pid and the reason; looked at again when rows close. */
  const passedOver = new Map<number, "memoryless" | "denied">();
  let counters = zeroCounters();
  let sequence = edge.sequenceStart;
  let lastCpuUs = edge.cpuUs();

  function tick(): void {
    const startedMs = edge.nowMs();
    const pids = new Set(listPids());
    for (const pid of [...watched.keys()]) if (!pids.has(pid)) watched.delete(pid);
    for (const pid of [...passedOver.keys()]) if (!pids.has(pid)) passedOver.delete(pid);
    for (const pid of pids) if (!passedOver.has(pid)) look(pid);
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
    const identity = identify(pid, edge.boot);
    if (!identity.ok) {
      countError(counters, identity.error);
      if (identity.error.kind === "denied") passedOver.set(pid, "denied");
      return null;
    }
    if (identity.value === null) {
      passedOver.set(pid, "memoryless");
      return null;
    }
    const met = startWatching(identity.value);
    watched.set(pid, met);
    return met;
  }

  async function closeRows(): Promise<Samples> {
    const sampled_at = edge.nowMs();
    const process: ProcessSample[] = [];
    for (const known of [...watched.values()]) {
      const current = sameProcess(known);
      if (current === null || current.rssBytesMax < edge.config.rssBytesMin) continue;
      const row = await measure(current, sampled_at, { ...edge, onWalk: countWalk });
      if (row.ok) process.push({ ...row.value, sequence: sequence++ });
      else countError(counters, row.error);
    }
    const host = hostRow(sampled_at);
    const samples = { process, host, collector: [collectorRow(sampled_at, process.length + host.length)] };
    for (const [pid, reason] of passedOver) if (reason === "denied") passedOver.delete(pid);
    return samples;
  }

  /** A pid may have been reused, or its program replaced by exec: then it is met anew. */
  function sameProcess(known: Watched): Watched | null {
    const still = isStill(known.identity);
    if (still.ok && still.value) return known;
    watched.delete(known.identity.pid);
    if (still.ok) return meet(known.identity.pid);
    countError(counters, still.error);
    return null;
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
    };
    lastCpuUs = cpuUs;
    counters = zeroCounters();
    return row;
  }

  function countWalk(walk: { kind: "figures" | "unknown"; walk_cpu_us: number }): void {
    if (walk.kind === "figures") counters.walks++;
    else counters.unknownWalks++;
    counters.walkCpuUs += walk.walk_cpu_us;
  }

  return { tick, closeRows };
}

const listPids = (): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
