// One row of an acute query as what it says: whom it concerns, which cause, how pressing, and the figures in a sentence.
// Grouping is acute-findings.ts's; thresholds are the queries' parameters.
import type { ResultRow } from "../edges.ts";
import type { Severity } from "./causes.ts";
import { maybeNumber, maybeText, numberOf, textOf } from "./result-rows.ts";
import { formatBytes, formatCount, formatCountOf, formatDuration, formatShare } from "./units.ts";

export const acuteQueries = [
  "alloc_failures",
  "oom_kills",
  "mappings_near_limit",
  "cgroup_limit_near",
  "cgroup_limit_thrashing",
  "host_oom_kills",
  "low_memory",
  "swap_growing",
  "memory_pressure",
  "kernel_fragmentation",
  "hosts_silent",
  "collector_losses",
] as const;
export type AcuteQuery = (typeof acuteQueries)[number];

export interface AcuteHit {
  readonly rule: AcuteQuery;
  readonly cause: string;
  readonly scope: "service" | "host" | "fleet";
  readonly subject: string;
  readonly environment: string | null;
  readonly hostId: string;
  readonly processCount: number;
  readonly sinceMs: number;
  readonly severity: Severity;
  readonly excessBytes: number | null;
  readonly reclaimableBytes: number | null;
  readonly evidence: string;
  /** Names of further rules that fired for the same trouble. */
  readonly also: readonly string[];
}

type Said = Pick<AcuteHit, "cause" | "severity" | "evidence"> & Partial<AcuteHit>;

export const hitsOf: Readonly<Record<AcuteQuery, (row: ResultRow) => AcuteHit>> = {
  alloc_failures: (row) =>
    ofService("alloc_failures", row, {
      cause: "alloc_failure",
      severity: "act",
      processCount: 1,
      evidence: sentence([
        `${formatCountOf(numberOf(row, "failure_count"), "allocation", "allocations")} failed in pid ${numberOf(row, "pid")}`,
        known(row, "rss_bytes_last", (bytes) => `it has ${formatBytes(bytes)} resident`),
        known(row, "free_bytes_last", (bytes) => `${formatBytes(bytes)} free in the heap`),
        known(row, "free_chunk_bytes_max_last", (bytes) => `the largest free chunk has ${formatBytes(bytes)}`),
        mappingsText(row),
        limitText(row, "cgroup_current_bytes_last", "cgroup_limit_bytes_last"),
      ]),
    }),
  oom_kills: (row) =>
    ofService("oom_kills", row, {
      cause: "alloc_failure",
      severity: "act",
      processCount: numberOf(row, "process_count"),
      evidence: sentence([
        `the kernel killed ${formatCountOf(numberOf(row, "kill_count"), "process", "processes")} at the cgroup's limit`,
        known(row, "rss_bytes_max", (bytes) => `the largest process had ${formatBytes(bytes)} resident`),
        limitText(row, "cgroup_current_bytes_max", "cgroup_limit_bytes_max"),
      ]),
    }),
  mappings_near_limit: (row) => {
    const [last, limit, secondsLeft] = ["vma_count_last", "vma_count_limit", "seconds_left"].map((name) => numberOf(row, name));
    const isClose = (last ?? 0) >= (limit ?? 0) * CLOSE_SHARE || (secondsLeft ?? 0) <= CLOSE_SECONDS;
    return ofService("mappings_near_limit", row, {
      cause: "mapping_growth",
      severity: isClose ? "act" : "growing",
      processCount: 1,
      evidence: sentence([
        `mappings of pid ${numberOf(row, "pid")} rose from ${formatCount(numberOf(row, "vma_count_first"))} to ` +
          `${formatCount(last)} of ${formatCount(limit)}, at this pace they are used up in ${formatDuration((secondsLeft ?? 0) * 1_000)}`,
        known(row, "small_mapping_count_last", (count) => `${formatCount(count)} of them are private and below 1 MiB`),
        known(row, "mmapped_count_last", (count) => `${formatCount(count)} chunks have a mapping of their own`),
      ]),
    });
  },
  cgroup_limit_near: (row) =>
    ofService("cgroup_limit_near", row, {
      cause: "cgroup_limit",
      severity: "held",
      processCount: numberOf(row, "process_count"),
      excessBytes: numberOf(row, "heap_reclaimable_bytes"),
      reclaimableBytes: numberOf(row, "heap_reclaimable_bytes"),
      evidence: sentence([
        limitText(row, "cgroup_current_bytes", "cgroup_limit_bytes"),
        known(row, "cgroup_cache_bytes", (bytes) => `${formatBytes(bytes)} of it page cache`),
        `a trim of the heaps would return ${formatBytes(numberOf(row, "heap_reclaimable_bytes"))}`,
        `reclaimable memory lies in: ${textOf(row, "reclaimable_in")}`,
      ]),
    }),
  cgroup_limit_thrashing: (row) =>
    ofService("cgroup_limit_thrashing", row, {
      cause: "cgroup_limit",
      severity: "act",
      processCount: numberOf(row, "process_count"),
      evidence: sentence([
        `the cgroup ran into its limit ${formatCountOf(numberOf(row, "limit_hit_count"), "time", "times")} while its processes ` +
          `waited for ${formatCount(numberOf(row, "major_fault_rate"))} pages a second from disk`,
        limitText(row, "cgroup_current_bytes", "cgroup_limit_bytes"),
        known(row, "cgroup_cache_bytes", (bytes) => `${formatBytes(bytes)} of it page cache`),
      ]),
    }),
  host_oom_kills: (row) =>
    ofHost("host_oom_kills", row, {
      cause: "low_memory",
      severity: "act",
      evidence: sentence([
        `the kernel killed ${formatCountOf(numberOf(row, "kill_count"), "process", "processes")} for want of memory`,
        known(row, "mem_available_bytes_min", (bytes) => `the least that was available: ${formatBytes(bytes)}`),
      ]),
    }),
  low_memory: (row) =>
    ofHost("low_memory", row, {
      cause: "low_memory",
      severity: "act",
      evidence: sentence([
        availableText(row),
        known(row, "anon_bytes_last", (bytes) => `${formatBytes(bytes)} are anonymous`),
        known(row, "shmem_bytes_last", (bytes) => `${formatBytes(bytes)} shared memory`),
        known(row, "slab_unreclaimable_bytes_last", (bytes) => `${formatBytes(bytes)} the kernel's own`),
        known(row, "swap_free_bytes_last", (bytes) => `${formatBytes(bytes)} of swap are free`),
      ]),
    }),
  swap_growing: (row) =>
    ofHost("swap_growing", row, {
      cause: "swap_growth",
      severity: "growing",
      excessBytes: numberOf(row, "swap_used_bytes_last"),
      evidence: sentence([
        `${formatBytes(numberOf(row, "swapped_out_bytes"))} were written to swap in ${formatDuration(numberOf(row, "seconds") * 1_000)}`,
        known(row, "swapped_in_bytes", (bytes) => `${formatBytes(bytes)} read back`),
        `${formatBytes(numberOf(row, "swap_used_bytes_last"))} of ${formatBytes(numberOf(row, "swap_total_bytes"))} are in use`,
        known(row, "mem_available_bytes_last", (bytes) => `${formatBytes(bytes)} of memory are available`),
        maybeText(row, "swap_device_kind") === null ? null : `swap lies on: ${maybeText(row, "swap_device_kind")}`,
      ]),
    }),
  memory_pressure: (row) =>
    ofHost("memory_pressure", row, {
      cause: "memory_pressure",
      severity: "act",
      evidence: sentence([
        `all tasks at once waited for memory for ${formatShare(shareOfTime(row, "memory_full_us"))} of the time`,
        known(row, "memory_some_us", () => `some for ${formatShare(shareOfTime(row, "memory_some_us"))}`),
        known(row, "major_fault_count", (count) => `${formatCount(count)} page faults waited for a disk`),
        known(row, "alloc_stall_count", (count) => `${formatCount(count)} allocations had to reclaim memory themselves`),
        known(row, "mem_available_bytes_last", (bytes) => `${formatBytes(bytes)} of memory are available`),
      ]),
    }),
  kernel_fragmentation: (row) => {
    const index = (name: string) => known(row, name, (thousandths) => formatCount(thousandths));
    return ofHost("kernel_fragmentation", row, {
      cause: "kernel_fragmentation",
      severity: "held",
      evidence: sentence([
        `no free block of ${formatCount(2 ** numberOf(row, "block_order"))} pages although ` +
          `${formatBytes(maybeNumber(row, "mem_free_bytes_last"))} are free: fragmentation index ` +
          `${index("fragmentation_index_last")} of 1,000`,
        `${formatCount(numberOf(row, "compact_fail_count"))} compactions in vain`,
        known(
          row,
          "fragmentation_index_order_9_last",
          () => `index of huge pages ${index("fragmentation_index_order_9_last")}`,
        ),
        known(row, "thp_fault_fallback_count", (count) => `${formatCount(count)} faults got small pages instead of a huge one`),
      ]),
    });
  },
  hosts_silent: (row) => {
    const [silent, hosts] = [numberOf(row, "silent_host_count"), numberOf(row, "host_count")];
    // Many at once is a way that broke, not many hosts that died in the same hour: told once.
    const isMany = silent >= MANY_SILENT_MIN && silent >= hosts * MANY_SILENT_SHARE;
    const said: Said = {
      cause: "host_silent",
      severity: "act",
      evidence: sentence([
        `${nameOf(row)} has sent nothing for ${formatDuration(numberOf(row, "silent_seconds") * 1_000)}`,
        textOf(row, "in_trouble") === "yes" ? `it was short of memory when it fell silent: ${availableText(row)}` : null,
        `${formatCountOf(silent, "host is", "hosts are")} silent of ${formatCount(hosts)}`,
      ]),
    };
    return isMany
      ? ofHost("hosts_silent", row, { ...said, scope: "fleet", subject: "hosts" })
      : ofHost("hosts_silent", row, said);
  },
  collector_losses: (row) => {
    const loss = textOf(row, "loss");
    return ofHost("collector_losses", row, {
      cause: "collector_loss",
      // All collectors have one way to the lake: what is lost on many hosts is one trouble.
      scope: "fleet",
      subject: "collectors",
      severity: loss === "rows" || loss === "delivery" ? "act" : "notice",
      evidence: `on ${nameOf(row)} ${lossText(row, loss)}`,
    });
  },
};

/** Of the limit, or of time left: from here it is a matter of hours. */
const CLOSE_SHARE = 0.95;
const CLOSE_SECONDS = 3_600;
/** So many silent hosts, and such a share of all, have one reason. */
const MANY_SILENT_MIN = 3;
const MANY_SILENT_SHARE = 0.3;

const ofService = (rule: AcuteQuery, row: ResultRow, said: Said): AcuteHit => ({
  ...nothingElse(rule, row),
  scope: "service",
  subject: textOf(row, "service"),
  environment: maybeText(row, "environment"),
  ...said,
});

/** Hosts of an Auto Scaling group are alike and told together; any other host goes by its name. */
const ofHost = (rule: AcuteQuery, row: ResultRow, said: Said): AcuteHit => ({
  ...nothingElse(rule, row),
  scope: "host",
  subject: maybeText(row, "autoscaling_group") ?? nameOf(row),
  ...said,
});

const nothingElse = (rule: AcuteQuery, row: ResultRow) => ({
  rule,
  hostId: textOf(row, "host_id"),
  sinceMs: numberOf(row, "since"),
  environment: null,
  processCount: 0,
  excessBytes: null,
  reclaimableBytes: null,
  also: [],
});

const nameOf = (row: ResultRow): string => maybeText(row, "host_name") ?? textOf(row, "host_id");

const sentence = (parts: readonly (string | null)[]): string => parts.filter((part) => part !== null).join("; ");

/** What is not known is not mentioned. */
function known(row: ResultRow, column: string, say: (value: number) => string): string | null {
  const value = maybeNumber(row, column);
  return value === null ? null : say(value);
}

const limitText = (row: ResultRow, current: string, limit: string): string | null =>
  known(
    row,
    limit,
    (bytes) => `the cgroup holds ${formatBytes(maybeNumber(row, current))} of its limit of ${formatBytes(bytes)}`,
  );

const mappingsText = (row: ResultRow): string | null =>
  known(
    row,
    "vma_count_last",
    (count) => `${formatCount(count)} of ${formatCount(maybeNumber(row, "vma_count_limit"))} mappings are in use`,
  );

const availableText = (row: ResultRow): string =>
  `${formatBytes(maybeNumber(row, "mem_available_bytes_last"))} of ${formatBytes(maybeNumber(row, "mem_total_bytes"))} are available`;

const shareOfTime = (row: ResultRow, column: string): number => numberOf(row, column) / (numberOf(row, "seconds") * 1_000_000);

function lossText(row: ResultRow, loss: string): string {
  const count = (name: string) => formatCount(maybeNumber(row, name));
  switch (loss) {
    case "rows":
      return `${count("row_dropped_count")} rows were given up, ${count("row_count")} were made`;
    case "delivery":
      return `${count("delivery_failure_count")} deliveries failed and ${count("spool_row_count_last")} rows wait in the spool`;
    case "sight":
      return `${count("process_denied_count_last")} processes may not be read, ${count("process_count_last")} are`;
    default:
      return `${count("detail_dropped_count")} detail rows of events were not shipped`;
  }
}
