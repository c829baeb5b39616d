// The segments of the black box: bounded, closed to others, one boot's, and in memory while no disk takes them.
// What they hold is any bytes here; blocks are blocks.test.ts's.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openBlackBoxFolder } from "../../../collector/black-box/folder.ts";
import { openRing, type RingOptions } from "../../../collector/black-box/ring.ts";
import { skipReason } from "../../support/need.ts";

const MIB = 1_024 * 1_024;
const BOOT = "0f3c9a52-1111-2222-3333-444455556666";
const newFolder = () => join(mkdtempSync(join(tmpdir(), "tidemark-")), "black-box");

function ringIn(folder: string | null, over: Partial<RingOptions> = {}) {
  const told: string[] = [];
  const clock = { upMs: 1_000_000 };
  const ring = openRing({
    openFolder: folder === null ? null : () => openBlackBoxFolder(folder),
    bytesMax: 4 * MIB,
    tickMs: () => 10_000,
    boot_id: BOOT,
    upMs: () => clock.upMs,
    log: (message, fields) => told.push(`${message} ${JSON.stringify(fields)}`),
    ...over,
  });
  /** One tick: the names, here a mark, stand before the first bytes of a segment. */
  const write = (text: string): boolean => {
    const bytes = Buffer.from(`${ring.turn() ? "^" : ""}${text}`);
    return ring.append(bytes);
  };
  const text = () => Array.from(ring.segments(), (bytes) => bytes.toString());
  return { ring, told, clock, write, text };
}

const boxesIn = (folder: string) => readdirSync(folder).filter((name) => name.endsWith(".box"));
const bytesIn = (folder: string) => boxesIn(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

test("what one collector wrote the next one of the same boot reads, in order, and writes behind it", () => {
  const folder = newFolder();
  const first = ringIn(folder);
  for (const text of ["a", "b", "c"]) ok(first.write(text));
  first.ring.close();
  const second = ringIn(folder);
  deepEqual(second.text(), ["^abc"]);
  ok(second.write("d"));
  deepEqual(second.text(), ["^abc", "^d"], "an earlier collector's file is never written to again");
  second.ring.close();
});

test("a segment ends with its time, and goes when it is older than an hour", () => {
  const folder = newFolder();
  const { ring, clock, write, text } = ringIn(folder);
  for (let tick = 0; tick < 720; tick++) {
    write(".");
    ring.prune();
    clock.upMs += 10_000;
  }
  const looks = text().join("").replaceAll("^", "").length;
  ok(looks >= 360 && looks <= 360 + 45, `${looks} looks`);
  equal(boxesIn(folder).length, text().length);
  ring.close();
});

for (const place of ["on the disk", "in memory"]) {
  test(`${place} the bytes are bounded: the oldest go first, and what is kept is whole segments`, () => {
    const folder = place === "in memory" ? null : newFolder();
    const { ring, write, text } = ringIn(folder);
    const tick = "x".repeat(100_000);
    for (let count = 0; count < 200; count++) {
      ok(write(`${String(count).padStart(4, "0")}${tick}`));
      ok(ring.bytes() <= 4 * MIB, `${ring.bytes()} bytes`);
      if (folder !== null) equal(bytesIn(folder), ring.bytes());
    }
    const kept = text().join("").match(/\d{4}/g)?.map(Number);
    ok((kept?.length ?? 0) >= 30);
    deepEqual(
      kept,
      kept?.map((_, index) => 200 - kept.length + index),
    );
    ok(text().every((segment) => segment.startsWith("^") && segment.lastIndexOf("^") === 0));
    ring.close();
  });
}

test("segments of another boot are removed and told, other names are left alone", () => {
  const folder = newFolder();
  const before = ringIn(folder, { boot_id: "another-boot" });
  before.write("old");
  before.ring.close();
  writeFileSync(join(folder, "notes.txt"), "mine");
  const { ring, told, text } = ringIn(folder);
  deepEqual(text(), []);
  match(told.join(), /an earlier boot is discarded .*"segments":1/);
  deepEqual(
    readdirSync(folder).filter((name) => name !== "lock"),
    ["notes.txt"],
  );
  ring.close();
});

test("what we could not have written is not read: links, folders, files of two names, files beyond the bound", () => {
  const folder = newFolder();
  const first = ringIn(folder);
  first.write("true");
  first.ring.close();
  const name = (id: number) => join(folder, `${String(id).padStart(12, "0")}-${BOOT}.box`);
  symlinkSync("/etc/passwd", name(2));
  mkdirSync(name(3));
  writeFileSync(join(folder, "other"), "twice");
  linkSync(join(folder, "other"), name(4));
  writeFileSync(name(5), "");
  truncateSync(name(5), 5 * MIB);
  execFileSync("mkfifo", [name(6)]);
  const { ring, text, write } = ringIn(folder);
  deepEqual([text(), ring.strangeCount()], [["^true"], 5]);
  ok(write("next"));
  deepEqual(text(), ["^true", "^next"]);
  ring.close();
});

test("a file that somebody removes, cuts or swaps for a link while it is ours costs itself alone", () => {
  const folder = newFolder();
  const { ring, clock, write, text } = ringIn(folder);
  for (const word of ["one", "two", "three", "four"]) {
    write(word);
    clock.upMs += 450_000;
  }
  const [one = "", two = "", three = ""] = boxesIn(folder).sort();
  unlinkSync(join(folder, one));
  truncateSync(join(folder, two), 2);
  renameSync(join(folder, three), join(folder, "moved"));
  symlinkSync("/etc/passwd", join(folder, three));
  deepEqual(text(), ["", "^t", "", "^four"]);
  clock.upMs += 7_200_000;
  ring.prune();
  ok(write("five"));
  match(text().at(-1) ?? "", /five/);
  ring.close();
});

const refusals: readonly [what: string, spoil: (folder: string) => void, reason: RegExp][] = [
  ["that anyone may write to", (folder) => chmodSync(folder, 0o777), /its mode is 777, others may write to it/],
  [
    "that is a symbolic link",
    (folder) => {
      renameSync(folder, `${folder}-elsewhere`);
      symlinkSync(`${folder}-elsewhere`, folder);
    },
    /it is a symbolic link/,
  ],
  [
    "that another collector uses",
    (folder) => writeFileSync(join(folder, "lock"), lockOf(process.ppid)),
    new RegExp(`the collector with pid ${process.ppid} uses it`),
  ],
];
for (const [what, spoil, reason] of refusals) {
  test(`a folder ${what} is refused: the hour is kept in memory, and on the disk again when that is mended`, () => {
    const folder = newFolder();
    mkdirSync(folder, { mode: 0o700 });
    spoil(folder);
    const { ring, told, clock, write, text } = ringIn(folder);
    ok(write("a") && write("b"));
    deepEqual(text(), ["^ab"]);
    equal(told.length, 1, told.join("\n"));
    match(told[0] ?? "", reason);
    match(told[0] ?? "", /kept in memory/);
    if (statSync(folder).isDirectory()) deepEqual(boxesIn(folder), []);
    renameSync(folder, `${folder}-bad`);
    clock.upMs += 450_000;
    ok(write("c"));
    deepEqual(text(), ["^ab", "^c"]);
    equal(boxesIn(folder).length, 1);
    match(told[1] ?? "", /black box is well again/);
    ring.close();
  });
}

function lockOf(pid: number): string {
  const read = (path: string) => execFileSync("cat", [path], { encoding: "utf8" });
  const stat = read(`/proc/${pid}/stat`);
  return `${read("/proc/sys/kernel/random/boot_id").trim()} ${pid} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]}`;
}

test("on a full disk it goes on in memory, is told once, and takes the disk again when there is room", (t) => {
  if (process.geteuid?.() !== 0) return t.skip(skipReason("only root can mount a small disk"));
  const disk = mkdtempSync(join(tmpdir(), "tidemark-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k,mode=700", "tidemark-test", disk]);
  const { ring, told, clock, write, text } = ringIn(join(disk, "black-box"));
  t.after(() => {
    ring.close();
    execFileSync("umount", [disk]);
  });
  const tick = "x".repeat(16_000);
  const taken = Array.from({ length: 6 }, (_, count) => write(`${count}${tick}`));
  deepEqual(taken, [true, true, true, false, true, true], "false: it is to be said again, with the names");
  match(told.join("\n"), /^black box is in trouble .*ENOSPC.*the disk is full.*$/);
  deepEqual(
    text().map((segment) => segment.replaceAll("x", "")),
    ["^012", "^45"],
  );
  for (let segment = 0; segment < 3; segment++) {
    clock.upMs += 450_000;
    write(`${tick.repeat(4)}`);
  }
  equal(told.length, 1, "not once more for each try");
  clock.upMs += 7_200_000;
  ring.prune();
  ok(write("room"));
  equal(told.length, 2);
  match(told[1] ?? "", /well again/);
});
