// Proves that the shim follows a process through its life: fork, exec, daemons, closed descriptors, changed users, filters, death.
// It leaves loading to shim.test.ts and relief to shim-relief.test.ts.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { missing, skipReason } from "../support/need.ts";
import {
  allocators,
  freshRecord,
  jemalloc,
  missingLibrary,
  type Peer,
  peer,
  removeRingFolders,
  ringFolder,
  ringNames,
  ringOf,
  ringSeen,
  shim,
  shimEnv,
  startPeer,
  until,
} from "./shim-ring.ts";
import { endTargets, make, numberOf } from "./target.ts";

const needsRoot = process.getuid?.() === 0 ? false : skipReason("this needs root");
const needsJemalloc = missingLibrary(jemalloc);

before(() => make("all", "test-programs"));
after(() => {
  endTargets();
  removeRingFolders();
});

/** The thread of the shim in a process, by its name. */
const shimThread = (pid: number): string | undefined =>
  readdirSync(`/proc/${pid}/task`).find((thread) => readFileSync(`/proc/${pid}/task/${thread}/comm`, "utf8") === "tidemark\n");

/** A peer whose ring is there. */
async function startMeasured(allocator: string): Promise<Peer> {
  const it = await startPeer(allocator);
  await ringSeen(it.folder, it.pid);
  return it;
}

for (const allocator of allocators) {
  test(`${allocator}: a forked child has a ring of its own, and its parent's goes on`, {
    skip: missingLibrary(allocator),
  }, async () => {
    const { pid, ask, folder, tell } = await startMeasured(allocator);
    const child = numberOf(await ask("fork"), "pid");
    const childRing = await ringSeen(folder, child);
    assert.deepEqual([childRing.header.pid, ringOf(folder, pid)?.header.pid], [child, pid]);
    assert.equal(childRing.records.at(-1)?.number, 1);
    await freshRecord(folder, pid);
    await freshRecord(folder, child);
    assert.equal((await ask("grow 10 10")).get("threads"), "2");
    tell("leave");
    assert.deepEqual([ringNames(folder, pid).length, ringNames(folder, child).length], [1, 1]);
  });

  test(`${allocator}: hundreds of forks while it measures all end well`, { skip: missingLibrary(allocator) }, async () => {
    const { ask } = await startMeasured(allocator);
    await ask("grow 1000 1000");
    assert.equal((await ask("forks 500")).get("failures"), "0");
  });
}

test("a child's child has a ring as well", { skip: needsJemalloc }, async () => {
  const { ask, folder } = await startMeasured(jemalloc);
  await ask("fork");
  const grandchild = numberOf(await ask("fork"), "pid");
  await ringSeen(folder, grandchild);
});

test("a child of a process with threads stays silent for good, and so do its children", { skip: needsJemalloc }, async () => {
  const { ask, folder, pid } = await startMeasured(jemalloc);
  assert.equal((await ask("thread")).get("threads"), "3");
  const child = numberOf(await ask("fork"), "pid");
  assert.equal((await ask("grow 10 10")).get("threads"), "1");
  const grandchild = numberOf(await ask("fork"), "pid");
  assert.equal((await ask("grow 10 10")).get("threads"), "1");
  await freshRecord(folder, pid);
  assert.deepEqual([...ringNames(folder, child), ...ringNames(folder, grandchild)], []);
});

test("a child forked by the handler of a crash runs nothing of the shim", { skip: needsJemalloc }, async () => {
  const { ask } = await startMeasured(jemalloc);
  await ask("crash");
  assert.equal((await ask("grow 1 1")).get("threads"), "1");
});

test("a daemon, forked twice and with every descriptor closed, has a ring", { skip: needsJemalloc }, async () => {
  const { ask, folder } = await startMeasured(jemalloc);
  const daemon = numberOf(await ask("daemon"), "pid");
  await ask("close");
  await freshRecord(folder, daemon);
});

test("a program that closes every descriptor, at once or later, keeps its ring", { skip: needsJemalloc }, async () => {
  const atOnce = await startPeer(jemalloc);
  await atOnce.ask("close");
  await freshRecord(atOnce.folder, atOnce.pid);
  await atOnce.ask("close");
  await freshRecord(atOnce.folder, atOnce.pid);
});

test("exec starts anew: the same process has a second ring, and the newer one is written", {
  skip: needsJemalloc,
}, async () => {
  const { pid, ask, folder } = await startMeasured(jemalloc);
  const state = await ask("exec");
  assert.deepEqual([numberOf(state, "pid"), state.get("threads")], [pid, "2"]);
  await until("a second ring", () => ringNames(folder, pid).length === 2);
  await freshRecord(folder, pid);
});

test("vfork runs nothing of the shim", { skip: needsJemalloc }, async () => {
  const { ask, folder, pid } = await startMeasured(jemalloc);
  assert.equal((await ask("vfork")).get("threads"), "2");
  await freshRecord(folder, pid);
  assert.equal(ringNames(folder).length, 1);
});

test("setuid, which glibc carries out in every thread, does not wait for ours", {
  skip: needsRoot || needsJemalloc,
}, async () => {
  const { ask, folder, pid } = await startMeasured(jemalloc);
  assert.equal((await ask("user")).get("failed"), "0");
  await freshRecord(folder, pid);
});

test("a filter that a program takes on for itself leaves the ring going", { skip: needsJemalloc }, async () => {
  const { ask, folder, pid } = await startMeasured(jemalloc);
  assert.equal((await ask("filter 0")).get("failed"), "0");
  await freshRecord(folder, pid);
  assert.equal((await ask("grow 10 10")).get("threads"), "2");
});

test("under a filter for all threads, which ends who makes any call of ours, the thread sleeps for good", {
  skip: needsJemalloc,
}, async () => {
  const { ask, folder, pid } = await startMeasured(jemalloc);
  const thread = shimThread(pid);
  assert.equal((await ask("filter 1")).get("failed"), "0");
  // Four arguments of futex: the word, FUTEX_WAIT_PRIVATE, its value, and no time after which to wake.
  const asleep = / 0x80 0x0 0x0 /;
  await until("sleeping without end", () => asleep.test(readFileSync(`/proc/${pid}/task/${thread}/syscall`, "utf8")));
  const last = ringOf(folder, pid)?.records[0]?.number;
  assert.equal((await ask("grow 1000 1000")).get("threads"), "2");
  assert.equal(ringOf(folder, pid)?.records[0]?.number, last);
});

test("after kill -9 the ring stays, whole and readable", { skip: needsJemalloc }, async () => {
  const { tell, folder, pid, ended } = await startMeasured(jemalloc);
  const { number } = await freshRecord(folder, pid);
  tell("kill");
  await ended;
  assert.ok((ringOf(folder, pid)?.records[0]?.number ?? 0) >= number);
  assert.equal(ringOf(folder, pid)?.header.pid, pid);
});

test("records fill 16 slots and then take the oldest", { skip: needsJemalloc }, async () => {
  const { folder, pid } = await startMeasured(jemalloc);
  const ring = await until("the 20th record", () => {
    const seen = ringOf(folder, pid);
    return (seen?.records[0]?.number ?? 0) >= 20 ? seen : null;
  });
  const numbers = ring.records.map(({ number }) => number);
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => (numbers[0] ?? 0) - index),
  );
  assert.ok(numbers.length === 16 || numbers.length === 15, "one may be being written");
});

test("the environment and the working of bash with 800 forks are as before", { skip: missing("bash") || needsJemalloc }, () => {
  const script = "for i in $(seq 400); do x=$(echo $i); (exit $((i % 7))) || true; echo $x; done | sha256sum; echo end >&2";
  const run = (env: Record<string, string>) => {
    const { status, stdout, stderr } = spawnSync("bash", ["-c", script], { env: { PATH: process.env["PATH"] ?? "", ...env } });
    return [status, String(stdout), String(stderr)];
  };
  assert.deepEqual(run(shimEnv(ringFolder(), shim, jemalloc)), run({ LD_PRELOAD: jemalloc }));
});

test("the thread measures less often where that costs more than it should, and says so", { skip: needsJemalloc }, async () => {
  // Each thread has an arena of its own, and 300 take jemalloc several ms to sum up: far more than 0.05 % of 100 ms.
  const { folder, pid, ask } = await startPeer(jemalloc, { MALLOC_CONF: "narenas:1000" });
  for (let count = 0; count < 300; count++) await ask("thread");
  const ring = await until("a longer interval", () => {
    const seen = ringOf(folder, pid);
    return (seen?.records[0]?.probe_cpu_us ?? 0) > 1_000 && (seen?.header.intervalMs ?? 0) > 100 ? seen : null;
  });
  assert.ok((ring.header.intervalMs ?? 0) >= (ring.records[0]?.probe_cpu_us ?? Number.POSITIVE_INFINITY) * 1.99);
});

test("the file system of the rings can fill up later: no store into the ring fails", {
  skip: needsRoot || needsJemalloc,
}, async () => {
  const folder = ringFolder();
  // Only the program itself is preloaded: a ring of the shell's, made before the mount, would be taken for its.
  const preloaded = Object.entries(shimEnv(folder, shim, jemalloc)).map(([name, value]) => `${name}=${value}`);
  const script = `mount -t tmpfs -o size=100k none "$1"; chmod 1733 "$1"; shift; exec env "$@"`;
  const child = spawn("unshare", ["-m", "sh", "-ec", script, "sh", folder, ...preloaded, peer], {
    env: { PATH: process.env["PATH"] ?? "" },
    stdio: ["pipe", "ignore", "inherit"],
  });
  const inside = join(`/proc/${child.pid}/root`, folder);
  try {
    const pid = child.pid ?? 0;
    await until("a ring on the small file system", () => ringOf(inside, pid));
    const filled = spawnSync("dd", ["if=/dev/zero", `of=${inside}/ballast`, "bs=4096", "count=100"], {
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C" },
    });
    assert.match(filled.stderr, /No space left on device/);
    await freshRecord(inside, pid);
  } finally {
    const exit = once(child, "exit");
    child.stdin.end();
    assert.deepEqual((await exit)[0], 0);
  }
});
