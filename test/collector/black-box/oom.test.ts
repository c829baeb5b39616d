// Which deaths are called OOM kills, by counters that a test moves. The kernel moves them in trouble.test.ts.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { createOomWatch, memoryCounters } from "../../../collector/black-box/oom.ts";

const HOST = "/proc/vmstat";

/** Counters by file; a kill counts in all that are named and in the host's. */
function kernel(...files: readonly string[]) {
  const counts = new Map([HOST, ...files].map((file) => [file, 0]));
  const reads: string[] = [];
  const watch = createOomWatch((path) => {
    reads.push(path);
    const count = counts.get(path);
    return count === undefined ? null : `low 0\noom_kill ${count}\noom_group_kill 0\n`;
  });
  const kill = (...counted: readonly string[]) => {
    for (const file of [HOST, ...counted]) counts.set(file, (counts.get(file) ?? 0) + 1);
  };
  return { watch, kill, reads, counts };
}

const death = (rssBytes: number, ...counters: readonly string[]) => ({ rssBytes, counters });

test("a death in a group whose count rose is a kill, one in another group is none", () => {
  const { watch, kill } = kernel("/a", "/b");
  watch.learn(["/a", "/b"]);
  kill("/a");
  deepEqual(watch.judge([death(1, "/a"), death(9, "/b")], 0), [true, false]);
});

test("counts from before a group was known are no evidence", () => {
  const { watch, kill } = kernel("/a");
  kill("/a");
  watch.learn(["/a"]);
  deepEqual(watch.judge([death(1, "/a")], 0), [false]);
});

test("of several deaths in one group as many are kills as were counted: the largest", () => {
  const { watch, kill } = kernel("/a");
  watch.learn(["/a"]);
  kill("/a");
  kill("/a");
  deepEqual(watch.judge([death(5, "/a"), death(7, "/a"), death(6, "/a")], 0), [false, true, true]);
  deepEqual(watch.judge([death(5, "/a")], 1), [false], "and none is counted twice");
});

test("who takes two ticks to die is a kill still, but not who dies a minute later", () => {
  const { watch, kill } = kernel("/a");
  watch.learn(["/a"]);
  kill("/a");
  deepEqual(watch.judge([], 0), []);
  deepEqual(watch.judge([death(5, "/a")], 20_000), [true]);
  kill("/a");
  watch.judge([], 20_000);
  deepEqual(watch.judge([death(5, "/a")], 80_000), [false]);
});

test("when the group went with its process, the group above it tells, and the siblings' claims are its own", () => {
  const { watch, kill, counts } = kernel("/pod", "/pod/one", "/pod/two");
  watch.learn(["/pod/one", "/pod"]);
  watch.learn(["/pod/two", "/pod"]);
  kill("/pod", "/pod/one");
  counts.delete("/pod/one");
  deepEqual(watch.judge([death(5, "/pod/one", "/pod")], 0), [true]);
  kill("/pod", "/pod/two");
  deepEqual(watch.judge([death(9, "/pod/one", "/pod"), death(5, "/pod/two", "/pod")], 10_000), [false, true]);
});

test("without any group that tells, the host's count is evidence for a single death alone", () => {
  const { watch, kill } = kernel();
  kill();
  deepEqual(watch.judge([death(5)], 0), [true]);
  kill();
  deepEqual(watch.judge([death(5), death(6)], 10_000), [false, false]);
  deepEqual(kernel().watch.judge([death(5)], 0), [false], "it has not risen");
});

test("a death whose own group says that it was no kill does not blur the one that nobody can tell", () => {
  const { watch, kill } = kernel("/a");
  watch.learn(["/a"]);
  kill();
  deepEqual(watch.judge([death(5), death(6, "/a")], 0), [true, false]);
});

test("while the host's count stands still no group is read", () => {
  const { watch, reads } = kernel("/a", "/b");
  watch.learn(["/a", "/b"]);
  reads.length = 0;
  for (let tick = 0; tick < 10; tick++) watch.judge([death(1, "/a")], tick);
  deepEqual(new Set(reads), new Set([HOST]));
});

test("groups that no process is in any more are forgotten", () => {
  const { watch, kill } = kernel("/a", "/b");
  watch.learn(["/a", "/b"]);
  watch.keep(["/b"]);
  kill("/a");
  deepEqual(watch.judge([death(1, "/a"), death(1, "/b")], 0), [true, false], "the host's count alone is left for it");
});

test("a kernel that counts no kills tells none", () => {
  const watch = createOomWatch(() => "pgfault 1\n");
  watch.learn(["/a"]);
  deepEqual(watch.judge([death(1, "/a")], 0), [false]);
});

test("the files that count: v1's own alone, v2's with all above it, and none outside of the tree", () => {
  const v1 = { v1MemoryPath: "/docker/1", unifiedPath: "/docker/1" };
  deepEqual(memoryCounters(v1), ["/sys/fs/cgroup/memory/docker/1/memory.oom_control"]);
  const v2 = { v1MemoryPath: null, unifiedPath: "/kubepods/pod1/c1" };
  deepEqual(memoryCounters(v2), [
    "/sys/fs/cgroup/kubepods/pod1/c1/memory.events",
    "/sys/fs/cgroup/kubepods/pod1/memory.events",
    "/sys/fs/cgroup/kubepods/memory.events",
  ]);
  for (const path of ["/../../etc", "/a/../../etc", "/"]) {
    deepEqual(memoryCounters({ v1MemoryPath: null, unifiedPath: path }), []);
  }
  deepEqual(memoryCounters({ v1MemoryPath: "/../x", unifiedPath: "/ok" }), []);
  deepEqual(memoryCounters({ v1MemoryPath: null, unifiedPath: null }), []);
  equal(memoryCounters({ v1MemoryPath: null, unifiedPath: "/a".repeat(2_000) }).length, 32);
});
