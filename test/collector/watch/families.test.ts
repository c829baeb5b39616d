// Failed allocations that a family counts in one file stand in one row of one of its processes: real processes, forked.
import { deepEqual, equal } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { readConfig } from "../../../collector/config.ts";
import { readAuxv } from "../../../collector/proc/auxv.ts";
import type { MappedRing } from "../../../collector/proc/maps.ts";
import { createAgent } from "../../../collector/watch/agent.ts";
import { type Member, tellersOf } from "../../../collector/watch/families.ts";
import { measureOnce } from "../../../local/measure-once.ts";
import { failuresBytes, STARTED_NS } from "../../support/ring-bytes.ts";

const started: ChildProcess[] = [];
const forked: number[] = [];
after(() => {
  for (const child of started) child.kill("SIGKILL");
  for (const pid of forked) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended already.
    }
  }
});

/** Maps the file, and forks a child a tick of the clock later than itself: by what it prints, both are there. */
const FAMILY = `
import mmap, os, sys, time
file = os.open(sys.argv[1], os.O_RDWR)
mapping = mmap.mmap(file, 4096)
os.close(file)
time.sleep(0.05)
if os.fork() == 0:
    time.sleep(600)
    os._exit(0)
print("ready", flush=True)
for line in sys.stdin: pass
`;

interface Family {
  readonly maker: ChildProcess & { pid: number };
  readonly childPid: number;
}

/** `namedPid`: what the file says of its maker. */
async function family(namedPid?: number): Promise<Family> {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  chmodSync(folder, 0o1733);
  const name = `${namedPid ?? 4_242}-${STARTED_NS.toString(16)}.failures`;
  const path = join(folder, name);
  writeFileSync(path, failuresBytes([3n, 1n, 4_096n, 12n], { pid: namedPid ?? 4_242 }), { mode: 0o600 });
  const maker = spawn("/usr/bin/python3", ["-c", FAMILY, path], { stdio: ["pipe", "pipe", "inherit"] });
  started.push(maker);
  if (maker.pid === undefined) throw new Error("python3 did not start");
  await once(createInterface(maker.stdout), "line");
  const childPid = Number(readFileSync(`/proc/${maker.pid}/task/${maker.pid}/children`, "latin1").trim());
  forked.push(childPid);
  return { maker: maker as typeof maker & { pid: number }, childPid };
}

function agent() {
  const config = readConfig({ TIDEMARK_DELIVERY_FOLDER: ".", TIDEMARK_RSS_BYTES_MIN: "0" });
  if (!config.ok) throw new Error(config.error.join());
  const { pageBytes, ticksPerSecond } = readAuxv();
  return createAgent({
    config: config.value,
    walker: {
      walk: async (pid) => ({ kind: "unknown", reason: "no_heap", pid, walk_cpu_us: 0, vma_count: null }),
      close: () => undefined,
    },
    boot: { boot_id: "11111111-2222", bootedAtMs: 0, ticksPerSecond },
    pageBytes,
    vmaCountLimit: null,
    sequenceStart: 1,
    nowMs: Date.now,
    upMs: () => performance.now(),
    cpuUs: () => 0,
    rssBytes: () => 0,
    takeDroppedRowCount: () => 0,
    takeDeadRingCount: () => 0,
    onFault: (_pid, error) => {
      throw error;
    },
  });
}

async function countsOf(watching: ReturnType<typeof agent>, pids: readonly number[]) {
  watching.tick();
  const { process: rows } = await watching.closeRows();
  return pids.map((pid) => rows.find((row) => row.pid === pid)?.alloc_failure_count ?? null);
}

test("a child that was forked counts with its maker, and its row says nothing; after the maker's end it speaks", async () => {
  const { maker, childPid } = await family();
  const watching = agent();
  deepEqual(await countsOf(watching, [maker.pid, childPid]), [3, null]);
  maker.kill("SIGKILL");
  await once(maker, "exit");
  deepEqual(await countsOf(watching, [maker.pid, childPid]), [null, 3]);
});

test("a child whose pid the file happens to name does not speak for the family", async () => {
  const { maker, childPid } = await family();
  const named = await family(childPid);
  deepEqual(await countsOf(agent(), [maker.pid, childPid, named.maker.pid, named.childPid]), [3, null, 3, null]);
});

test("a look at one process alone asks who else maps the file", async () => {
  const { maker, childPid } = await family();
  const countOf = async (pid: number) => {
    const measured = await measureOnce(pid);
    return measured.ok ? (measured.value.row.alloc_failure_count ?? null) : measured.error;
  };
  deepEqual([await countOf(maker.pid), await countOf(childPid)], [3, null]);
  maker.kill("SIGKILL");
  await once(maker, "exit");
  for (let tries = 0; tries < 50 && (await countOf(childPid)) !== 3; tries++) await sleep(20);
  equal(await countOf(childPid), 3);
});

const file = (values: Partial<MappedRing> = {}): MappedRing => ({
  kind: "failures",
  path: "/run/tidemark/rings/7-1.failures",
  device: "00:1a",
  inode: "5",
  isDeleted: false,
  ...values,
});
const member = (pid: number, startTicks: number, ...rings: readonly MappedRing[]): Member => ({
  identity: { pid, startTicks },
  rings,
});

test("the member that started first tells, in whichever order they are seen, and one of those that started together", () => {
  const members = [member(30, 200, file()), member(9, 300, file()), member(40, 200, file()), member(50, 100)];
  for (const seen of [members, members.toReversed()]) deepEqual([...tellersOf(seen)], [["00:1a 5", 30]]);
});

test("files of the same inode on two devices are of two families, and a ring makes no family", () => {
  const ring = file({ kind: "ring" });
  const tellers = tellersOf([member(1, 1, file()), member(2, 2, ring, file({ device: "00:2b" })), member(3, 3, ring)]);
  deepEqual([...tellers.values()], [1, 2]);
});

test("whoever maps many files of failures belongs to one family only", () => {
  equal(tellersOf([member(1, 1, ...["1", "2", "3"].map((inode) => file({ inode })))]).size, 1);
});
