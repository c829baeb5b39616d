// The real libraries in real programs, read as the collector reads them.
import { equal, ok } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, globSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { askForRelief } from "../../../collector/heap/relief.ts";
import { readingOf } from "../../../collector/heap/ring-figures.ts";
import { ringOf } from "../../../local/measure-once.ts";
import { libraryPath, workloadPath } from "../../support/native.ts";
import { skipReason } from "../../support/need.ts";

const MIB = 1_048_576;
const started: ChildProcess[] = [];
after(() => {
  for (const child of started) child.kill("SIGKILL");
});

const allocatorPath = (name: string): string | undefined =>
  globSync(`/usr/lib/*-linux-gnu/${name}`)[0] ?? globSync(`/lib/*-linux-gnu/${name}`)[0];

interface Started {
  readonly pid: number;
  /** Its standard input: a line asks the program below for the next step. */
  step(line: string): Promise<void>;
}

const PROGRAM = `
import sys
held = []
for line in sys.stdin:
    if line == "fill\\n": held = [bytes(600) for _ in range(100_000)]
    if line == "free\\n": held = held[::50]
    print(flush=True)
`;

/** python3, whose objects above 512 bytes come from malloc, with libraries preloaded and a folder of its own. */
function start(
  libraries: readonly string[],
  env: Readonly<Record<string, string>> = {},
  prefix: readonly string[] = [],
): Started {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  chmodSync(folder, 0o1733);
  const [command = "", ...args] = [...prefix, "python3", "-c", PROGRAM];
  const child = spawn(command, args, {
    stdio: ["pipe", "pipe", "inherit"],
    env: {
      PATH: process.env["PATH"],
      LD_PRELOAD: libraries.join(" "),
      TIDEMARK_RING_FOLDER: folder,
      TIDEMARK_INTERVAL_MS: "100",
      ...env,
    },
  });
  started.push(child);
  const { pid, stdin, stdout } = child;
  if (pid === undefined || stdin === null || stdout === null) throw new Error("python3 did not start");
  return {
    pid,
    async step(line) {
      stdin.write(`${line}\n`);
      await once(stdout, "data");
    },
  };
}

/** The first reading that suits; the shim measures ten times a second. */
async function figuresOf(pid: number, suits: (liveBytes: number) => boolean) {
  for (let tries = 0; tries < 200; tries++) {
    const mapped = ringOf(pid);
    if (mapped !== null && !mapped.ring.ok) throw new Error(mapped.ring.error.detail);
    if (mapped?.ring.ok) {
      const reading = readingOf(mapped.ring.value, { nowMs: Date.now(), virtualBytesMax: null });
      if (reading.kind === "figures" && suits(reading.figures.live_bytes ?? 0))
        return { mapped, ring: mapped.ring.value, ...reading };
    }
    await sleep(50);
  }
  throw new Error(`pid ${pid} never had such figures`);
}

test("jemalloc under the shim: live, free and dirty memory, the settings in effect, and what a relief returns", async (t) => {
  const jemalloc = allocatorPath("libjemalloc.so.2");
  if (jemalloc === undefined) return t.skip(skipReason("libjemalloc.so.2 is not installed"));
  const conf = { MALLOC_CONF: "dirty_decay_ms:-1,muzzy_decay_ms:-1", TIDEMARK_RELIEF: "1" };
  const program = start([jemalloc, libraryPath("libtidemark.so")], conf);
  await program.step("fill");
  const full = await figuresOf(program.pid, (live) => live > 50 * MIB);
  equal(full.ring.header.allocator, "jemalloc");
  ok(full.ring.header.tunables?.includes("dirty_decay_ms=-1"), full.ring.header.tunables ?? "none");
  await program.step("free");
  const empty = await figuresOf(program.pid, (live) => live < 20 * MIB);
  const { figures, mapped } = empty;
  ok((figures.free_resident_bytes ?? 0) > 30 * MIB && (figures.heap_bytes ?? 0) >= (figures.live_bytes ?? 0));
  const answer = await askForRelief(mapped.owner, mapped.file, { bytesAsked: 1, timeoutMs: 30_000, nowMs: Date.now });
  ok(answer.ok, answer.ok ? "" : answer.error.kind);
  equal(answer.value.outcome, "done");
  const afterwards = await figuresOf(program.pid, () => true);
  ok((afterwards.figures.dirty_bytes ?? 0) <= (figures.dirty_bytes ?? 0));
});

test("glibc under the shim: no figures of its own, but a relief where that is allowed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  chmodSync(folder, 0o1733);
  // A cycle of ten minutes: it stays at its quiet start.
  const env = { LD_PRELOAD: libraryPath("libtidemark.so"), TIDEMARK_RING_FOLDER: folder, TIDEMARK_RELIEF: "1" };
  const child = spawn(workloadPath("healthy"), ["16", "600"], { stdio: "ignore", env });
  started.push(child);
  if (child.pid === undefined) throw new Error("the workload did not start");
  const pid = child.pid;
  let mapped = ringOf(pid);
  for (let tries = 0; tries < 200 && !mapped?.ring.ok; tries++) {
    await sleep(50);
    mapped = ringOf(pid);
  }
  if (mapped === null || !mapped.ring.ok) throw new Error("the shim left no ring");
  equal(mapped.ring.value.header.allocator, "glibc");
  equal(mapped.ring.value.records.length, 0);
  const answer = await askForRelief(mapped.owner, mapped.file, { bytesAsked: 1, timeoutMs: 30_000, nowMs: Date.now });
  equal(answer.ok && answer.value.outcome, "done");
});

test("a process in namespaces of its own, with a folder that only it sees, is read from outside", {
  skip: process.getuid?.() === 0 ? false : "namespaces take root",
}, async (t) => {
  const jemalloc = allocatorPath("libjemalloc.so.2");
  if (jemalloc === undefined) return t.skip(skipReason("libjemalloc.so.2 is not installed"));
  const setUp = 'mount -t tmpfs -o mode=1733 none /mnt && LD_PRELOAD="$LIBRARIES" exec "$@"';
  const outer = start([], { TIDEMARK_RING_FOLDER: "/mnt", LIBRARIES: `${jemalloc} ${libraryPath("libtidemark.so")}` }, [
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "sh",
    "-c",
    setUp,
    "sh",
  ]);
  await outer.step("fill");
  const children = readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, "utf8");
  const { ring, mapped } = await figuresOf(Number(children.trim()), (live) => live > 50 * MIB);
  equal(ring.header.pid, 1, "the first process of its pid namespace");
  equal(mapped.file.path.startsWith("/mnt/1-"), true);
});
