// What each cause is called, what it means and where its cure is, in words for the reader of a report.
// It leaves deciding on a cause to detection, and exact values of settings to the recommendation.

/** How pressing a finding is. The page shows it as a word and a shape, with colour only as the third sign. */
export type Severity = "act" | "growing" | "held" | "notice";

export interface CauseText {
  readonly name: string;
  readonly severity: Severity;
  /** What happens, in one sentence. */
  readonly means: string;
  /** Where to look for the cure, in a sentence or two. */
  readonly cure: string;
  /** What the service does, as the verdict says it: "billing leaks". */
  readonly verb: string;
  /** Heading of docs/runbook.md, where what to do takes more than a sentence. */
  readonly runbook?: string;
}

/** Text of a cause. A cause that this page does not know yet is shown by its own name, not hidden. */
export function causeText(cause: string): CauseText {
  return Object.hasOwn(causes, cause) ? causes[cause as keyof typeof causes] : unknownCause(cause);
}

/** Names of all causes that findings may have. */
export const causeNames = (): readonly string[] => Object.keys(causes);

/** Most pressing first. */
export const severityRank: Readonly<Record<Severity, number>> = { act: 0, growing: 1, held: 2, notice: 3 };

/** The word beside the shape. */
export const severityWord: Readonly<Record<Severity, string>> = {
  act: "Act now",
  growing: "Keeps growing",
  held: "Memory held",
  notice: "Good to know",
};

/** The shapes differ in outline, so that they are told apart without colour and in print. */
export const severityShape: Readonly<Record<Severity, string>> = {
  act: "\u25a0",
  growing: "\u25b2",
  held: "\u25c6",
  notice: "\u25cb",
};

const causes = {
  leak: {
    name: "Leak",
    severity: "growing",
    verb: "leaks",
    runbook: "Memory leaks",
    means: "Live memory keeps growing: the program asks for memory and does not give it back.",
    cure: "In the program; no setting helps. Compare two heap profiles taken some hours apart, and look at what only grows.",
  },
  fragmentation: {
    name: "Fragmentation",
    severity: "held",
    verb: "is fragmented",
    runbook: "A heap is fragmented",
    means:
      "The peak's memory was freed, but a few survivors sit scattered over its pages, and a page goes back only when it is empty.",
    cure: "Give the sizes that pin the pages a pool of their own, or allocate the long-lived ones before the peak. Otherwise try another allocator, or fewer arenas.",
  },
  retention: {
    name: "Retention",
    severity: "held",
    verb: "keeps freed memory",
    runbook: "Freed memory is kept",
    means: "The memory was freed and whole pages are empty, but the allocator keeps them for later.",
    cure: "In the allocator's settings. glibc: trim_threshold and mmap_threshold, or malloc_trim(0) after the peak. jemalloc: dirty_decay_ms and background_thread. tcmalloc: release rate. mimalloc: purge_delay.",
  },
  arena_bloat: {
    name: "Arena bloat",
    severity: "held",
    verb: "has too many arenas",
    runbook: "Arenas pile up",
    means: "Threads spread over many arenas, and each arena keeps the memory of its own high-water mark.",
    cure: "Allow fewer arenas. glibc: arena_max (MALLOC_ARENA_MAX). jemalloc: narenas or percpu_arena. Otherwise try another allocator.",
  },
  cache_growth: {
    name: "Cache growth",
    severity: "notice",
    verb: "fills a cache",
    means: "Live memory grew and then levelled off, as a cache does while it fills.",
    cure: "Nothing, if the level is intended; otherwise bound the cache in the program's own settings.",
  },
  runtime_heap: {
    name: "Runtime heap",
    severity: "held",
    verb: "holds memory in its runtime",
    runbook: "A runtime holds memory",
    means: "The language runtime's own heap holds the memory, not malloc.",
    cure: "In the garbage collector's settings: the heap limit, and how readily it returns memory (JVM -Xmx and uncommit, Node --max-old-space-size, Go GOMEMLIMIT).",
  },
  mapping_growth: {
    name: "Mapping growth",
    severity: "growing",
    verb: "runs out of mappings",
    means: "The number of memory mappings climbs towards vm.max_map_count; at that limit mmap and malloc fail.",
    runbook: "Mappings run out",
    cure: "Raise the mmap threshold so that fewer chunks get a mapping of their own, reuse mappings in the program, or raise vm.max_map_count.",
  },
  file_growth: {
    name: "File growth",
    severity: "notice",
    verb: "maps more files",
    means: "File mappings or shared memory grew; it looks like heap growth from outside, but it is not.",
    cure: "Usually nothing, because the kernel takes clean file pages back under pressure; a limit on the cgroup or on the shared memory if it matters.",
  },
  alloc_failure: {
    name: "Allocation failure",
    severity: "act",
    verb: "fails to allocate",
    means: "Allocations failed, or the kernel killed for lack of memory, although free memory was there.",
    runbook: "Allocations fail",
    cure: "Look at the memory limit of the cgroup, at the number of mappings, and at the cause that holds the free memory.",
  },
  cgroup_limit: {
    name: "Memory limit near",
    severity: "held",
    verb: "is close to its memory limit",
    means:
      "The container is close to its memory limit or runs into it again and again, while memory is there that could be given back.",
    runbook: "A memory limit is near",
    cure: "Have the allocator give back what it keeps (trim, decay), before the limit is raised. A service that reads its pages back from disk at its limit needs a higher one now.",
  },
  low_memory: {
    name: "Low memory",
    severity: "act",
    verb: "runs out of memory",
    means: "The host has little memory left that the kernel could give out, or has begun to kill processes for want of it.",
    runbook: "A host runs out of memory",
    cure: "Find who grew on this host (tidemark sql process_timeline), move or limit it; the findings of its services say why.",
  },
  swap_growth: {
    name: "Swap growth",
    severity: "growing",
    verb: "swaps",
    means:
      "The host writes memory to swap and much of the swap is in use: what was swapped out comes back at the speed of a disk.",
    runbook: "A host swaps",
    cure: "Find who grew on this host. Memory that allocators keep is the first to be given back; swappiness only moves the trouble.",
  },
  memory_pressure: {
    name: "Memory pressure",
    severity: "act",
    verb: "waits for memory",
    means: "For a share of the time no task of the host could work, because all of them waited for memory.",
    runbook: "A host waits for memory",
    cure: "Look for a cgroup at its limit or a host without page cache; less on the host, or more memory.",
  },
  kernel_fragmentation: {
    name: "Kernel fragmentation",
    severity: "held",
    verb: "has its free pages in pieces",
    means: "Free memory of the kernel lies in pieces too small for it, and compaction fails to join them.",
    runbook: "Kernel memory is fragmented",
    cure: "Raise vm.min_free_kbytes, and vm.compaction_proactiveness where the kernel has it; a host that does not recover has to be replaced.",
  },
  host_silent: {
    name: "Host silent",
    severity: "act",
    verb: "has gone silent",
    means: "A host that sent rows has stopped while others go on, and nothing says that it was stopped on purpose.",
    runbook: "A host went silent",
    cure: "Look at the host's state and console. Its last rows show what it was short of.",
  },
  collector_loss: {
    name: "Collector losses",
    severity: "act",
    verb: "loses rows",
    means: "Collectors drop rows, cannot deliver them, or may not read processes: what they miss is in no finding.",
    runbook: "A collector loses rows",
    cure: "Look at the collector's log on the host named in the evidence.",
  },
  config_invalid: {
    name: "Alert settings invalid",
    severity: "act",
    verb: "has invalid alert settings",
    means: "config/alerts.json cannot be used: defaults are in effect, and nothing that it mutes is muted.",
    runbook: "The alert settings are invalid",
    cure: "Mend what the evidence names; the next run reads the file again.",
  },
  mute_expired: {
    name: "Mute expired",
    severity: "notice",
    verb: "has an expired mute",
    means: "A mute in config/alerts.json is past its date: what it silenced is told again.",
    runbook: "A mute expired",
    cure: "Take it out of the file, or give it a new date with a reason.",
  },
} as const satisfies Record<string, CauseText>;

function unknownCause(cause: string): CauseText {
  return {
    name: cause,
    severity: "held",
    verb: "has a finding",
    means: "This report has no words for this cause yet; the evidence below has the figures.",
    cure: "See the table of causes in docs/architecture.md.",
  };
}
