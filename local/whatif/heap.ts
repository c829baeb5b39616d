// The heap of a process of a run as a row, and relief asked of it. The shim tells jemalloc's, tcmalloc's and mimalloc's figures.
// Measuring is measure-once.ts's; this only knows that a library may be mapped and another one serve malloc.

import { setTimeout as sleep } from "node:timers/promises";
import { glibcVersion } from "../../collector/heap/glibc-version.ts";
import { askForRelief } from "../../collector/heap/relief.ts";
import { readKernelFile } from "../../collector/proc/read.ts";
import type { Measured } from "../../collector/watch/watched.ts";
import { type MappedRingOf, type Measurer, ringOf } from "../measure-once.ts";
import { asText } from "../relief.ts";

export interface HeapReader {
  /** Null when the process is gone, or closed to us. */
  read(pid: number): Promise<Measured | null>;
  /** Null when it was done; otherwise in a sentence why not. */
  relieve(pid: number, bytesAsked: number): Promise<string | null>;
}

/** glibc's heap of a program that another allocator serves is what its libraries' starts left there, and a small part of it all. */
const GLIBC_SHARE_MIN = 0.5;
const RELIEF_MS_MAX = 10_000;
const RING_MS_MAX = 3_000;
const RING_POLL_MS = 100;

export function heapReader(measurer: Measurer): HeapReader {
  return {
    async read(pid) {
      try {
        const measured = await measurer.measure(pid);
        if (!measured.ok) return null;
        const { row } = measured.value;
        // Redis is linked with jemalloc, which stays mapped when a preloaded libc serves malloc in its place.
        return row.live_bytes == null && row.allocator !== "glibc" ? ((await asGlibc(measurer, row)) ?? row) : row;
      } catch {
        // It may end between any two looks; what was seen before stays.
        return null;
      }
    },
    async relieve(pid, bytesAsked) {
      const ring = await ringSoon(pid);
      if (ring === null) return "relief could not be asked for: the shim is not in the program";
      const answer = await askForRelief(ring.owner, ring.file, { bytesAsked, timeoutMs: RELIEF_MS_MAX, nowMs: Date.now });
      if (answer.ok && answer.value.outcome === "done") return null;
      return `relief was not done: ${asText(null, answer, { rss_bytes_before: null, rss_bytes_after: null }).replace(/^Not done: /, "")}`;
    },
  };
}

/** The shim makes its file about a second after the start of the program. */
async function ringSoon(pid: number): Promise<MappedRingOf | null> {
  for (const untilMs = performance.now() + RING_MS_MAX; performance.now() < untilMs; await sleep(RING_POLL_MS)) {
    const ring = ringOf(pid);
    if (ring?.ring.ok) return ring;
  }
  return ringOf(pid);
}

async function asGlibc(measurer: Measurer, row: Measured): Promise<Measured | null> {
  const walk = await measurer.walk(row.pid);
  if (walk.kind !== "figures" || walk.allocator !== "glibc") return null;
  const { heap_bytes, mmapped_bytes } = walk.figures;
  if ((heap_bytes ?? 0) + (mmapped_bytes ?? 0) < GLIBC_SHARE_MIN * (row.anon_bytes ?? Number.POSITIVE_INFINITY)) return null;
  const { heap_unknown_reason: _reason, ...known } = row;
  return {
    ...known,
    ...walk.figures,
    allocator: "glibc",
    allocator_version: versionOf(row.pid),
    heap_source: "walk",
    walk_cpu_us: walk.walk_cpu_us,
  };
}

function versionOf(pid: number): string | null {
  const maps = readKernelFile(`/proc/${pid}/maps`);
  const path = maps.ok ? /(\/\S*\/libc\.so\.6)$/m.exec(maps.value)?.[1] : undefined;
  return path === undefined ? null : glibcVersion(pid, path);
}
