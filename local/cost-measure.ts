// Measures what a fleet's data weighs: plausible rows through the real encoder, converter and Parquet writer.
// What that costs is functions/core/cost's. Deterministic, so that two runs differ in speed alone.
import { Readable } from "node:stream";
import { BILLED_BYTES, encodeWholeUnits } from "../collector/ship/records.ts";
import type { Measured } from "../functions/core/cost/bill.ts";
import { type LakeFile, lakeFiles } from "../functions/core/lake-files.ts";
import { writeParquet } from "../functions/core/parquet/write.ts";
import { readRawObject } from "../functions/core/raw-object.ts";
import { type HostIdentity, noSamples, type ProcessSample, type Samples, type Value } from "../schema/columns.ts";
import { processHourColumns } from "../schema/made-columns.ts";
import { seededRandom } from "./seeded-random.ts";

/** Enough rows that fixed costs of a file do not count as costs of a row. */
const HOSTS = 40;
const MINUTES = 20;
/** As the collector flushes at its defaults. */
const FLUSH_MINUTES = 5;
const ROUNDS = 4;
const STARTED_AT_MS = Date.UTC(2026, 10, 23, 10);
const KIB = 1_024;

export async function measureFleet(processesPerHost: number): Promise<Measured> {
  const random = seededRandom(7);
  const processes = Array.from({ length: processesPerHost }, (_, index) => plausibleProcess(index, random));
  const members: Buffer[] = [];
  let rowCount = processesPerHost * HOSTS * MINUTES;
  for (let host = 0; host < HOSTS; host++) {
    let waiting: Samples["process"] = [];
    for (let flush = 0; flush < MINUTES; flush += FLUSH_MINUTES) {
      const minutes = Array.from({ length: FLUSH_MINUTES }, (_, minute) => flush + minute);
      const process = minutes.flatMap((minute) => processes.map((one, index) => plausibleRow(one, index, minute, random)));
      const own = minutes.map((minute) => ownRows(minute, random));
      const batch = {
        ...noSamples,
        process: [...waiting, ...process],
        host: own.flatMap((rows) => rows.host),
        collector: own.flatMap((rows) => rows.collector),
      };
      const cut = encodeWholeUnits(hostOf(host), batch);
      waiting = cut.rest;
      for (const { bytes } of cut.records) members.push(Buffer.from(bytes));
    }
    // What would go with the next flush.
    rowCount -= waiting.length;
  }
  const flushes = (HOSTS * MINUTES) / FLUSH_MINUTES;
  const raw = Buffer.concat(members);
  const request = { key: "raw/dt=2026-11-23/hr=10/measured.ndjson.gz", arrivedAtMs: STARTED_AT_MS };
  const convert = async (): Promise<LakeFile[]> => {
    const files: LakeFile[] = [];
    for await (const tables of readRawObject(Readable.from([raw]), request).parts) files.push(...lakeFiles(tables, "measured"));
    return files;
  };
  // The best of some rounds: a Lambda converts many objects, and this machine may have other work.
  let [files, cpuUs] = [await convert(), Number.POSITIVE_INFINITY];
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    files = await convert();
    const { user, system } = process.cpuUsage(before);
    cpuUs = Math.min(cpuUs, user + system);
  }
  return {
    recordBytes: raw.length / flushes,
    recordBilledBytes: members.reduce((sum, { length }) => sum + Math.ceil(length / BILLED_BYTES) * BILLED_BYTES, 0) / flushes,
    processRowBytes: files.reduce((sum, file) => sum + file.bytes.length, 0) / rowCount,
    hourRowBytes: hourRowBytes(processes, random),
    rowsPerCpuSecond: rowCount / (cpuUs / 1e6),
  };
}

interface PlausibleProcess {
  readonly service: string;
  readonly pid: number;
  readonly rssBytes: number;
}

export const plausibleProcess = (index: number, random: () => number): PlausibleProcess => ({
  service: `service-${index % 12}`,
  pid: 1_000 + index * 37,
  rssBytes: Math.round((20 + 800 * random() ** 3) * KIB * KIB),
});

const hostOf = (host: number): HostIdentity => ({
  host_id: `i-0${(0xabc0000 + host * 7_919).toString(16)}`,
  boot_id: "5f0c2c7e-6b1f-4d5e-9c43-1f9a1c1d0b7a",
  host_name: `ip-10-0-${host % 256}-17`,
  collector_version: "0.1.0",
});

/** The rows of the host and of the collector itself travel in the same record. */
function ownRows(minute: number, random: () => number): Pick<Samples, "host" | "collector"> {
  const sampled_at = STARTED_AT_MS + minute * 60_000;
  const sequence = 4_000_000_900 + minute * 1_000;
  const bytes = (share: number) => Math.round((64 * KIB * KIB * KIB * share * (0.95 + 0.05 * random())) / 4_096) * 4_096;
  return {
    host: [
      {
        sampled_at,
        sequence,
        mem_total_bytes: 64 * KIB * KIB * KIB,
        mem_available_bytes: bytes(0.4),
        mem_free_bytes: bytes(0.1),
        swap_total_bytes: 0,
        swap_free_bytes: 0,
        anon_bytes: bytes(0.5),
        anon_thp_bytes: bytes(0.1),
        shmem_bytes: bytes(0.01),
        page_cache_bytes: bytes(0.3),
        slab_reclaimable_bytes: bytes(0.02),
        slab_unreclaimable_bytes: bytes(0.005),
        dirty_bytes: bytes(0.001),
        writeback_bytes: 0,
        committed_bytes: bytes(0.7),
        commit_limit_bytes: 32 * KIB * KIB * KIB,
        memory_some_us: 812_000 + minute * Math.round(900 * random()),
        memory_full_us: 400_000,
        io_some_us: 91_000_000 + minute * Math.round(90_000 * random()),
        io_full_us: 71_000_000 + minute * Math.round(70_000 * random()),
        swapped_in_bytes: 0,
        swapped_out_bytes: 0,
        major_fault_count: 30_000 + Math.round(9 * minute * random()),
        alloc_stall_count: 120,
        compact_stall_count: 900 + Math.round(2 * random()),
        compact_fail_count: 300,
        thp_fault_alloc_count: 80_000 + Math.round(40 * minute * random()),
        thp_fault_fallback_count: 1_200,
        oom_kill_count: 0,
        free_blocks_by_order: Array.from({ length: 11 }, (_, order) => Math.round((200_000 / 2 ** order) * random())),
        fragmentation_index_by_order: Array.from({ length: 11 }, () => -1_000),
        overcommit_mode: 0,
        swappiness: 60,
        min_free_bytes: 67_584 * KIB,
        compaction_proactiveness: 20,
        vma_count_limit: 65_530,
        thp_enabled: "madvise",
        thp_defrag: "madvise",
        ebs_device_count: 1,
        instance_store_device_count: 0,
      },
    ],
    collector: [
      {
        sampled_at,
        sequence: sequence + 1,
        process_count: 140,
        process_denied_count: 0,
        process_gone_count: Math.round(9 * random()),
        malformed_count: 0,
        row_count: 31,
        row_dropped_count: 0,
        walk_count: 30,
        walk_unknown_count: 0,
        walk_cpu_us: Math.round(200_000 * random()),
        collector_cpu_us: Math.round(300_000 * random()),
        collector_rss_bytes: bytes(0.0014),
        tick_ms_max: Math.round(20 * random()),
      },
    ],
  };
}

/** Rows from one walk of a heap to the next. 30 heaps of 100 MiB, some 25 ms each, take turns in 90 ms a minute and wait longer. */
const WALKED_EVERY = 3;

/** Figures wander a little from minute to minute, as a busy process's do; one row in eight carries histograms. */
export function plausibleRow(
  { service, pid, rssBytes }: PlausibleProcess,
  index: number,
  minute: number,
  random: () => number,
): ProcessSample {
  const pages = (share: number) => Math.round((rssBytes * share * (0.95 + 0.1 * random())) / 4_096) * 4_096;
  const bytes = (share: number) => Math.round((rssBytes * share * (0.95 + 0.1 * random())) / 16) * 16;
  const histogram = (scale: number) => Array.from({ length: 12 }, () => Math.round((scale * random()) / 16) * 16);
  /** Of a walk: not every minute has one, because all walks of a host share a budget. */
  const heapFigures = (): Partial<ProcessSample> => ({
    heap_source: "walk",
    heap_bytes: pages(0.8),
    heap_resident_bytes: pages(0.78),
    live_bytes: bytes(0.6),
    free_bytes: bytes(0.2),
    free_chunk_count: Math.round(5_000 * random()),
    free_chunk_bytes_max: bytes(0.02),
    tcache_bytes: bytes(0.002),
    tcache_chunk_count: Math.round(600 * random()),
    fastbin_bytes: 0,
    fastbin_chunk_count: 0,
    top_bytes: bytes(0.01),
    whole_free_page_bytes: pages(0.1),
    reclaimable_bytes: pages(0.09),
    mmapped_bytes: pages(0.05),
    mmapped_count: 3,
    arena_count: 1 + (index % 9),
    arena_count_over_1mib: 1 + (index % 4),
    non_main_arena_bytes: pages(0.1),
    non_main_free_bytes: bytes(0.05),
    metadata_bytes: 2_272,
    free_resident_bytes: bytes(0.18),
    arena_bytes_max: pages(0.6),
    ...((index + minute) % 8 === 0
      ? { free_bytes_by_size: histogram(rssBytes / 60), pinned_bytes_by_size: histogram(rssBytes / 90) }
      : {}),
    walk_cpu_us: 400 + Math.round(4_000 * random()),
  });
  return {
    sampled_at: STARTED_AT_MS + minute * 60_000,
    sequence: 4_000_000_000 + minute * 1_000 + index,
    pid,
    process_key: `5f0c2c7e-${pid}-${88_000 + index}`,
    process_started_at: STARTED_AT_MS - 86_400_000,
    service,
    service_version: "4.12.0",
    environment: "production",
    comm: service,
    rss_bytes: pages(1),
    rss_bytes_max: pages(1.1),
    pss_bytes: pages(0.95),
    anon_bytes: pages(0.85),
    file_bytes: pages(0.15),
    shmem_bytes: 0,
    swap_bytes: 0,
    thread_count: 8 + (index % 40),
    vma_count: 150 + (index % 90),
    vma_count_limit: 65_530,
    small_mapping_count: 20 + (index % 30),
    small_mapping_bytes: 4_096 * (400 + (index % 90)),
    major_fault_count: 100 + index,
    cgroup_limit_bytes: index % 3 === 0 ? 2_147_483_648 : null,
    cgroup_current_bytes: pages(1.3),
    cgroup_anon_bytes: pages(0.85),
    cgroup_cache_bytes: pages(0.3),
    cgroup_high_count: 0,
    cgroup_max_count: 0,
    cgroup_oom_kill_count: 0,
    ...(index % 5 === 0
      ? {
          runtime: "jvm",
          runtime_version: "21.0.4+7",
          runtime_heap_bytes: pages(0.6),
          runtime_heap_used_bytes: bytes(0.4),
          runtime_heap_used_after_gc_bytes: bytes(0.3),
          runtime_heap_limit_bytes: 2_147_483_648,
          gc_count: 900 + minute,
          gc_pause_ms: 7_000 + 9 * minute,
        }
      : {}),
    allocator: "glibc",
    allocator_version: "2.36",
    ...((index + minute) % WALKED_EVERY === 0 ? heapFigures() : {}),
  };
}

function hourRowBytes(processes: readonly PlausibleProcess[], random: () => number): number {
  const rowCount = processes.length * HOSTS;
  const cellOf = (name: string, type: string, row: number): Value => {
    const process = processes[row % processes.length];
    if (process === undefined) return null;
    if (name === "service") return process.service;
    if (type === "string") return name === "process_key" ? `5f0c2c7e-${process.pid}-88000` : "constant";
    if (name === "hour") return STARTED_AT_MS;
    return name.includes("bytes") ? Math.round((process.rssBytes * random()) / 4_096) * 4_096 : Math.round(60 * random());
  };
  const columns = Object.entries(processHourColumns).map(
    ([name, { type }]) => [name, Array.from({ length: rowCount }, (_, row) => cellOf(name, type, row))] as const,
  );
  return writeParquet("process_hour", { rowCount, columns: Object.fromEntries(columns) }).length / rowCount;
}
