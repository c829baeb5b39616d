// How the processes of this host will be measured, by allocator: from outside, by the shim, or not at all and why. Pure.
// What each reason means in full is functions/core/heap-unknown.ts's.
import { needsShim } from "../../collector/heap/allocator.ts";
import { heapUnknownText } from "../../functions/core/heap-unknown.ts";
import { formatBytes, formatCount, formatCountOf, formatDuration, formatShare } from "../../functions/core/units.ts";
import { plain } from "../inspect-text.ts";
import { type Check, fail, good, warn } from "./check.ts";
import type { AllocatorGroup, KernelFacts, ProcessFacts, Tried } from "./facts.ts";

/** From here on it is time to look: at the limit mmap and malloc fail. */
const MAPPINGS_SHARE_MAX = 0.8;
/** What a walk may come back with although the way is open: the heap was busy, large, or partly swapped out. */
const OPEN: ReadonlySet<string | null> = new Set([null, "budget", "changed", "swapped", "gone", "too_many_maps"]);

export function judgeProcesses(processes: ProcessFacts, kernel: KernelFacts, shimPath: string): readonly Check[] {
  return [
    counts(processes),
    ...processes.groups.map((group) => judgeGroup(group, shimPath)),
    ...othersMemory(processes),
    ...mappings(processes, kernel),
  ];
}

function counts({ count, deniedCount, smallCount, rssBytesMin }: ProcessFacts): Check {
  const rows = count - deniedCount - smallCount;
  const small = `${formatCount(smallCount)} are below ${formatBytes(rssBytesMin)} (TIDEMARK_RSS_BYTES_MIN)`;
  return good("rows", `${formatCount(rows)} of ${formatCountOf(count, "process", "processes")} get one; ${small}`);
}

function judgeGroup(group: AllocatorGroup, shimPath: string): Check {
  const { allocator, count, version } = group;
  const named = version === null ? allocator : `${allocator} ${version}`;
  const who = `${formatCountOf(count, "process", "processes")}`;
  if (needsShim(allocator)) return judgeShim(group, who, shimPath);
  if (allocator === "unknown") {
    return good("heaps", `${who} without a known allocator (static, Go, musl): RSS, PSS and mappings, nothing about the heap`);
  }
  const failed = group.tried.filter(({ reason }) => !OPEN.has(reason));
  if (failed.length > 0 && failed.length === group.tried.length) {
    const [first] = failed;
    return warn(
      "heaps",
      `${who} on ${named}: a walk of ${nameOf(first)} gave no figures (${first?.reason})`,
      heapUnknownText(first?.reason ?? null, allocator),
      first?.reason === "layout"
        ? "nothing to do here: tell us the distribution and the version, it is a layout that the walker does not know"
        : "see the lines about rights, security and walker",
    );
  }
  const walked = group.tried.find(({ reason }) => reason === null);
  const proof = walked === undefined ? "" : `, tried on ${nameOf(walked)} in ${formatDuration(walked.cpuUs / 1_000)} of CPU`;
  return good("heaps", `${who} on ${named}: walked from outside${proof}`);
}

function judgeShim({ allocator, count, ringCount, examples }: AllocatorGroup, who: string, shimPath: string): Check {
  if (ringCount === count) return good("heaps", `${who} on ${allocator}: by the shim's figures`);
  const without = count - ringCount;
  const names = examples.length === 0 ? "" : ` (${examples.join(", ")}${without > examples.length ? ", ..." : ""})`;
  return warn(
    "heaps",
    `${formatCount(without)} of ${who} on ${allocator} without the shim${names}: only RSS, PSS and mappings`,
    `${allocator} tells its figures only from inside; fragmentation and retention of these cannot be told apart`,
    `start them with LD_PRELOAD=${shimPath}, after the allocator's own library if that is preloaded too`,
  );
}

/** The one thing that no capability set on paper proves. */
function othersMemory({ groups, deniedCount }: ProcessFacts): readonly Check[] {
  const tried = groups.flatMap((group) => group.tried).filter(({ isOurs }) => !isOurs);
  const denied = tried.filter(({ reason }) => reason === "denied");
  if (tried.length === 0) {
    // Where processes are closed, the line about rights has said so.
    return deniedCount > 0
      ? []
      : [good("memory", "reading another user's could not be tried: none has a heap of glibc's here")];
  }
  if (denied.length === 0) {
    return [
      good("memory", `of other users' processes can be read, tried on ${tried.map(nameOf).join(", ")}; nothing was written`),
    ];
  }
  return [
    fail(
      "memory",
      `process_vm_readv of ${nameOf(denied[0])} was refused, which is another user's`,
      "heaps of other users' processes are not walked",
      "CAP_SYS_PTRACE must be effective, and a seccomp filter or security module must allow process_vm_readv",
    ),
  ];
}

function mappings({ mostMappings }: ProcessFacts, { mapCountLimit }: KernelFacts): readonly Check[] {
  if (mostMappings === null || mapCountLimit === null || mapCountLimit === 0) return [];
  const share = mostMappings.count / mapCountLimit;
  const who = `${plain(mostMappings.comm)} (pid ${mostMappings.pid})`;
  const found = `${who} has the most, ${formatCount(mostMappings.count)} of ${formatCount(mapCountLimit)} (vm.max_map_count)`;
  if (share < MAPPINGS_SHARE_MAX) return [good("mappings", found)];
  return [
    warn(
      "mappings",
      `${found}: ${formatShare(share)}`,
      "at the limit mmap, malloc of large blocks and new threads fail, with memory free",
      `sysctl vm.max_map_count=${mapCountLimit * 2} gives time; tidemark inspect ${mostMappings.pid} says where they come from`,
    ),
  ];
}

const nameOf = (tried: Tried | undefined): string => (tried === undefined ? "?" : `${plain(tried.comm)} (pid ${tried.pid})`);
