// Every parser of a kernel file against files captured from Linux 6.18 on x86-64, and against what must not pass.
import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "node:test";
import { isWantedVariable } from "../../../collector/identity/service.ts";
import { parseAuxv } from "../../../collector/proc/auxv.ts";
import { parseCgroup } from "../../../collector/proc/cgroup.ts";
import { limitOfV1, parseByteCount, parseCounts, parseMemoryMax } from "../../../collector/proc/cgroup-memory.ts";
import { parseEnviron } from "../../../collector/proc/environ.ts";
import { parseMaps } from "../../../collector/proc/maps.ts";
import type { ProcError } from "../../../collector/proc/read.ts";
import { parseSmapsRollup } from "../../../collector/proc/smaps-rollup.ts";
import { parseStat } from "../../../collector/proc/stat.ts";
import { parseStatm } from "../../../collector/proc/statm.ts";
import { parseStatus } from "../../../collector/proc/status.ts";
import type { Result } from "../../../schema/result.ts";
import { fixture, fixtureBytes } from "../../support/fixtures.ts";

const path = "/proc/1/some-file";
const KIB = 1_024;

function value<T>(result: Result<T, ProcError>): T {
  if (!result.ok) throw new Error(`did not parse: ${JSON.stringify(result.error)}`);
  return result.value;
}

function malformedLine(result: Result<unknown, ProcError>): string {
  equal(result.ok, false);
  if (result.ok || result.error.kind !== "malformed") throw new Error("expected a malformed file");
  equal(result.error.path, path);
  return result.error.line;
}

test("status gives memory by kind in bytes, threads, and users", () => {
  deepEqual(value(parseStatus(fixture("proc/status"), path)), {
    thread_count: 1,
    rss_bytes: 22_952 * KIB,
    anon_bytes: 21_692 * KIB,
    file_bytes: 1_260 * KIB,
    shmem_bytes: 0,
    swap_bytes: 0,
    virtualBytesMax: 48_172 * KIB,
    ownPid: 31_444,
    uids: [0, 0, 0, 0],
  });
});

test("status of a kernel thread has no memory: null, not zero", () => {
  const status = value(parseStatus(fixture("proc/status-kernel-thread"), path));
  deepEqual([status.rss_bytes, status.swap_bytes], [null, null]);
});

test("status of a process in a container ends with its pid there, and an old kernel tells none", () => {
  const inContainer = fixture("proc/status").replace("NSpid:\t31444", "NSpid:\t31444\t1");
  equal(value(parseStatus(inContainer, path)).ownPid, 1);
  const old = value(parseStatus("Threads:\t1\n", path));
  deepEqual([old.ownPid, old.uids], [null, []]);
});

test("status with a wanted line that is not a number of kB is malformed, not zero", () => {
  equal(malformedLine(parseStatus("Threads:\t1\nVmRSS:\t  many kB\n", path)), "VmRSS:\t  many kB");
  equal(malformedLine(parseStatus("Threads:\t1\nVmRSS:\t  12 MB\n", path)), "VmRSS:\t  12 MB");
  malformedLine(parseStatus("", path));
});

test("statm counts address space, resident and shared pages, in bytes of the given page size", () => {
  const read = { rss_bytes: 22_952 * KIB, shared_bytes: 1_260 * KIB, virtual_bytes: 48_172 * KIB };
  deepEqual(value(parseStatm(fixture("proc/statm"), path, 4_096)), read);
  const large = { rss_bytes: 3 * 65_536, shared_bytes: 65_536, virtual_bytes: 10 * 65_536 };
  deepEqual(value(parseStatm("10 3 1 0 0 0 0\n", path, 65_536)), large);
  malformedLine(parseStatm("", path, 4_096));
  malformedLine(parseStatm("12043 many 315", path, 4_096));
});

test("stat gives name, state, start tick, major faults and threads", () => {
  const read = { state: "S", startTicks: 261_798, major_fault_count: 0, thread_count: 1 };
  deepEqual(value(parseStat(fixture("proc/stat"), path)), { comm: "fragmented", ...read });
  const busy = fixture("proc/stat").replace(" 5511 0 0 0 ", " 5511 0 81 7 ").replace(" 20 0 1 0 ", " 20 -5 12 0 ");
  deepEqual(value(parseStat(busy, path)), { comm: "fragmented", ...read, major_fault_count: 81, thread_count: 12 });
});

test("stat of a process named to deceive is counted from its last bracket", () => {
  const hostile = fixture("proc/stat").replace("(fragmented)", "(a) R 1 (b\n) S)");
  const { comm, state, startTicks } = value(parseStat(hostile, path));
  deepEqual([comm, state, startTicks], ["a) R 1 (b\n) S", "S", 261_798]);
});

test("stat cut short is malformed", () => {
  malformedLine(parseStat("31444 (fragmented) S 1 2 3", path));
  malformedLine(parseStat("", path));
});

test("smaps_rollup gives proportional set size and huge pages", () => {
  deepEqual(value(parseSmapsRollup(fixture("proc/smaps_rollup"), path)), { pss_bytes: 21_892 * KIB, thp_bytes: 0 });
});

test("smaps_rollup: a line without kB, or no Pss at all, is malformed, not zero", () => {
  equal(malformedLine(parseSmapsRollup("head\nPss: 4\n", path)), "Pss: 4");
  malformedLine(parseSmapsRollup("head\nRss:  4 kB\n", path));
});

test("maps counts mappings, those that are small and private, and names executable files once each", () => {
  deepEqual(value(parseMaps(fixture("proc/maps"), path)), {
    vma_count: 25,
    small_mapping_count: 3,
    small_mapping_bytes: 72 * KIB,
    executablePaths: [
      "/srv/shop/bin/fragmented",
      "/usr/lib/x86_64-linux-gnu/libc.so.6",
      "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
    ],
    rings: [],
    perfData: null,
  });
});

test("a small mapping is private, belongs to no file, may be read or written, and is below 1 MiB", () => {
  const cases: readonly [string, number | null][] = [
    ["7f0000000000-7f0000001000 rw-p 00000000 00:00 0 ", 4 * KIB],
    ["7f0000000000-7f00000ff000 r--p 00000000 00:00 0 ", 1_020 * KIB],
    ["7f0000000000-7f0000100000 rw-p 00000000 00:00 0 ", null],
    ["7f0000000000-7f0000001000 ---p 00000000 00:00 0 ", null],
    ["7f0000000000-7f0000001000 rw-s 00000000 00:01 77                         /dev/zero (deleted)", null],
    ["7f0000000000-7f0000001000 rw-p 00002000 fe:00 77                         /usr/lib/libc.so.6", null],
    ["7f0000000000-7f0000001000 rw-p 00000000 00:00 0                          [anon: glibc: malloc]", 4 * KIB],
    ["55d0a3c5e000-55d0a3c7f000 rw-p 00000000 00:00 0                          [heap]", null],
    ["7ffc1c0e0000-7ffc1c101000 rw-p 00000000 00:00 0                          [stack]", null],
    ["fffffffffe000000-fffffffffe002000 rwxp 00000000 00:00 0 ", 8 * KIB],
  ];
  for (const [line, bytes] of cases) {
    const maps = value(parseMaps(`${line}\n`, path));
    deepEqual([maps.small_mapping_count, maps.small_mapping_bytes], bytes === null ? [0, 0] : [1, bytes], line);
  }
});

test("maps of a JVM name the file of its figures, with its name in UTF-8 and whether it is gone", () => {
  const line = "7f1c2a000000-7f1c2a008000 rw-s 00000000 fe:00 10585 /tmp/hsperfdata_j\u00f6rg/4711";
  const maps = Buffer.from(`${line}\n`).toString("latin1");
  const file = { path: "/tmp/hsperfdata_j\u00f6rg/4711", device: "fe:00", inode: "10585", isDeleted: false };
  deepEqual(value(parseMaps(maps, path)).perfData, file);
  deepEqual(value(parseMaps(maps.replace("\n", " (deleted)\n"), path)).perfData, { ...file, isDeleted: true });
  equal(value(parseMaps(maps.replace("rw-s", "rw-p"), path)).perfData, null);
  equal(value(parseMaps(maps.replace("4711", "4711x"), path)).perfData, null);
});

test("maps of a process with the shim name its ring, which may be deleted by now", () => {
  const ring = {
    kind: "ring",
    path: "/run/tidemark/rings/25790-18eab6cef8b1d97c.ring",
    device: "fe:00",
    inode: "10585962",
    isDeleted: false,
  };
  const maps = fixture("proc/maps-with-shim");
  deepEqual(value(parseMaps(maps, path)).rings, [ring]);
  deepEqual(value(parseMaps(maps.replace(".ring\n", ".ring (deleted)\n"), path)).rings, [{ ...ring, isDeleted: true }]);
  deepEqual(value(parseMaps(maps.replace("rw-s", "rw-p"), path)).rings, []);
});

test("maps of a process without memory is empty, and text that is no map is malformed", () => {
  const { vma_count, executablePaths, rings } = value(parseMaps("", path));
  deepEqual([vma_count, executablePaths, rings], [0, [], []]);
  malformedLine(parseMaps("Permission denied\n", path));
});

test("environ gives the wanted variables and no other", () => {
  const wanted = value(parseEnviron(fixture("proc/environ"), isWantedVariable));
  deepEqual(
    [...wanted],
    [
      ["OTEL_SERVICE_NAME", "checkout"],
      ["OTEL_RESOURCE_ATTRIBUTES", "service.version=1.4.2,deployment.environment.name=prod%20eu"],
      ["MALLOC_ARENA_MAX", "2"],
    ],
  );
});

test("environ: the first of two wins as in getenv, entries without a name are passed over, UTF-8 is kept", () => {
  const text = Buffer.from("=x\0OTEL_SERVICE_NAME=kasse-süd\0OTEL_SERVICE_NAME=later\0noequals\0").toString("latin1");
  deepEqual([...value(parseEnviron(text, isWantedVariable))], [["OTEL_SERVICE_NAME", "kasse-süd"]]);
});

test("cgroup tells the path in the unified hierarchy, and in that of v1 which accounts for memory", () => {
  const cases: readonly [string, string | null, string | null][] = [
    ["0::/system.slice/nginx.service\n", "/system.slice/nginx.service", null],
    ["12:memory:/ecs/task\n4:cpu,cpuacct:/\n", null, "/ecs/task"],
    ["5:cpuset,memory:/a:b\n0::/\n", "/", "/a:b"],
    ["3:name=memory:/x\n2:memoryless:/y\n", null, null],
    ["0::/caf\u00c3\u00a9\n", "/caf\u00e9", null],
    ["", null, null],
  ];
  for (const [text, unifiedPath, v1MemoryPath] of cases) {
    deepEqual(value(parseCgroup(text, path)), { unifiedPath, v1MemoryPath });
  }
  equal(value(parseCgroup(fixture("proc/cgroup"), path)).unifiedPath, "/");
  malformedLine(parseCgroup("nonsense\n", path));
});

test("memory.max is null when unlimited, as is v1's largest number, and other text is malformed", () => {
  equal(value(parseMemoryMax("max\n", path)), null);
  equal(value(parseMemoryMax("536870912\n", path)), 536_870_912);
  equal(limitOfV1(value(parseByteCount("9223372036854771712\n", path))), null);
  deepEqual([limitOfV1(536_870_912), limitOfV1(null)], [536_870_912, null]);
  malformedLine(parseMemoryMax("lots\n", path));
  malformedLine(parseByteCount("-1\n", path));
});

test("counts come in the order asked for; a line that is not there is null, one without a number is malformed", () => {
  const events = "low 0\nhigh 3\nmax 7\noom 1\noom_kill 2\n";
  deepEqual(value(parseCounts("oom_kill", "high")(events, path)), [2, 3]);
  deepEqual(value(parseCounts("oom_kill")("low 0\nhigh 0\nmax 0\noom 0\n", path)), [null]);
  equal(malformedLine(parseCounts("oom_kill")("oom_kill some\n", path)), "oom_kill some");
});

test("auxv gives page size and clock ticks, and an empty one is an error", () => {
  deepEqual(parseAuxv(fixtureBytes("proc/auxv-x86-64")), { pageBytes: 4_096, ticksPerSecond: 100 });
  let message = "";
  try {
    parseAuxv(Buffer.alloc(0));
  } catch (error) {
    message = String(error);
  }
  match(message, /auxv of 0 bytes/);
});
