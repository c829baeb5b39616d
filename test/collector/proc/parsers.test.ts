// Every parser of a kernel file against files captured from Linux 6.18 on x86-64, and against what must not pass.
import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "node:test";
import { isWantedVariable } from "../../../collector/identity/service.ts";
import { parseAuxv } from "../../../collector/proc/auxv.ts";
import { parseCgroup } from "../../../collector/proc/cgroup.ts";
import { parseByteCount, parseMemoryEvents, parseMemoryMax } from "../../../collector/proc/cgroup-memory.ts";
import { parseEnviron } from "../../../collector/proc/environ.ts";
import { parseMaps } from "../../../collector/proc/maps.ts";
import { parseMeminfo } from "../../../collector/proc/meminfo.ts";
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

test("statm counts resident pages, in bytes of the given page size", () => {
  deepEqual(value(parseStatm(fixture("proc/statm"), path, 4_096)), { rss_bytes: 22_952 * KIB });
  deepEqual(value(parseStatm("10 3 0 0 0 0 0\n", path, 65_536)), { rss_bytes: 3 * 65_536 });
  malformedLine(parseStatm("", path, 4_096));
  malformedLine(parseStatm("12043 many 315", path, 4_096));
});

test("stat gives name, state and start tick", () => {
  deepEqual(value(parseStat(fixture("proc/stat"), path)), { comm: "fragmented", state: "S", startTicks: 261_798 });
});

test("stat of a process named to deceive is counted from its last bracket", () => {
  const hostile = fixture("proc/stat").replace("(fragmented)", "(a) R 1 (b\n) S)");
  deepEqual(value(parseStat(hostile, path)), { comm: "a) R 1 (b\n) S", state: "S", startTicks: 261_798 });
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

test("maps counts mappings and names executable files once each", () => {
  deepEqual(value(parseMaps(fixture("proc/maps"), path)), {
    vma_count: 25,
    executablePaths: [
      "/srv/shop/bin/fragmented",
      "/usr/lib/x86_64-linux-gnu/libc.so.6",
      "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
    ],
    rings: [],
  });
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
  deepEqual(value(parseMaps("", path)), { vma_count: 0, executablePaths: [], rings: [] });
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

test("cgroup tells the unified path", () => {
  const cases: readonly [string, string | null][] = [
    ["0::/system.slice/nginx.service\n", "/system.slice/nginx.service"],
    ["12:memory:/ecs/task\n4:cpu,cpuacct:/\n", null],
    ["", null],
  ];
  for (const [text, unifiedPath] of cases) deepEqual(value(parseCgroup(text, path)), { unifiedPath });
  equal(value(parseCgroup(fixture("proc/cgroup"), path)).unifiedPath, "/");
  malformedLine(parseCgroup("nonsense\n", path));
});

test("memory.max is null when unlimited, memory.events counts kills, and both refuse other text", () => {
  equal(value(parseMemoryMax("max\n", path)), null);
  equal(value(parseMemoryMax("536870912\n", path)), 536_870_912);
  equal(value(parseMemoryEvents("low 0\nhigh 3\nmax 7\noom 1\noom_kill 2\n", path)), 2);
  equal(value(parseMemoryEvents("low 0\nhigh 0\nmax 0\noom 0\n", path)), null);
  malformedLine(parseMemoryMax("lots\n", path));
  malformedLine(parseByteCount("-1\n", path));
  malformedLine(parseMemoryEvents("oom_kill some\n", path));
});

test("meminfo gives the host's memory in bytes", () => {
  const meminfo = value(parseMeminfo(fixture("proc/meminfo"), path));
  equal(meminfo.mem_total_bytes, 24_684_084 * KIB);
  equal(meminfo.mem_available_bytes, 24_254_292 * KIB);
  equal(value(parseMeminfo("MemTotal:  8 kB\n", path)).mem_available_bytes, null);
  malformedLine(parseMeminfo("MemAvailable:  8 kB\n", path));
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
