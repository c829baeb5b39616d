// The one table of columns: every name, type, unit and meaning from the wire to SQL and the docs.
// It leaves encoding to wire.ts, checking to decode.ts and Parquet to functions/core.

import { findingColumns, processHourColumns } from "./made-columns.ts";

export type ColumnType = "string" | "int64" | "double" | "timestamp" | "int64[]";

export interface Column {
  readonly type: ColumnType;
  /** Unit of the number; null where the value has none (names, lists say it in the meaning). */
  readonly unit: "bytes" | "count" | "us" | "ms" | "pages" | "ratio" | null;
  readonly meaning: string;
  /** A row without it is rejected. Every other column may be absent, and absent is NULL, never 0. */
  readonly required?: true;
  /** Constant for all rows of a batch, so it travels once, in the batch's `host` part. */
  readonly perBatch?: true;
}

export type Columns = Readonly<Record<string, Column>>;

const batchIdentity = {
  host_id: {
    type: "string",
    unit: null,
    required: true,
    perBatch: true,
    meaning: "Instance id on EC2, else the machine id (man 5 machine-id), else the host name.",
  },
  boot_id: {
    type: "string",
    unit: null,
    required: true,
    perBatch: true,
    meaning: "Changes at every boot. Source: /proc/sys/kernel/random/boot_id.",
  },
  host_name: { type: "string", unit: null, perBatch: true, meaning: "Name of the host, for people." },
  collector_version: {
    type: "string",
    unit: null,
    perBatch: true,
    meaning: "Version of the collector that measured the row.",
  },
} as const satisfies Columns;

const rowIdentity = {
  sampled_at: {
    type: "timestamp",
    unit: null,
    required: true,
    meaning: "When the row was closed, by the host's clock; milliseconds since 1970 on the wire.",
  },
  sequence: {
    type: "int64",
    unit: null,
    required: true,
    meaning: "Grows with every row of one boot of one host; (host_id, boot_id, sequence) names a row once and for all.",
  },
} as const satisfies Columns;

const sampleIdentity = { ...batchIdentity, ...rowIdentity } as const;

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
  service: {
    type: "string",
    unit: null,
    required: true,
    meaning:
      "Who the process works for: OTEL_SERVICE_NAME, else service.name of OTEL_RESOURCE_ATTRIBUTES, else the name of the executable, else comm.",
  },
  service_version: { type: "string", unit: null, meaning: "service.version of OTEL_RESOURCE_ATTRIBUTES." },
  environment: { type: "string", unit: null, meaning: "deployment.environment.name of OTEL_RESOURCE_ATTRIBUTES." },
  comm: { type: "string", unit: null, meaning: "The kernel's name of the process, at most 15 bytes (man 5 proc_pid_comm)." },
  container_id: { type: "string", unit: null, meaning: "Container id found in the cgroup path." },

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

  allocator: {
    type: "string",
    unit: null,
    meaning: "Which allocator serves malloc: glibc, jemalloc, tcmalloc, mimalloc or unknown.",
  },
  allocator_version: { type: "string", unit: null, meaning: "Version of that allocator, as its library says." },
  heap_source: { type: "string", unit: null, meaning: "How the heap was measured: walk (from outside) or shim." },
  heap_unknown_reason: {
    type: "string",
    unit: null,
    meaning: "Why the heap columns are NULL although a measurement was due: denied, layout, swapped, changed, budget...",
  },
  heap_bytes: {
    type: "int64",
    unit: "bytes",
    meaning: "Address space that the arenas hold from the kernel, without mmapped chunks.",
  },
  heap_resident_bytes: { type: "int64", unit: "bytes", meaning: "Of heap_bytes, resident in memory (pagemap)." },
  live_bytes: {
    type: "int64",
    unit: "bytes",
    meaning:
      "Bytes in chunks that the program holds, mmapped chunks included; chunks parked in tcache or a fastbin count as live.",
  },
  free_bytes: { type: "int64", unit: "bytes", meaning: "Bytes in free chunks, the tops of all arenas included." },
  free_resident_bytes: {
    type: "int64",
    unit: "bytes",
    meaning: "Of free_bytes, on resident pages: memory that the process holds although nobody uses it.",
  },
  free_chunk_count: { type: "int64", unit: "count", meaning: "Free chunks, tops not counted." },
  free_chunk_bytes_max: { type: "int64", unit: "bytes", meaning: "Largest free chunk, tops not counted." },
  top_bytes: { type: "int64", unit: "bytes", meaning: "Top chunks of all arenas: the end from which a heap grows." },
  whole_free_page_bytes: {
    type: "int64",
    unit: "bytes",
    meaning:
      "Whole pages inside free chunks, and those of the main top: what malloc_trim(0) would hand to the kernel, resident or not.",
  },
  reclaimable_bytes: {
    type: "int64",
    unit: "bytes",
    meaning: "Of whole_free_page_bytes, resident: what a trim (or purge) would give back now.",
  },
  mmapped_bytes: {
    type: "int64",
    unit: "bytes",
    meaning: "Chunks with a mapping of their own: bytes, a lower bound from the maps.",
  },
  mmapped_count: { type: "int64", unit: "count", meaning: "Chunks with a mapping of their own: how many, a lower bound." },
  arena_count: { type: "int64", unit: "count", meaning: "Arenas with a heap, the main arena included." },
  arena_count_over_1mib: { type: "int64", unit: "count", meaning: "Arenas that hold more than 1 MiB." },
  arena_bytes_max: { type: "int64", unit: "bytes", meaning: "Of heap_bytes, held by the largest arena." },
  non_main_arena_bytes: { type: "int64", unit: "bytes", meaning: "Of heap_bytes, held by arenas other than the main one." },
  non_main_free_bytes: { type: "int64", unit: "bytes", meaning: "Of free_bytes, free in arenas other than the main one." },
  metadata_bytes: {
    type: "int64",
    unit: "bytes",
    meaning:
      "The allocator's own bookkeeping within heap_bytes: arena headers, fenceposts, padding. heap_bytes = live_bytes - mmapped_bytes + free_bytes + metadata_bytes.",
  },
  free_bytes_by_size: {
    type: "int64[]",
    unit: "bytes",
    meaning: "Free bytes by chunk size: entry i counts chunks of 2^(i+4) to 2^(i+5)-1 bytes; trailing zeros are left out.",
  },
  pinned_bytes_by_size: {
    type: "int64[]",
    unit: "bytes",
    meaning:
      "Free bytes on resident pages that are at least half free but not whole, shared out by the sizes of the live chunks that pin the page; bins as in free_bytes_by_size.",
  },
  walk_cpu_us: {
    type: "int64",
    unit: "us",
    meaning: "CPU time that measuring this heap cost us; an upper bound when the reason is walker_failed.",
  },
  tunables: {
    type: "string",
    unit: null,
    meaning: "Allocator settings in the environment: GLIBC_TUNABLES, MALLOC_*, MALLOC_CONF and their like.",
  },

  cgroup_limit_bytes: { type: "int64", unit: "bytes", meaning: "memory.max of the process's cgroup; NULL when unlimited." },
  cgroup_current_bytes: { type: "int64", unit: "bytes", meaning: "memory.current of the process's cgroup." },
  cgroup_oom_kill_count: { type: "int64", unit: "count", meaning: "oom_kill of memory.events of the process's cgroup." },
} as const satisfies Columns;

export const hostColumns = {
  ...sampleIdentity,
  mem_total_bytes: { type: "int64", unit: "bytes", meaning: "MemTotal of /proc/meminfo." },
  mem_available_bytes: { type: "int64", unit: "bytes", meaning: "MemAvailable of /proc/meminfo." },
  swap_total_bytes: { type: "int64", unit: "bytes", meaning: "SwapTotal of /proc/meminfo." },
  swap_free_bytes: { type: "int64", unit: "bytes", meaning: "SwapFree of /proc/meminfo." },
  anon_bytes: { type: "int64", unit: "bytes", meaning: "AnonPages of /proc/meminfo." },
  dirty_bytes: { type: "int64", unit: "bytes", meaning: "Dirty of /proc/meminfo: page cache not yet written." },
} as const satisfies Columns;

export const collectorColumns = {
  ...sampleIdentity,
  process_count: { type: "int64", unit: "count", meaning: "Processes watched in the row's last tick." },
  process_denied_count: {
    type: "int64",
    unit: "count",
    meaning: "Processes that could not be read for lack of privilege, in the last tick.",
  },
  process_gone_count: { type: "int64", unit: "count", meaning: "Processes that ended while being read, since the last row." },
  malformed_count: {
    type: "int64",
    unit: "count",
    meaning:
      "Kernel files that did not parse or could not be read, and processes that could not be looked at, since the last row.",
  },
  row_count: { type: "int64", unit: "count", meaning: "Rows made since the last row of this kind." },
  row_dropped_count: {
    type: "int64",
    unit: "count",
    meaning: "Rows given up (delivery failed, buffer full) since the last row.",
  },
  walk_count: { type: "int64", unit: "count", meaning: "Heap walks that gave figures since the last row." },
  walk_unknown_count: { type: "int64", unit: "count", meaning: "Heap walks that ended in unknown since the last row." },
  walk_cpu_us: { type: "int64", unit: "us", meaning: "CPU time of all heap walks since the last row." },
  collector_cpu_us: {
    type: "int64",
    unit: "us",
    meaning: "CPU time of the collector itself since the last row, walks not counted.",
  },
  collector_rss_bytes: { type: "int64", unit: "bytes", meaning: "Resident set size of the collector." },
  tick_ms_max: { type: "int64", unit: "ms", meaning: "Longest tick since the last row." },
} as const satisfies Columns;

/** Tables of the lake. The first three travel as samples on the wire; hours and findings are made in the lake. */
export const tables = {
  process: processColumns,
  host: hostColumns,
  collector: collectorColumns,
  process_hour: processHourColumns,
  finding: findingColumns,
} as const;

export type TableName = keyof typeof tables;
export const sampleKinds = ["process", "host", "collector"] as const satisfies readonly TableName[];
export type SampleKind = (typeof sampleKinds)[number];

/** Column of each table that says when a row happened; its UTC date and hour are the partition (keys.ts). */
export const eventTimeColumn = {
  process: "sampled_at",
  host: "sampled_at",
  collector: "sampled_at",
  process_hour: "hour",
  finding: "found_at",
} as const satisfies Record<TableName, string>;

export type Value = string | number | readonly number[] | null;
type ValueOf<C extends Column> = C["type"] extends "string" ? string : C["type"] extends "int64[]" ? readonly number[] : number;
type RequiredNames<T extends Columns> = { [N in keyof T]: T[N] extends { required: true } ? N : never }[keyof T];
type NullableNames<T extends Columns> = Exclude<keyof T, RequiredNames<T>>;

/** A row of a table. Timestamps are milliseconds since 1970; a nullable column may be left out or null. */
export type Row<T extends Columns> = { [N in RequiredNames<T>]: ValueOf<T[N]> } & {
  [N in NullableNames<T>]?: ValueOf<T[N]> | null;
};

type PerBatchNames = keyof typeof batchIdentity;
/** What all rows of a batch share: who the host is. */
export type HostIdentity = Pick<Row<typeof processColumns>, PerBatchNames>;
export type ProcessSample = Omit<Row<typeof processColumns>, PerBatchNames>;
export type HostSample = Omit<Row<typeof hostColumns>, PerBatchNames>;
export type CollectorSample = Omit<Row<typeof collectorColumns>, PerBatchNames>;
export type Finding = Row<typeof findingColumns>;
/** Samples of one flush, by kind. */
export interface Samples {
  readonly process: readonly ProcessSample[];
  readonly host: readonly HostSample[];
  readonly collector: readonly CollectorSample[];
}

/** Columns of a table held column by column: every array has rowCount entries, absent values are null. */
export interface ColumnTable {
  readonly rowCount: number;
  readonly columns: Readonly<Record<string, readonly Value[]>>;
}
