// Opening the ring file of a real process: only the file that it has mapped, and only when nobody else could have changed it.
import { deepEqual, equal, match } from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readFailures, readRing } from "../../../collector/heap/ring-file.ts";
import { type MappedRing, parseMaps } from "../../../collector/proc/maps.ts";
import { failuresBytes, type Holder, ringBytes, STARTED_NS, startHolder } from "../../support/ring-bytes.ts";

const holders: Holder[] = [];
after(async () => {
  for (const holder of holders) await holder.stop();
});
const isRoot = process.getuid?.() === 0;
const start = (options = {}) => {
  const holder = startHolder(options);
  holders.push(holder);
  return holder;
};

interface Mapped {
  readonly holder: Holder;
  readonly path: string;
  readonly file: MappedRing;
}

const nameOf = (pid: number, kind = "ring") => `${pid}-${STARTED_NS.toString(16)}.${kind}`;

/** A process with its own ring mapped, as the shim would leave it. */
async function mapped(
  options: { readonly kind?: "ring" | "failures"; readonly bytes?: (pid: number) => Buffer } = {},
): Promise<Mapped> {
  const kind = options.kind ?? "ring";
  const holder = start();
  const path = join(mkdtempSync(join(tmpdir(), "tidemark-")), nameOf(holder.pid, kind));
  const usual = (pid: number) => (kind === "ring" ? ringBytes({ pid }) : failuresBytes([3n, 1n, 2n, 12n], { pid }));
  const bytes = (options.bytes ?? usual)(holder.pid);
  writeFileSync(path, bytes, { mode: 0o600 });
  await holder.map(path, bytes.length);
  return { holder, path, file: ringsOf(holder.pid)[0] as MappedRing };
}

function ringsOf(pid: number): readonly MappedRing[] {
  const maps = parseMaps(readFileSync(`/proc/${pid}/maps`, "latin1"), "maps");
  if (!maps.ok) throw new Error("maps did not parse");
  return maps.value.rings;
}

const uids = [process.getuid?.() ?? 0];
const ownerOf = ({ holder }: Mapped) => ({ pid: holder.pid, ownPid: holder.pid, uids });
const outcome = (it: Mapped) => {
  const ring = readRing(ownerOf(it), it.file);
  return ring.ok ? "read" : `${ring.error.reason}: ${ring.error.detail}`;
};

test("the ring and the file of failures that a process has mapped are found and read", async () => {
  const ring = await mapped();
  deepEqual([ring.file.kind, ring.file.path, ring.file.isDeleted], ["ring", ring.path, false]);
  equal(outcome(ring), "read");
  const failures = await mapped({ kind: "failures" });
  const read = readFailures(ownerOf(failures), failures.file);
  equal(read.ok && read.value.failure_count, 3);
});

test("a private mapping of such a file is none of ours, nor is a file of another name", async () => {
  const holder = start();
  const folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  for (const [name, kind] of [
    [nameOf(holder.pid), "private"],
    ["1-XYZ.ring", "shared"],
    ["ring", "shared"],
  ] as const) {
    writeFileSync(join(folder, name), ringBytes({ pid: holder.pid }), { mode: 0o600 });
    await holder.map(join(folder, name), 20_480, kind);
  }
  deepEqual(ringsOf(holder.pid), []);
});

test("whoever maps many of them is listened to for the first few only", async () => {
  const holder = start();
  const folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  for (let at = 0; at < 8; at++) {
    const path = join(folder, `${at}-abc.ring`);
    writeFileSync(path, ringBytes(), { mode: 0o600 });
    await holder.map(path, 20_480);
  }
  equal(ringsOf(holder.pid).length, 4);
});

test("a file that was deleted, or replaced by another, is not there any more", async () => {
  const deleted = await mapped();
  unlinkSync(deleted.path);
  match(outcome(deleted), /^ring_deleted: .* is not there/);
  match(outcome({ ...deleted, file: ringsOf(deleted.holder.pid)[0] as MappedRing }), /^ring_deleted: .* was deleted/);
  writeFileSync(deleted.path, ringBytes({ pid: deleted.holder.pid }), { mode: 0o600 });
  match(outcome(deleted), /^ring_deleted: .* is another file by now/);
});

test("a link in the place of the file is not followed, also to the file itself", async () => {
  const linked = await mapped();
  renameSync(linked.path, `${linked.path}.away`);
  symlinkSync(`${linked.path}.away`, linked.path);
  match(outcome(linked), /^ring_refused: .*ELOOP/);
});

test("a folder or a device in the place of the file is refused without harm", async () => {
  const replaced = await mapped();
  rmSync(replaced.path);
  mkdirSync(replaced.path);
  match(outcome(replaced), /^ring_deleted: .* is another file by now/);
});

test("a file that others may touch, of another size, of another user, or with foreign words is refused", async (t) => {
  const open = await mapped();
  chmodSync(open.path, 0o640);
  match(outcome(open), /^ring_refused: .* has mode 640/);
  const large = await mapped({ bytes: (pid) => Buffer.concat([ringBytes({ pid }), Buffer.alloc(1)]) });
  match(outcome(large), /^ring_refused: .* has 20481 bytes/);
  const empty = await mapped({ bytes: () => Buffer.alloc(20_480) });
  match(outcome(empty), /^ring_refused: .*no ring file/);
  const stranger = await mapped({ bytes: (pid) => ringBytes({ pid: pid + 1 }) });
  match(outcome(stranger), /^ring_refused: .* is the file of/);
  const earlier = await mapped({ bytes: (pid) => ringBytes({ pid, startedNs: STARTED_NS - 1n }) });
  match(outcome(earlier), /^ring_refused: .* is the file of/);
  if (!isRoot) return t.diagnostic("the file of another user was not tried: that takes root");
  const given = await mapped();
  chownSync(given.path, 65_534, 65_534);
  match(outcome(given), /^ring_refused: .* belongs to user 65534/);
});

test("a file that a child has inherited tells about its parent, and is not taken for the child's", async () => {
  const it = await mapped();
  const ring = readRing({ ...ownerOf(it), ownPid: it.holder.pid + 1 }, it.file);
  equal(ring.ok ? "read" : ring.error.reason, "ring_refused");
});

test("a hard link elsewhere changes nothing: the inode is the same", async () => {
  const it = await mapped();
  linkSync(it.path, `${it.path}.link`);
  equal(outcome(it), "read");
});

test("what a user may not read is denied", async () => {
  const it = await mapped();
  if (isRoot) process.seteuid?.(65_534);
  else chmodSync(it.path, 0);
  try {
    match(outcome(it), /^ring_denied/);
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
});
