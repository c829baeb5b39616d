// Which files are read as performance data, and which are left alone: a stranger chooses what lies at the path.
import { deepEqual, equal } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import type { MappedFile } from "../../../collector/proc/maps.ts";
import { readPerfData } from "../../../collector/runtime/perf-file.ts";
import { fileTree } from "../../support/file-tree.ts";

const us = { pid: process.pid, uids: [process.getuid?.() ?? 0] };

/** A file of this test's own, as the maps of a process would name it. */
function mappedFile(text = "figures"): MappedFile {
  return asMapped(`${fileTree({ "hsperfdata_us/1": text })}/hsperfdata_us/1`);
}

const asMapped = (path: string): MappedFile => ({ path, device: "00:00", inode: String(statSync(path).ino), isDeleted: false });

const textOf = (owner: typeof us, file: MappedFile): string | null => readPerfData(owner, file)?.toString("latin1") ?? null;

test("a regular file of the process's user, under the inode that is mapped, is read", () => {
  equal(textOf(us, mappedFile()), "figures");
  equal(textOf({ ...us, uids: [4_242, ...us.uids] }, mappedFile()), "figures");
});

test("one that is gone, was replaced, belongs to another user, or is far too large is left alone", () => {
  const file = mappedFile();
  equal(textOf(us, { ...file, isDeleted: true }), null);
  equal(textOf(us, { ...file, inode: "1" }), null);
  equal(textOf(us, { ...file, path: `${file.path}0` }), null);
  equal(textOf({ ...us, uids: [4_242] }, file), null);
  equal(textOf({ ...us, uids: [] }, file), null);
  equal(textOf({ ...us, pid: 4_194_305 }, file), null);
  truncateSync(file.path, 1_024 * 1_024 + 1);
  equal(textOf(us, file), null);
});

test("no link is followed, neither at the end of the path nor on the way", () => {
  const file = mappedFile();
  const tree = fileTree({ "hsperfdata_us/1": `->${file.path}` });
  equal(textOf(us, { ...file, path: `${tree}/hsperfdata_us/1` }), null);
  const folder = file.path.replace(/\/1$/, "");
  renameSync(folder, `${folder}-moved`);
  symlinkSync(`${folder}-moved`, folder);
  equal(textOf(us, file), null);
});

test("what is no regular file is not waited for", () => {
  const tree = fileTree({});
  execFileSync("mkfifo", [`${tree}/1`]);
  mkdirSync(`${tree}/2`);
  for (const name of ["1", "2"]) equal(textOf(us, asMapped(`${tree}/${name}`)), null, name);
});

test("a file system that may not answer is not asked", () => {
  const status = "/proc/self/status";
  equal(textOf(us, asMapped(status)), null);
});

test("reading leaves the time of the last access alone where that is ours to say", () => {
  const file = mappedFile();
  utimesSync(file.path, 1_000, 2_000_000_000);
  equal(textOf(us, file), "figures");
  equal(statSync(file.path).atimeMs, 1_000_000);
});

test("the bytes of one file are not seen behind those of the next", () => {
  equal(textOf(us, mappedFile("long figures")), "long figures");
  equal(textOf(us, mappedFile("short")), "short");
  const empty = mappedFile("");
  writeFileSync(empty.path, "");
  deepEqual(textOf(us, empty), "");
});
