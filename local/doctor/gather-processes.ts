// Facts about the processes of this host: who can be seen, by which allocator, and a few walks to see that it works.
// Nothing is written to any of them. What the facts mean is judge-processes.ts's.
import { readdirSync } from "node:fs";
import { type Allocator, allocatorOf, needsShim } from "../../collector/heap/allocator.ts";
import { glibcVersion } from "../../collector/heap/glibc-version.ts";
import type { Walker } from "../../collector/heap/walker.ts";
import { parseMaps } from "../../collector/proc/maps.ts";
import { readAndParse } from "../../collector/proc/read.ts";
import { parseStat } from "../../collector/proc/stat.ts";
import { parseStatus } from "../../collector/proc/status.ts";
import type { AllocatorGroup, ProcessFacts, Tried } from "./facts.ts";

/** Walks for each version of glibc: one alone may be busy. */
const TRIES_MAX = 2;
/** A small heap takes a millisecond; to know that it can be read, no more than this is needed. */
const TRY_CPU_US_MAX = 50_000;
const EXAMPLES_MAX = 3;

interface Seen {
  readonly pid: number;
  readonly comm: string;
  readonly uid: number | null;
  readonly rssBytes: number;
  readonly allocator: Allocator;
  readonly version: string | null;
  readonly hasRing: boolean;
  readonly mappingCount: number;
}

export async function gatherProcesses(walker: Walker, rssBytesMin: number): Promise<ProcessFacts> {
  const [seen, denied]: [Seen[], string[]] = [[], []];
  for (const pid of readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)) {
    const process = look(pid);
    if (typeof process === "string") denied.push(process);
    else if (process !== null) seen.push(process);
  }
  const large = seen.filter(({ rssBytes }) => rssBytes >= rssBytesMin);
  const groups: AllocatorGroup[] = [];
  for (const members of Map.groupBy(large, groupKey).values()) {
    const [first] = members;
    if (first === undefined) continue;
    const { allocator, version } = first;
    const without = members.filter(({ hasRing }) => !hasRing);
    groups.push({
      allocator,
      version,
      count: members.length,
      ringCount: members.length - without.length,
      examples: needsShim(allocator) ? someNames(without.map(({ comm }) => comm)) : [],
      // Also on those that get no row: that one can be read says the same of all.
      tried:
        allocator === "glibc"
          ? await tryWalks(
              seen.filter((one) => groupKey(one) === groupKey(first)),
              walker,
            )
          : [],
    });
  }
  const most = large.toSorted((one, other) => other.mappingCount - one.mappingCount)[0];
  return {
    count: seen.length + denied.length,
    deniedCount: denied.length,
    deniedExamples: someNames(denied),
    smallCount: seen.length - large.length,
    rssBytesMin,
    groups: groups.sort((one, other) => other.count - one.count),
    mostMappings: most === undefined ? null : { pid: most.pid, comm: most.comm, count: most.mappingCount },
  };
}

const groupKey = ({ allocator, version }: Seen): string => `${allocator} ${version}`;
const someNames = (names: readonly string[]): readonly string[] => [...new Set(names)].slice(0, EXAMPLES_MAX);

/** Null when it is gone, or a kernel thread; its name alone when it is closed to us. */
function look(pid: number): Seen | string | null {
  const status = readAndParse(`/proc/${pid}/status`, parseStatus);
  const stat = readAndParse(`/proc/${pid}/stat`, parseStat);
  if (!status.ok || !stat.ok || status.value.rss_bytes === null) return null;
  const { comm } = stat.value;
  const maps = readAndParse(`/proc/${pid}/maps`, parseMaps);
  if (!maps.ok) return maps.error.kind === "denied" ? comm : null;
  const { allocator, libraryPath } = allocatorOf(maps.value.executablePaths);
  return {
    pid,
    comm,
    uid: status.value.uids[1] ?? null,
    rssBytes: status.value.rss_bytes,
    allocator,
    version: allocator === "glibc" && libraryPath !== null ? glibcVersion(pid, libraryPath) : null,
    hasRing: maps.value.rings.some(({ kind }) => kind === "ring"),
    mappingCount: maps.value.vma_count,
  };
}

/** Of others' processes first, because that is what needs rights; the smallest, because that is all the same and cheap. */
async function tryWalks(members: readonly Seen[], walker: Walker): Promise<readonly Tried[]> {
  const us = process.geteuid?.() ?? null;
  const inOrder = members.toSorted(
    (one, other) => Number(one.uid === us) - Number(other.uid === us) || one.rssBytes - other.rssBytes,
  );
  const tried: Tried[] = [];
  for (const { pid, comm, uid } of inOrder.slice(0, TRIES_MAX)) {
    const walk = await walker.walk(pid, TRY_CPU_US_MAX);
    const reason = walk.kind === "figures" ? null : walk.reason;
    tried.push({ pid, comm, isOurs: uid === us, reason, cpuUs: walk.walk_cpu_us });
  }
  return tried;
}
