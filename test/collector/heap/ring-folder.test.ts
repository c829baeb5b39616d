// The folder of ring files: what is removed after its process has ended, and what must never be.
import { deepEqual, equal, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { mappedRings } from "../../../collector/heap/mapped-rings.ts";
import { type MappedFiles, prepareRingFolder, sweepRings } from "../../../collector/heap/ring-folder.ts";
import { readKernelFile } from "../../../collector/proc/read.ts";
import { failuresBytes, type Holder, ringBytes, STARTED_NS, startHolder } from "../../support/ring-bytes.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Files are made now; the sweeps of these tests come later. */
const later = (ms: number) => Date.now() + ms;
const nobody: MappedFiles = { names: new Set(), inodes: new Set(), unaskedPids: new Set() };

const holders: Holder[] = [];
after(async () => {
  for (const holder of holders) await holder.stop();
});

const folderOf = () => {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  chmodSync(folder, 0o1733);
  return folder;
};
const put = (folder: string, name: string, bytes: Buffer, mode = 0o600) => {
  writeFileSync(join(folder, name), bytes, { mode });
  return join(folder, name);
};
const sweep = (folder: string, nowMs: number, mapped: MappedFiles = nobody) =>
  sweepRings(folder, { nowMs: () => nowMs, mappedFiles: () => mapped });

const record = { number: 1n, sampledMs: STARTED_NS / 1_000_000n, figures: [5n, 5n, 4n] };

test("files of ended processes are read for the last time, handed on oldest first, and removed", () => {
  const folder = folderOf();
  put(folder, "8-2.failures", failuresBytes([3n, 1n, 1n, 12n], { pid: 8 }));
  const older = put(folder, "7-1.ring", ringBytes({ pid: 7, records: [record] }));
  const hourAgo = new Date(Date.now() - HOUR_MS);
  utimesSync(older, hourAgo, hourAgo);
  const { dead, removedCount, bytes } = sweep(folder, later(2 * HOUR_MS));
  // The time of the last change of an inode cannot be set back, so both are as old as this test.
  deepEqual(dead.map(({ name }) => name).sort(), ["7-1.ring", "8-2.failures"]);
  const ring = dead.find(({ kind }) => kind === "ring");
  equal(ring?.kind === "ring" && ring.ring.records[0]?.figures.live_bytes, 4);
  const failures = dead.find(({ kind }) => kind === "failures");
  equal(failures?.kind === "failures" && failures.failures.failure_count, 3);
  deepEqual([removedCount, bytes, readdirSync(folder)], [2, 0, []]);
});

test("a file that any process has mapped stays, by its inode or by its name", () => {
  const folder = folderOf();
  const byInode = put(folder, "7-1.ring", ringBytes());
  put(folder, "8-2.ring", ringBytes());
  const mapped = { ...nobody, names: new Set(["8-2.ring"]), inodes: new Set([String(statSync(byInode).ino)]) };
  deepEqual(sweep(folder, later(30 * DAY_MS), mapped).removedCount, 0);
  equal(readdirSync(folder).length, 2);
});

test("a young file stays, because its process may not have mapped it yet; nobody is asked for its sake", () => {
  const folder = folderOf();
  put(folder, "7-1.ring", ringBytes());
  const edge = {
    nowMs: () => later(0),
    mappedFiles: () => {
      throw new Error("asked");
    },
  };
  equal(sweepRings(folder, edge).removedCount, 0);
});

test("a ring that was written just now has a writer, whatever the maps say", () => {
  const folder = folderOf();
  const nowMs = later(2 * HOUR_MS);
  put(folder, "7-1.ring", ringBytes({ records: [{ ...record, sampledMs: BigInt(nowMs) - 20_000n }] }));
  equal(sweep(folder, nowMs).removedCount, 0);
  equal(sweep(folder, nowMs + 60_000).removedCount, 1);
});

test("a file whose process may be one that could not be asked stays for a day after its last change", () => {
  for (const unaskedPids of [null, new Set([7])]) {
    const folder = folderOf();
    put(folder, "7-1.ring", ringBytes());
    const unsure = { ...nobody, unaskedPids };
    equal(sweep(folder, later(23 * HOUR_MS), unsure).removedCount, 0);
    equal(sweep(folder, later(25 * HOUR_MS), unsure).removedCount, 1);
  }
});

test("a process that could not be asked keeps its own file alone", () => {
  const folder = folderOf();
  for (const name of ["7-1.ring", "70-1.ring", "8-1.ring"]) put(folder, name, ringBytes());
  const { dead } = sweep(folder, later(HOUR_MS), { ...nobody, unaskedPids: new Set([7]) });
  deepEqual(dead.map(({ name }) => name).sort(), ["70-1.ring", "8-1.ring"]);
  deepEqual(readdirSync(folder), ["7-1.ring"]);
});

test("what is not a file of ours is neither read nor touched", () => {
  const folder = folderOf();
  const outside = join(mkdtempSync(join(tmpdir(), "tidemark-")), "precious");
  writeFileSync(outside, ringBytes(), { mode: 0o600 });
  symlinkSync(outside, join(folder, "1-1.ring"));
  mkdirSync(join(folder, "2-2.ring"));
  put(folder, "3-3.ring", Buffer.alloc(10));
  put(folder, "4-4.ring", ringBytes(), 0o644);
  for (const name of ["5.ring", "x-1.ring", "6-1.ring.bak", "7-G.ring", "12345678901-1.ring", "notes"])
    put(folder, name, ringBytes());
  const before = readdirSync(folder).sort();
  const { removedCount, dead } = sweep(folder, later(30 * DAY_MS));
  deepEqual([removedCount, dead, readdirSync(folder).sort()], [0, [], before]);
  ok(existsSync(outside));
});

test("a dead file that cannot be understood is removed, and nothing is said about it", () => {
  const folder = folderOf();
  put(folder, "7-1.ring", Buffer.alloc(20_480));
  const { dead, removedCount } = sweep(folder, later(HOUR_MS));
  deepEqual([dead, removedCount], [[], 1]);
});

test("a folder that fills up loses the oldest of the dead unread, and never more than was too much", () => {
  const folder = folderOf();
  // 32 MiB hold 1638 rings.
  const bytes = ringBytes({ records: [record] });
  for (let at = 0; at < 1_700; at++) put(folder, `${at + 1}-1.ring`, bytes);
  const { dead, removedCount, bytes: left, isPartial } = sweep(folder, later(HOUR_MS));
  equal(dead.length, 1_024, "as many as one sweep reads");
  equal(removedCount, 1_024 + (1_700 - 1_638));
  equal(isPartial, true);
  equal(left, (1_700 - removedCount) * 20_480);
  equal(readdirSync(folder).length, 1_700 - removedCount);
});

test("what is not ours does not hide the dead for good: the next sweep goes on where the last one ended", () => {
  const folder = folderOf();
  for (let at = 0; at < 10_000; at++) put(folder, `junk${at}`, Buffer.alloc(0));
  put(folder, "7-1.ring", ringBytes());
  let [passed, removed, sweeps] = [0, 0, 0];
  do {
    const { nextPassed, removedCount } = sweepRings(folder, { nowMs: () => later(HOUR_MS), mappedFiles: () => nobody }, passed);
    [passed, removed, sweeps] = [nextPassed, removed + removedCount, sweeps + 1];
  } while (passed !== 0);
  deepEqual([removed, sweeps, readdirSync(folder).length], [1, 3, 10_000]);
});

test("to sweep a folder of root's takes CAP_DAC_READ_SEARCH to list it and CAP_FOWNER to remove what others left", (t) => {
  if (process.getuid?.() !== 0) return t.skip("to take on another user takes root");
  const script = `
    import { sweepRings } from ${JSON.stringify(new URL("../../../collector/heap/ring-folder.ts", import.meta.url).href)};
    const mapped = { names: new Set(), inodes: new Set(), unaskedPids: new Set() };
    const edge = { nowMs: () => Date.now() + 3_600_000, mappedFiles: () => mapped };
    const { dead, removedCount } = sweepRings(process.argv[1], edge);
    console.log(dead.length, removedCount);`;
  const sweepWith = (...capabilities: readonly string[]) => {
    const folder = folderOf();
    put(folder, "7-1.ring", ringBytes());
    chownSync(put(folder, "8-1.ring", ringBytes()), 1, 1);
    const list = ["-all", ...capabilities.map((name) => `+${name}`)].join(",");
    const sets = ["--inh-caps", "--ambient-caps", "--bounding-set"].map((option) => `${option}=${list}`);
    const user = ["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"];
    const run = [process.execPath, "--input-type=module", "-e", script, folder];
    return spawnSync("setpriv", [...user, ...sets, ...run], { encoding: "utf8" }).stdout.trim();
  };
  equal(sweepWith("dac_read_search", "fowner"), "2 2");
  equal(sweepWith("dac_read_search"), "2 0");
  equal(sweepWith("fowner"), "0 0");
});

test("a folder below one that others may change is not swept: they could put another in its place", (t) => {
  if (process.getuid?.() !== 0) return t.skip("giving a folder to another user takes root");
  const above = mkdtempSync(join(tmpdir(), "tidemark-"));
  const folder = join(above, "rings");
  equal(prepareRingFolder(folder), true);
  put(folder, "7-1.ring", ringBytes());
  for (const [uid, mode] of [
    [65_534, 0o755],
    [0, 0o777],
  ] as const) {
    chownSync(above, uid, 0);
    chmodSync(above, mode);
    deepEqual([prepareRingFolder(folder), sweep(folder, later(HOUR_MS)).removedCount], [false, 0]);
  }
  chmodSync(above, 0o1777);
  deepEqual([prepareRingFolder(folder), sweep(folder, later(HOUR_MS)).removedCount], [true, 1]);
});

test("a folder that is not there, or is a link, is no folder", () => {
  deepEqual(sweep("/nonexistent/rings", later(0)), {
    dead: [],
    removedCount: 0,
    bytes: 0,
    isPartial: false,
    nextPassed: 0,
  });
  const folder = folderOf();
  const link = `${folder}.link`;
  symlinkSync(folder, link);
  put(folder, "7-1.ring", ringBytes());
  equal(sweep(link, later(HOUR_MS)).removedCount, 0);
  equal(prepareRingFolder(link), false);
});

test("as root the folder is made as a letter box; as another user it is left to be made", () => {
  const folder = join(mkdtempSync(join(tmpdir(), "tidemark-")), "tidemark", "rings");
  const umask = process.umask(0o077);
  const made = prepareRingFolder(folder);
  process.umask(umask);
  equal(made, process.getuid?.() === 0);
  if (made) equal(statSync(folder).mode & 0o7777, 0o1733);
  equal(prepareRingFolder(folder), made, "again");
  equal(prepareRingFolder("/proc/tidemark/rings"), false, "where nobody may");
});

test("what is mapped is asked of every process, and who could not be asked is told by the pid that it has itself", async () => {
  const holder = startHolder();
  holders.push(holder);
  const path = put(folderOf(), `${holder.pid}-1.ring`, ringBytes({ pid: holder.pid }));
  await holder.map(path, 20_480);
  const mapped = mappedRings();
  ok(mapped.names.has(`${holder.pid}-1.ring`) && mapped.inodes.has(String(statSync(path).ino)));
  const isReadable = (pid: string) => readKernelFile(`/proc/${pid}/maps`).ok;
  if (statSync("/proc/self/ns/pid").ino !== 0xef_ff_ff_fc) equal(mapped.unaskedPids, null);
  else equal(mapped.unaskedPids?.has(1), !isReadable("1"));
  // A /proc that shows less: this process alone, and no first one.
  const proc = mkdtempSync(join(tmpdir(), "tidemark-"));
  mkdirSync(join(proc, "42"));
  writeFileSync(join(proc, "42", "maps"), readFileSync(`/proc/${holder.pid}/maps`));
  const partial = mappedRings(proc);
  deepEqual([partial.names.has(`${holder.pid}-1.ring`), partial.unaskedPids], [true, null]);
});
