// Process rows as a fleet would send them, for tests and benchmarks of the converter: made from numbers, never random.
// Real captures are the better inputs for parsers; here volume, repetition and gaps matter.
import { gzipSync } from "node:zlib";
import { type HostIdentity, noSamples, type ProcessSample, type Samples } from "../../schema/columns.ts";
import { encodeBatch } from "../../schema/wire.ts";

export const hostOf = (host: number): HostIdentity => ({
  host_id: `i-0${(0x1234abcd5678 + host * 7_919).toString(16)}`,
  boot_id: `9f3b2c1e-0d4a-4b6f-8e7d-${String(host).padStart(12, "0")}`,
  host_name: `ip-10-0-${host % 256}-${(host * 37) % 256}`,
  collector_version: "0.1.0",
});

const SERVICES = ["checkout", "search", "cart", "sessions", "ads", "billing", "images", "recommendations"];
const PAGE_BYTES = 4_096;

/** A number from 0 to below `limit` that looks random and is not. */
function scatter(seed: number, limit: number): number {
  let mixed = Math.imul(seed ^ (seed >>> 16), 0x45d9f3b);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b);
  return ((mixed ^ (mixed >>> 16)) >>> 0) % limit;
}

/** One row of one process in one minute; every 8th process has a heap histogram, some columns are absent for some. */
export function processSample(host: number, process: number, minute: number, startMs: number): ProcessSample {
  const seed = host * 1_000_003 + process * 1_009 + minute;
  const identity = host * 1_000_003 + process;
  const pages = (base: number, spread: number) => (base + scatter(seed + base, spread)) * PAGE_BYTES;
  const live = pages(20_000 + scatter(identity, 50_000), 500);
  const free = pages(3_000 + scatter(identity, 9_000), 300);
  const glibc = process % 5 !== 0;
  return {
    sampled_at: startMs + minute * 60_000 + scatter(seed, 900),
    sequence: minute * 10_000 + process,
    pid: 1_000 + process * 13,
    process_key: `9f3b2c1e-${host}-${1_000 + process * 13}-${4_000_000 + identity}`,
    process_started_at: startMs - 86_400_000 - scatter(identity, 1_000_000),
    service: SERVICES[process % SERVICES.length] ?? "unknown",
    service_version: `2026.11.${process % 3}`,
    environment: "production",
    comm: process % 2 === 0 ? "node" : "java",
    container_id: scatter(identity, 2 ** 31)
      .toString(16)
      .padStart(64, "e3b0c44298fc1c14"),
    rss_bytes: live + free,
    rss_bytes_max: live + free + pages(10, 50),
    anon_bytes: live + free - pages(5, 9),
    file_bytes: pages(1_200, 9),
    shmem_bytes: 0,
    swap_bytes: 0,
    pss_bytes: process % 4 === 0 ? live : null,
    thread_count: 8 + scatter(identity, 60),
    vma_count: 400 + scatter(seed, 40),
    vma_count_limit: 65_530,
    allocator: glibc ? "glibc" : "jemalloc",
    heap_source: glibc ? "walk" : "shim",
    heap_bytes: live + free + pages(1, 90),
    heap_resident_bytes: live + free,
    live_bytes: live - scatter(seed, 4_000),
    free_bytes: free + scatter(seed, 4_000),
    free_chunk_count: glibc ? 10_000 + scatter(seed, 90_000) : null,
    free_chunk_bytes_max: glibc ? 100_000 + scatter(seed, 900_000) : null,
    top_bytes: glibc ? pages(10, 33) : null,
    whole_free_page_bytes: pages(900, 100),
    reclaimable_bytes: pages(500, 100),
    mmapped_bytes: pages(100, 10),
    mmapped_count: scatter(identity, 9),
    arena_count: glibc ? 1 + scatter(identity, 32) : null,
    free_bytes_by_size: process % 8 === 0 ? histogram(seed) : null,
    walk_cpu_us: 3_000 + scatter(seed, 2_000),
    tunables: process % 16 === 0 ? "MALLOC_ARENA_MAX=4" : null,
    cgroup_limit_bytes: 4 * 2 ** 30,
    cgroup_current_bytes: live + free + pages(2_000, 400),
    cgroup_oom_kill_count: 0,
  };
}

const histogram = (seed: number): number[] =>
  Array.from({ length: 24 }, (_, bin) => (scatter(seed + bin, 4) === 0 ? 0 : scatter(seed * 31 + bin, 5_000) * 16 * (bin + 1)));

export const processesOnly = (process: readonly ProcessSample[]): Samples => ({ ...noSamples, process });

export const gzipMember = (host: HostIdentity, samples: Samples): Buffer => gzipSync(encodeBatch(host, samples));
