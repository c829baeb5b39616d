// One process measured now, as the collector would: its row, the ring file that it has mapped, and why there may be neither.
// What the figures say is for inspect and relief.
import { readdirSync } from "node:fs";
import { uptime } from "node:os";
import { type CollectorConfig, readConfig } from "../collector/config.ts";
import type { Ring } from "../collector/heap/ring.ts";
import { type RingFault, type RingOwner, readRing } from "../collector/heap/ring-file.ts";
import type { Walk } from "../collector/heap/walk-line.ts";
import { startWalker, type Walker } from "../collector/heap/walker.ts";
import { readHostIdentity } from "../collector/identity/host.ts";
import { readAuxv } from "../collector/proc/auxv.ts";
import { parseByteCount } from "../collector/proc/cgroup-memory.ts";
import { type MappedRing, parseMaps, ringsOf } from "../collector/proc/maps.ts";
import { type ProcError, readAndParse, readKernelFile } from "../collector/proc/read.ts";
import { parseStat } from "../collector/proc/stat.ts";
import { parseStatus } from "../collector/proc/status.ts";
import { failuresFileOf, familyOf, type Member, tellersOf } from "../collector/watch/families.ts";
import { identify } from "../collector/watch/identify.ts";
import { lookAtAll } from "../collector/watch/look.ts";
import { measure } from "../collector/watch/measure.ts";
import { createCgroups } from "../collector/watch/measure-cgroup.ts";
import { type Measured, startWatching, type Watched } from "../collector/watch/watched.ts";
import { assertNever, err, ok, type Result } from "../schema/result.ts";

export interface MappedRingOf {
  readonly owner: RingOwner;
  readonly file: MappedRing;
  readonly ring: Result<Ring, RingFault>;
}

export interface MeasuredOnce {
  readonly row: Measured;
  /** Null when the shim is not in the process, or has left no ring. */
  readonly ring: MappedRingOf | null;
  readonly walkerPath: string;
}

export type MeasureProblem = ProcError | { readonly kind: "memoryless" };

/** Measures one process after another with the same walker, which is a process of its own. */
export interface Measurer {
  measure(pid: number): Promise<Result<MeasuredOnce, MeasureProblem>>;
  /** The heap as glibc's, whatever libraries are mapped. */
  walk(pid: number): Promise<Walk>;
  close(): void;
}

export async function measureOnce(pid: number): Promise<Result<MeasuredOnce, MeasureProblem>> {
  const measurer = startMeasurer();
  try {
    return await measurer.measure(pid);
  } finally {
    measurer.close();
  }
}

export function startMeasurer(): Measurer {
  const config = readConfig({ ...process.env, TIDEMARK_DELIVERY_FOLDER: ".", TIDEMARK_FIREHOSE_STREAM: undefined });
  if (!config.ok) throw new Error(config.error.join("; "));
  const { walkerPath, walkCpuUsMax } = config.value;
  const walker = startWalker(walkerPath);
  return {
    async measure(pid) {
      const row = await measureWith(walker, config.value, pid);
      return row.ok ? ok({ row: row.value, ring: ringOf(pid), walkerPath }) : row;
    },
    walk: (pid) => walker.walk(pid, walkCpuUsMax),
    close: () => walker.close(),
  };
}

async function measureWith(walker: Walker, config: CollectorConfig, pid: number): Promise<Result<Measured, MeasureProblem>> {
  const host = readHostIdentity();
  const { ticksPerSecond } = readAuxv();
  const identity = identify(pid, { boot_id: host.boot_id, bootedAtMs: Date.now() - uptime() * 1_000, ticksPerSecond });
  if (!identity.ok) return identity;
  if (identity.value === null) return err({ kind: "memoryless" });
  const limit = readAndParse("/proc/sys/vm/max_map_count", parseByteCount);
  const watched = startWatching(identity.value);
  const cpuUs = () => process.cpuUsage().user + process.cpuUsage().system;
  const looks = { config, cpuUs, mayLook: () => true, onLook: () => undefined };
  lookAtAll([watched], Date.now(), looks, (_pid, error) => {
    throw error;
  });
  const row = await measure(watched, Date.now(), {
    ...looks,
    walker,
    tellers: tellersOf(familyAround(watched)),
    cgroups: createCgroups(),
    vmaCountLimit: limit.ok ? limit.value : null,
    mayWalk: () => true,
    onWalk: () => undefined,
  });
  return row.ok ? ok({ ...row.value, sampled_at: Date.now() }) : row;
}

/** All who map the same file of failures; the process alone where it maps none, so that nobody else is looked at in vain. */
function familyAround(watched: Watched): readonly Member[] {
  const file = failuresFileOf(watched.rings);
  if (file === undefined) return [];
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    const maps = readKernelFile(`/proc/${pid}/maps`);
    const rings = maps.ok ? ringsOf(maps.value).filter((ring) => familyOf(ring) === familyOf(file)) : [];
    const stat = rings.length === 0 ? null : readAndParse(`/proc/${pid}/stat`, parseStat);
    return stat?.ok ? [{ identity: { pid: Number(pid), startTicks: stat.value.startTicks }, rings }] : [];
  });
}

export function ringOf(pid: number): MappedRingOf | null {
  const maps = readAndParse(`/proc/${pid}/maps`, parseMaps);
  const status = readAndParse(`/proc/${pid}/status`, parseStatus);
  const file = maps.ok ? maps.value.rings.find(({ kind }) => kind === "ring") : undefined;
  if (file === undefined || !status.ok) return null;
  const { ownPid, uids } = status.value;
  const owner = { pid, ownPid, uids };
  return { owner, file, ring: readRing(owner, file) };
}

export function problemText(error: MeasureProblem): string {
  switch (error.kind) {
    case "gone":
      return "does not exist (any more)";
    case "denied":
      return `is closed to you (${error.path}): ask as root, or with CAP_SYS_PTRACE`;
    case "memoryless":
      return "is a kernel thread or a zombie: it has no memory of its own";
    case "malformed":
      return `has an unreadable ${error.path}: ${error.line}`;
    case "unreadable":
      return `has an unreadable ${error.path}: ${error.code}`;
    default:
      return assertNever(error);
  }
}
