// Parsers of the host's kernel files against files captured from Linux 6.18 on x86-64, older forms, and what must not pass.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { freeBlocksOf, parseBuddyinfo } from "../../../collector/proc/buddyinfo.ts";
import { fragmentationIndexes } from "../../../collector/proc/fragmentation-index.ts";
import { parseMeminfo } from "../../../collector/proc/meminfo.ts";
import { parsePressure } from "../../../collector/proc/pressure.ts";
import type { ProcError } from "../../../collector/proc/read.ts";
import { parseSwaps } from "../../../collector/proc/swaps.ts";
import { parseVmstat } from "../../../collector/proc/vmstat.ts";
import { parseLargestZone } from "../../../collector/proc/zoneinfo.ts";
import type { Result } from "../../../schema/result.ts";
import { fixture } from "../../support/fixtures.ts";

const path = "/proc/some-file";
const KIB = 1_024;

function value<T>(result: Result<T, ProcError>): T {
  if (!result.ok) throw new Error(`did not parse: ${JSON.stringify(result.error)}`);
  return result.value;
}

const isMalformed = (result: Result<unknown, ProcError>) => equal(result.ok ? "parsed" : result.error.kind, "malformed");

test("meminfo gives the host's memory in bytes, and page cache without shared memory", () => {
  deepEqual(value(parseMeminfo(fixture("proc/meminfo"), path)), {
    mem_total_bytes: 24_684_084 * KIB,
    mem_available_bytes: 24_254_292 * KIB,
    mem_free_bytes: 24_257_140 * KIB,
    swap_total_bytes: 0,
    swap_free_bytes: 0,
    anon_bytes: 35_500 * KIB,
    anon_thp_bytes: 0,
    shmem_bytes: 8_872 * KIB,
    page_cache_bytes: (103_520 - 8_872) * KIB,
    slab_reclaimable_bytes: 167_664 * KIB,
    slab_unreclaimable_bytes: 28_384 * KIB,
    dirty_bytes: 192 * KIB,
    writeback_bytes: 0,
    committed_bytes: 104_764 * KIB,
    commit_limit_bytes: 12_342_040 * KIB,
  });
});

test("meminfo: a line that the kernel does not print is null, but without MemTotal it is malformed", () => {
  const old = value(parseMeminfo("MemTotal:  8 kB\nCached:  3 kB\n", path));
  deepEqual([old.mem_available_bytes, old.page_cache_bytes, old.anon_thp_bytes], [null, null, null]);
  equal(value(parseMeminfo("MemTotal:  8 kB\nCached:  3 kB\nShmem:  4 kB\n", path)).page_cache_bytes, 0);
  isMalformed(parseMeminfo("MemAvailable:  8 kB\n", path));
  isMalformed(parseMeminfo("MemTotal:  8 kB\nDirty:  much\n", path));
});

test("pressure gives the totals, and null for a line that is not printed", () => {
  deepEqual(value(parsePressure(fixture("proc/pressure-memory"), path)), { someUs: 266_211, fullUs: 159_625 });
  deepEqual(value(parsePressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=9\n", path)), { someUs: 9, fullUs: null });
  isMalformed(parsePressure("", path));
  isMalformed(parsePressure("some avg10=0.00 total=many\n", path));
});

test("vmstat gives events since boot, swap in bytes, and stalls of all zones together", () => {
  const vmstat = fixture("proc/vmstat")
    .replace("allocstall_normal 0", "allocstall_normal 5")
    .replace("allocstall_movable 0", "allocstall_movable 2");
  const { major_fault_count, thp_fault_alloc_count, ...others } = value(parseVmstat(vmstat, path, 4_096));
  deepEqual(others, {
    swapped_in_bytes: 0,
    swapped_out_bytes: 51_180 * 4_096,
    alloc_stall_count: 7,
    compact_stall_count: 0,
    compact_fail_count: 0,
    thp_fault_fallback_count: 0,
    oom_kill_count: 0,
  });
  equal((major_fault_count ?? 0) > 90_000 && thp_fault_alloc_count === 4_711, true);
});

test("vmstat before Linux 4.10 has one line of stalls; what a kernel does not count is null", () => {
  const old = value(parseVmstat("pgmajfault 3\nallocstall 9\n", path, 65_536));
  deepEqual([old.alloc_stall_count, old.major_fault_count, old.oom_kill_count, old.swapped_out_bytes], [9, 3, null, null]);
  equal(value(parseVmstat("pgmajfault 3\n", path, 4_096)).alloc_stall_count, null);
  isMalformed(parseVmstat("", path, 4_096));
});

test("buddyinfo gives free blocks by order of each zone, and of all zones of all nodes together", () => {
  const zones = value(parseBuddyinfo(fixture("proc/buddyinfo"), path));
  deepEqual(
    zones.map(({ name }) => name),
    ["0 DMA", "0 DMA32", "0 Normal"],
  );
  deepEqual(zones[0]?.freeBlocks, [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 3]);
  const nodes = "Node 0, zone   Normal      1      2      3\nNode 1, zone   Normal     10      0      5 \n";
  deepEqual(freeBlocksOf(value(parseBuddyinfo(nodes, path))), [11, 2, 8]);
  isMalformed(parseBuddyinfo("", path));
  isMalformed(parseBuddyinfo("Node 0, zone   Normal      1      x\n", path));
});

test("zoneinfo tells the zone with the most pages, whatever node it is of", () => {
  equal(value(parseLargestZone(fixture("proc/zoneinfo"), path)), "0 Normal");
  const nodes =
    "Node 0, zone   Normal\n  pages free     9\n        managed  100\nNode 1, zone  Movable\n        managed  101\n";
  equal(value(parseLargestZone(nodes, path)), "1 Movable");
  isMalformed(parseLargestZone("Node 0, zone      DMA\n        managed  0\n", path));
});

// By hand from the text of __fragmentation_index(): 1000 - (1000 + free pages * 1000 / 2^order) / free blocks, whole numbers.
test("the fragmentation index tells want of memory from memory in pieces, as the kernel computes it", () => {
  const cases: readonly [string, readonly number[], readonly number[]][] = [
    ["every request would succeed", [1, 0, 0, 1], [-1_000, -1_000, -1_000, -1_000]],
    ["a zone without free memory", [0, 0, 0], [0, 0, 0]],
    ["1000 single pages: order 1 asks for 2", [1_000, 0, 0], [-1_000, 499, 749]],
    ["one page: of two, half is there", [1, 0, 0], [-1_000, -500, -250]],
    ["three blocks of two pages: order 2 and 3", [0, 3, 0, 0], [-1_000, -1_000, 167, 417]],
  ];
  for (const [what, freeBlocks, indexes] of cases) deepEqual(fragmentationIndexes(freeBlocks), indexes, what);
});

test("swaps names partitions and files, blanks in their names restored", () => {
  const text =
    "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n" +
    "/dev/nvme1n1p2                          partition\t8388604\t\t0\t\t-2\n" +
    "/swap\\040\\134files/one                   file\t\t4194300\t\t0\t\t-3\n";
  deepEqual(value(parseSwaps(text, path)), [
    { path: "/dev/nvme1n1p2", type: "partition" },
    { path: "/swap \\files/one", type: "file" },
  ]);
  deepEqual(value(parseSwaps("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n", path)), []);
  isMalformed(parseSwaps("/dev/sda1 disk 1 2 3\n", path));
});
