// The columns of a host row: memory, its pressure and its fragmentation as the kernel counts them, and the settings that bear on it.
// Counters run since boot; a rate is the difference of two rows of one boot_id.
import type { Columns } from "./column.ts";
import { sampleIdentity } from "./identity-columns.ts";

const memory = {
  mem_total_bytes: { type: "int64", unit: "bytes", meaning: "MemTotal of /proc/meminfo." },
  mem_available_bytes: { type: "int64", unit: "bytes", meaning: "MemAvailable of /proc/meminfo." },
  mem_free_bytes: { type: "int64", unit: "bytes", meaning: "MemFree of /proc/meminfo." },
  swap_total_bytes: { type: "int64", unit: "bytes", meaning: "SwapTotal of /proc/meminfo." },
  swap_free_bytes: { type: "int64", unit: "bytes", meaning: "SwapFree of /proc/meminfo." },
  anon_bytes: { type: "int64", unit: "bytes", meaning: "AnonPages of /proc/meminfo." },
  anon_thp_bytes: { type: "int64", unit: "bytes", meaning: "AnonHugePages of /proc/meminfo." },
  shmem_bytes: { type: "int64", unit: "bytes", meaning: "Shmem of /proc/meminfo: shared memory and tmpfs." },
  page_cache_bytes: { type: "int64", unit: "bytes", meaning: "Cached of /proc/meminfo, Shmem taken off." },
  slab_reclaimable_bytes: { type: "int64", unit: "bytes", meaning: "SReclaimable of /proc/meminfo." },
  slab_unreclaimable_bytes: { type: "int64", unit: "bytes", meaning: "SUnreclaim of /proc/meminfo." },
  dirty_bytes: { type: "int64", unit: "bytes", meaning: "Dirty of /proc/meminfo: page cache not yet written." },
  writeback_bytes: { type: "int64", unit: "bytes", meaning: "Writeback of /proc/meminfo: page cache being written." },
  committed_bytes: { type: "int64", unit: "bytes", meaning: "Committed_AS of /proc/meminfo: memory that was promised." },
  commit_limit_bytes: {
    type: "int64",
    unit: "bytes",
    meaning: "CommitLimit of /proc/meminfo; it binds where overcommit_mode is 2.",
  },
} as const satisfies Columns;

const pressure = {
  memory_some_us: {
    type: "int64",
    unit: "us",
    meaning:
      "Time in which some task waited for memory, since boot: total of `some` in /proc/pressure/memory (PSI, Linux 4.20).",
  },
  memory_full_us: { type: "int64", unit: "us", meaning: "The same for all tasks at once: total of `full`." },
  io_some_us: { type: "int64", unit: "us", meaning: "Time in which some task waited for io, since boot: /proc/pressure/io." },
  io_full_us: { type: "int64", unit: "us", meaning: "The same for all tasks at once." },
  swapped_in_bytes: { type: "int64", unit: "bytes", meaning: "Read from swap since boot: pswpin of /proc/vmstat." },
  swapped_out_bytes: { type: "int64", unit: "bytes", meaning: "Written to swap since boot: pswpout of /proc/vmstat." },
  major_fault_count: { type: "int64", unit: "count", meaning: "Page faults that waited for io since boot: pgmajfault." },
  alloc_stall_count: {
    type: "int64",
    unit: "count",
    meaning: "Allocations that had to reclaim memory themselves, since boot: allocstall* of /proc/vmstat, all zones.",
  },
  compact_stall_count: {
    type: "int64",
    unit: "count",
    meaning: "Allocations that waited for compaction since boot: compact_stall.",
  },
  compact_fail_count: { type: "int64", unit: "count", meaning: "Of them, in vain: compact_fail." },
  thp_fault_alloc_count: { type: "int64", unit: "count", meaning: "Huge pages that faults got since boot: thp_fault_alloc." },
  thp_fault_fallback_count: {
    type: "int64",
    unit: "count",
    meaning: "Faults that wanted a huge page and got small ones, since boot: thp_fault_fallback.",
  },
  oom_kill_count: {
    type: "int64",
    unit: "count",
    meaning: "Processes killed for want of memory since boot: oom_kill of /proc/vmstat.",
  },
} as const satisfies Columns;

const fragmentation = {
  free_blocks_by_order: {
    type: "int64[]",
    unit: null,
    meaning: "Free blocks of 2^i pages at entry i, all zones: /proc/buddyinfo.",
  },
  fragmentation_index_by_order: {
    type: "int64[]",
    unit: null,
    signed: true,
    meaning:
      "Why an allocation of 2^i pages would fail in the largest zone, in thousandths: towards 0 for want of memory, towards 1000 for fragmentation, -1000 where it would succeed. As fragmentation_index() of the kernel's mm/vmstat.c, computed from /proc/buddyinfo.",
  },
} as const satisfies Columns;

const settings = {
  overcommit_mode: {
    type: "int64",
    unit: null,
    meaning: "vm.overcommit_memory: 0 by a guess, 1 always, 2 never beyond commit_limit_bytes.",
  },
  swappiness: { type: "int64", unit: null, meaning: "vm.swappiness." },
  min_free_bytes: { type: "int64", unit: "bytes", meaning: "vm.min_free_kbytes: what the kernel keeps free for itself." },
  compaction_proactiveness: { type: "int64", unit: null, meaning: "vm.compaction_proactiveness, 0 to 100 (Linux 5.9)." },
  vma_count_limit: { type: "int64", unit: "count", meaning: "vm.max_map_count: mappings that one process may have." },
  thp_enabled: { type: "string", unit: null, meaning: "transparent_hugepage/enabled: always, madvise or never." },
  thp_defrag: {
    type: "string",
    unit: null,
    meaning: "transparent_hugepage/defrag: always, defer, defer+madvise, madvise or never.",
  },
  ebs_device_count: {
    type: "int64",
    unit: "count",
    meaning: "Disks that are EBS volumes: by the model of /sys/block. NULL where a disk shows no model, as on Xen instances.",
  },
  instance_store_device_count: { type: "int64", unit: "count", meaning: "Disks that are the instance's own: by the model." },
  swap_device_kind: {
    type: "string",
    unit: null,
    meaning: "Where swap lies: ebs, instance_store, zram or other; joined by commas. NULL without swap.",
  },
} as const satisfies Columns;

const end = {
  is_last_row: {
    type: "int64",
    unit: null,
    meaning:
      "1 in the row that a collector closes when it is told to stop: what follows is silence on purpose. NULL otherwise.",
  },
} as const satisfies Columns;

export const hostColumns = {
  ...sampleIdentity,
  ...memory,
  ...pressure,
  ...fragmentation,
  ...settings,
  ...end,
} as const satisfies Columns;
