// The columns of a process row: who it is, what memory the kernel says it has, and the limits it lives under.
// Those of its heap are in heap-columns.ts, its names and what every sample has in identity-columns.ts.
import type { Columns } from "./column.ts";
import { heapColumns } from "./heap-columns.ts";
import { nameColumns, sampleIdentity } from "./identity-columns.ts";
import { runtimeColumns } from "./runtime-columns.ts";

export const processColumns = {
  ...sampleIdentity,
  pid: {
    type: "int64",
    unit: null,
    required: true,
    meaning: "Process id in the host's pid namespace.",
  },
  process_key: {
    type: "string",
    unit: null,
    required: true,
    meaning: "Boot, pid and start time in one word: pids are reused, this is not.",
  },
  process_started_at: {
    type: "timestamp",
    unit: null,
    meaning: "Start of the process, from its start tick and the boot time (man 5 proc_pid_stat, field 22).",
  },
  ...nameColumns,

  rss_bytes: { type: "int64", unit: "bytes", meaning: "Resident set size when the row was closed: VmRSS of /proc/pid/status." },
  rss_bytes_max: { type: "int64", unit: "bytes", meaning: "Largest resident set size of the row's ticks." },
  pss_bytes: {
    type: "int64",
    unit: "bytes",
    meaning: "Proportional set size. NULL when measuring it would have cost more than its budget (smaps_rollup).",
  },
  anon_bytes: { type: "int64", unit: "bytes", meaning: "Resident anonymous memory: RssAnon of /proc/pid/status." },
  file_bytes: { type: "int64", unit: "bytes", meaning: "Resident file mappings: RssFile of /proc/pid/status." },
  shmem_bytes: { type: "int64", unit: "bytes", meaning: "Resident shared memory: RssShmem of /proc/pid/status." },
  swap_bytes: { type: "int64", unit: "bytes", meaning: "Anonymous memory in swap: VmSwap of /proc/pid/status." },
  thp_bytes: { type: "int64", unit: "bytes", meaning: "Memory in transparent huge pages: AnonHugePages of smaps_rollup." },
  thread_count: { type: "int64", unit: "count", meaning: "Threads: Threads of /proc/pid/status." },
  vma_count: { type: "int64", unit: "count", meaning: "Memory mappings: lines of /proc/pid/maps." },
  vma_count_limit: { type: "int64", unit: "count", meaning: "vm.max_map_count: at this many mappings mmap and malloc fail." },
  small_mapping_count: {
    type: "int64",
    unit: "count",
    meaning:
      "Private anonymous mappings of less than 1 MiB that may be read or written: how the mappings of a scattered heap look.",
  },
  small_mapping_bytes: { type: "int64", unit: "bytes", meaning: "Their address space." },
  major_fault_count: {
    type: "int64",
    unit: "count",
    meaning:
      "Page faults that waited for io since the process started (field 12 of /proc/pid/stat): at its memory limit a process may fault without end and not be killed.",
  },

  ...heapColumns,
  ...runtimeColumns,

  cgroup_limit_bytes: {
    type: "int64",
    unit: "bytes",
    meaning:
      "Lowest limit of the process's cgroup and all above it, as that of a pod is: memory.max; v1: hierarchical_memory_limit. NULL when unlimited.",
  },
  cgroup_current_bytes: {
    type: "int64",
    unit: "bytes",
    meaning: "memory.current of the process's cgroup; v1: memory.usage_in_bytes.",
  },
  cgroup_anon_bytes: { type: "int64", unit: "bytes", meaning: "anon of memory.stat of the process's cgroup; v1: total_rss." },
  cgroup_cache_bytes: {
    type: "int64",
    unit: "bytes",
    meaning:
      "Page cache of the process's cgroup, which its processes' own figures do not show: file of memory.stat; v1: total_cache.",
  },
  cgroup_high_count: {
    type: "int64",
    unit: "count",
    meaning: "Times that the cgroup was slowed at memory.high: high of memory.events. v2 only.",
  },
  cgroup_max_count: {
    type: "int64",
    unit: "count",
    meaning: "Times that the cgroup was about to exceed its limit: max of memory.events; v1: memory.failcnt.",
  },
  cgroup_oom_kill_count: {
    type: "int64",
    unit: "count",
    meaning:
      "Processes of the cgroup killed for want of memory: oom_kill of memory.events; v1: of memory.oom_control (Linux 4.13).",
  },
} as const satisfies Columns;
