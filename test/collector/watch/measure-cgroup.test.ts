// Control groups of both versions from folders that look like them, and a real one of this machine.
import { deepEqual, equal, ok } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parseCgroup } from "../../../collector/proc/cgroup.ts";
import { createCgroups } from "../../../collector/watch/measure-cgroup.ts";
import { fileTree } from "../../support/file-tree.ts";
import { skipReason } from "../../support/need.ts";

const MIB = 1_024 * 1_024;
const v2 = (unifiedPath: string) => ({ unifiedPath, v1MemoryPath: null });
const v1 = (v1MemoryPath: string) => ({ unifiedPath: "/", v1MemoryPath });

const group = (path: string, max: string, current = "1048576") => ({
  [`${path}/memory.max`]: `${max}\n`,
  [`${path}/memory.current`]: `${current}\n`,
  [`${path}/memory.events`]: "low 0\nhigh 4\nmax 3\noom 1\noom_kill 2\noom_group_kill 0\n",
  [`${path}/memory.stat`]: "anon 700000\nfile 300000\nkernel 40000\nanon_thp 0\nfile_mapped 9\n",
});
const unified = { "cgroup.controllers": "cpu memory\n" };
const NOTHING_READ = {};

test("a v2 group tells its limit, its use by kind, and its events", () => {
  const root = fileTree({ ...unified, ...group("app.slice/shop.service", "536870912"), ...group("app.slice", "max") });
  deepEqual(createCgroups(root)(v2("/app.slice/shop.service")), {
    cgroup_limit_bytes: 512 * MIB,
    cgroup_current_bytes: MIB,
    cgroup_anon_bytes: 700_000,
    cgroup_cache_bytes: 300_000,
    cgroup_high_count: 4,
    cgroup_max_count: 3,
    cgroup_oom_kill_count: 2,
  });
});

test("the limit is the lowest of the group and all above it, as a pod's stands above its containers'", () => {
  const cases: readonly [string, readonly [string, string, string], number | null][] = [
    ["the container's own", ["max", "200", "100"], 100],
    ["the pod's", ["max", "100", "200"], 100],
    ["the pod's where the container has none", ["max", "100", "max"], 100],
    ["that of all pods", ["50", "100", "max"], 50],
    ["none", ["max", "max", "max"], null],
    ["not known where one says something else", ["max", "lots", "100"], null],
  ];
  for (const [what, [pods, pod, container], limit] of cases) {
    const tree = { ...group("kubepods", pods), ...group("kubepods/pod1", pod), ...group("kubepods/pod1/c1", container) };
    const columns = createCgroups(fileTree({ ...unified, ...tree }))(v2("/kubepods/pod1/c1"));
    equal(columns.cgroup_limit_bytes, limit, what);
  }
});

test("a group without memory files is charged to the nearest above it that has them", () => {
  const root = fileTree({ ...unified, ...group("system.slice", "100", "7"), "system.slice/a.service/b/cgroup.procs": "" });
  const { cgroup_current_bytes, cgroup_limit_bytes } = createCgroups(root)(v2("/system.slice/a.service/b"));
  deepEqual([cgroup_current_bytes, cgroup_limit_bytes], [7, 100]);
});

test("a kernel without some of the files leaves their columns null", () => {
  const root = fileTree({ ...unified, "a/memory.current": "5\n", "a/memory.max": "9\n", "a/memory.events": "high 1\nmax 2\n" });
  deepEqual(createCgroups(root)(v2("/a")), {
    cgroup_limit_bytes: 9,
    cgroup_current_bytes: 5,
    cgroup_anon_bytes: null,
    cgroup_cache_bytes: null,
    cgroup_high_count: 1,
    cgroup_max_count: 2,
    cgroup_oom_kill_count: null,
  });
});

test("on a hybrid host the unified hierarchy is looked for beside those of v1", () => {
  const root = fileTree(group("unified/a", "100"));
  equal(createCgroups(root)(v2("/a")).cgroup_limit_bytes, 100);
});

const groupOfV1 = {
  "memory/ecs/task/memory.usage_in_bytes": "1048576\n",
  "memory/ecs/task/memory.failcnt": "12\n",
  "memory/ecs/task/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
  "memory/ecs/task/memory.stat":
    "cache 1\nrss 2\nhierarchical_memory_limit 536870912\nhierarchical_memsw_limit 9223372036854771712\ntotal_cache 300000\ntotal_rss 700000\n",
};

test("a v1 group tells the lowest limit by itself, and its failed charges as events", () => {
  deepEqual(createCgroups(fileTree(groupOfV1))(v1("/ecs/task")), {
    cgroup_limit_bytes: 512 * MIB,
    cgroup_current_bytes: MIB,
    cgroup_anon_bytes: 700_000,
    cgroup_cache_bytes: 300_000,
    cgroup_max_count: 12,
    cgroup_oom_kill_count: 2,
  });
});

test("a v1 group without a limit has none, and before Linux 4.13 no kills are counted", () => {
  const files = {
    ...groupOfV1,
    "memory/ecs/task/memory.stat": "hierarchical_memory_limit 9223372036854771712\ntotal_cache 1\ntotal_rss 2\n",
    "memory/ecs/task/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n",
  };
  const { cgroup_limit_bytes, cgroup_oom_kill_count, cgroup_anon_bytes } = createCgroups(fileTree(files))(v1("/ecs/task"));
  deepEqual([cgroup_limit_bytes, cgroup_oom_kill_count, cgroup_anon_bytes], [null, null, 2]);
});

test("what is outside of the tree, in its root, gone, or nested to keep us busy gives nothing", () => {
  const deep = "/d".repeat(33);
  const root = fileTree({ ...unified, ...group(".", "1"), ...group("a", "1"), ...group(deep.slice(1), "1") });
  const cgroups = createCgroups(root);
  const paths = ["/", "/../..", "/../a", "/a/../a", "//a", "/gone", "/a (deleted)", deep];
  for (const path of paths) deepEqual(cgroups(v2(path)), NOTHING_READ, path);
  deepEqual(cgroups(null), NOTHING_READ);
  deepEqual(cgroups({ unifiedPath: null, v1MemoryPath: null }), NOTHING_READ);
  equal(cgroups(v2("/a")).cgroup_limit_bytes, 1);
});

test("a group is read once a round, however many processes are in it, and so are those above it", () => {
  const root = fileTree({ ...unified, ...group("pod", "100"), ...group("pod/a", "max", "1"), ...group("pod/b", "max", "2") });
  const round = createCgroups(root);
  equal(round(v2("/pod/a")).cgroup_limit_bytes, 100);
  writeFileSync(`${root}/pod/memory.max`, "50\n");
  writeFileSync(`${root}/pod/a/memory.current`, "9\n");
  const [first, second] = [round(v2("/pod/a")), round(v2("/pod/b"))];
  deepEqual([first.cgroup_current_bytes, first.cgroup_limit_bytes], [1, 100]);
  deepEqual([second.cgroup_current_bytes, second.cgroup_limit_bytes], [2, 100]);
  equal(createCgroups(root)(v2("/pod/a")).cgroup_limit_bytes, 50);
});

const made: string[] = [];
const started: ChildProcess[] = [];
after(async () => {
  for (const child of started)
    if (child.exitCode === null && child.signalCode === null && child.kill("SIGKILL")) await once(child, "exit");
  for (const folder of made.toReversed()) await removeGroup(folder);
});

/** The kernel takes a moment to let go of a group whose last process has ended. */
async function removeGroup(folder: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    try {
      return rmdirSync(folder);
    } catch {
      await sleep(20);
    }
  }
}

/** A new group with a limit of 64 MiB, where this machine accounts for memory and lets us make one; else a reason. */
function limitedGroup(): { readonly folder: string } | string {
  for (const [root, limitFile] of [
    ["/sys/fs/cgroup/memory", "memory.limit_in_bytes"],
    ["/sys/fs/cgroup", "memory.max"],
  ] as const) {
    const folder = `${root}/tidemark-test-${process.pid}`;
    try {
      mkdirSync(folder);
    } catch {
      continue;
    }
    made.push(folder);
    if (!existsSync(`${folder}/${limitFile}`)) continue;
    writeFileSync(`${folder}/${limitFile}`, String(64 * MIB));
    if (limitFile === "memory.max") writeFileSync(`${folder}/cgroup.subtree_control`, "+memory");
    return { folder };
  }
  return skipReason("this machine lets nobody make a cgroup with a memory controller");
}

const limited = limitedGroup();
const real = typeof limited === "string" ? { skip: limited } : {};

/** A program of python3 in a group of its own below the limited one; it moves there first, so that all its memory is charged there. */
function startBelow(name: string, program: string) {
  const folder = typeof limited === "string" ? "" : `${limited.folder}/${name}`;
  mkdirSync(folder);
  made.push(folder);
  const script = `echo $$ > ${folder}/cgroup.procs; exec python3 -c "${program}"`;
  const child = spawn("sh", ["-c", script], { stdio: ["pipe", "pipe", "ignore"] });
  started.push(child);
  const path = folder.replace(/^\/sys\/fs\/cgroup(\/memory)?/, "");
  return { child, cgroup: folder.startsWith("/sys/fs/cgroup/memory/") ? v1(path) : v2(path) };
}

test("a real process below a real limit shows the limit and its use", real, async () => {
  const { child, cgroup } = startBelow("holds", "b = bytearray(20 << 20); print('ready', flush=True); input()");
  await once(child.stdout, "data");
  const path = `/proc/${child.pid}/cgroup`;
  const parsed = parseCgroup(readFileSync(path, "latin1"), path);
  if (!parsed.ok) throw new Error(parsed.error.kind);
  equal(parsed.value.v1MemoryPath ?? parsed.value.unifiedPath, cgroup.v1MemoryPath ?? cgroup.unifiedPath);
  const columns = createCgroups()(parsed.value);
  equal(columns.cgroup_limit_bytes, 64 * MIB);
  ok((columns.cgroup_anon_bytes ?? 0) > 20 * MIB);
  ok((columns.cgroup_current_bytes ?? 0) >= (columns.cgroup_anon_bytes ?? 0));
  deepEqual([columns.cgroup_oom_kill_count, columns.cgroup_max_count], [0, 0]);
});

test(
  "a real process that is killed for want of memory is counted in its group, although the limit stands above",
  real,
  async () => {
    const { child, cgroup } = startBelow("grows", "b = bytearray(200 << 20)");
    const [, signal] = await once(child, "exit");
    equal(signal, "SIGKILL");
    equal(createCgroups()(cgroup).cgroup_oom_kill_count, 1);
  },
);
