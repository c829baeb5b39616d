// One row of the host: its memory, the pressure on it, how free memory is split, and the settings that bear on it.
// Parsers are in proc/, one a kernel file; when a row is due is agent.ts's.
import type { HostSample } from "../../schema/columns.ts";
import { freeBlocksOf, parseBuddyinfo } from "../proc/buddyinfo.ts";
import { fragmentationIndexes } from "../proc/fragmentation-index.ts";
import { parseMeminfo } from "../proc/meminfo.ts";
import { parsePressure } from "../proc/pressure.ts";
import { type ProcError, readAndParse } from "../proc/read.ts";
import { parseVmstat } from "../proc/vmstat.ts";
import { parseLargestZone } from "../proc/zoneinfo.ts";
import { diskColumns } from "./disks.ts";
import { hostSettings, type Read } from "./host-settings.ts";

export type HostFigures = Omit<HostSample, "sequence">;

export interface HostEdge {
  readonly pageBytes: number;
  /** A file that is there and cannot be used. One that this kernel does not have is no error: its columns are null. */
  onError(error: ProcError): void;
  /** Before every path: "" but for tests. */
  readonly root?: string;
}

/** Disks and zones change when somebody attaches them, and /sys/block may list hundreds of devices. */
const SELDOM_MS = 3_600_000;

/** The row of the moment it is given; null where not even /proc/meminfo can be read. */
export function createHostMeter({ pageBytes, onError, root = "" }: HostEdge): (nowMs: number) => HostFigures | null {
  let seldom: { readonly disks: Partial<HostSample>; readonly largestZone: string | null } | null = null;
  let seldomReadMs = Number.NEGATIVE_INFINITY;

  const read: Read = (path, parse) => {
    const value = readAndParse(`${root}${path}`, parse);
    if (value.ok) return value.value;
    if (!isAbsent(value.error)) onError(value.error);
    return null;
  };

  return (nowMs) => {
    const memory = read("/proc/meminfo", parseMeminfo);
    if (memory === null) return null;
    // Either way: the clock may be set back.
    if (seldom === null || Math.abs(nowMs - seldomReadMs) >= SELDOM_MS) {
      seldom = { disks: diskColumns({ read, root }), largestZone: read("/proc/zoneinfo", parseLargestZone) };
      seldomReadMs = nowMs;
    }
    return {
      sampled_at: nowMs,
      ...memory,
      ...pressureColumns(read),
      ...read("/proc/vmstat", (text, path) => parseVmstat(text, path, pageBytes)),
      ...fragmentationColumns(read, seldom.largestZone),
      ...hostSettings(read),
      ...seldom.disks,
    };
  };
}

/** ENOTSUP is how the files of /proc/pressure answer where the kernel was started without PSI. */
const isAbsent = (error: ProcError): boolean =>
  error.kind === "gone" || (error.kind === "unreadable" && error.code === "ENOTSUP");

function pressureColumns(read: Read): Partial<HostSample> {
  const memory = read("/proc/pressure/memory", parsePressure);
  const io = read("/proc/pressure/io", parsePressure);
  return {
    memory_some_us: memory?.someUs ?? null,
    memory_full_us: memory?.fullUs ?? null,
    io_some_us: io?.someUs ?? null,
    io_full_us: io?.fullUs ?? null,
  };
}

function fragmentationColumns(read: Read, largestZone: string | null): Partial<HostSample> {
  const zones = read("/proc/buddyinfo", parseBuddyinfo);
  const largest = zones?.find(({ name }) => name === largestZone);
  return {
    free_blocks_by_order: zones === null ? null : freeBlocksOf(zones),
    fragmentation_index_by_order: largest === undefined ? null : fragmentationIndexes(largest.freeBlocks),
  };
}
