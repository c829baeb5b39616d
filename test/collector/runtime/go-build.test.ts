// Go programs told from others by their files: real ones of this machine, and files that mean to keep us busy.
import { deepEqual, equal } from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { goBuildOf } from "../../../collector/runtime/go-build.ts";
import { goBuildOfProcess } from "../../../collector/runtime/program-file.ts";
import { missing } from "../../support/need.ts";

const started: ChildProcess[] = [];
after(() => {
  for (const child of started) child.kill("SIGKILL");
});

const readerOf = (bytes: Buffer) => (position: number, length: number) => bytes.subarray(position, position + length);

const MODULE = "module waits\n\ngo 1.20\n";
const PROGRAM = `package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	fmt.Println("ready")
	bufio.NewReader(os.Stdin).ReadString('\\n')
}
`;

/** Path of the built program. */
function build(flags: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-go-"));
  writeFileSync(join(folder, "go.mod"), MODULE);
  writeFileSync(join(folder, "main.go"), PROGRAM);
  execFileSync("go", ["build", "-buildvcs=false", "-o", "waits", ...flags, "."], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
  });
  return join(folder, "waits");
}

test("a Go program tells its version, stripped of symbols and build id as well", { skip: missing("go") }, async () => {
  const version = /go(\d[^ ]*)/.exec(execFileSync("go", ["version"], { encoding: "utf8" }))?.[1];
  for (const flags of [[], ["-ldflags=-s -w -buildid="]]) {
    const child = spawn(build(flags), { stdio: ["pipe", "pipe", "ignore"] });
    started.push(child);
    if (child.pid === undefined) throw new Error("it did not start");
    await once(child.stdout, "data");
    deepEqual(goBuildOfProcess(child.pid, readlinkSync(`/proc/${child.pid}/exe`)), { version });
  }
});

test("a program of C, one that is gone, and one without a path are none of Go's", () => {
  equal(goBuildOfProcess(process.pid, process.execPath), null);
  equal(goBuildOfProcess(4_194_305, "/usr/bin/true"), null);
  equal(goBuildOfProcess(process.pid, null), null);
});

/** The smallest file that says what a Go program says: header, section names, sections, and the build. */
function elf(build: Buffer, change: (file: Buffer) => void = () => undefined): Buffer {
  const names = Buffer.from("\\0.shstrtab\\0.go.buildinfo\\0".replaceAll("\\0", "\0"), "latin1");
  const [namesAt, sectionsAt] = [64, 128];
  const buildAt = sectionsAt + 3 * 64;
  const file = Buffer.alloc(buildAt + build.length);
  file.write("\x7fELF\x02\x01\x01", "latin1");
  file.writeBigUInt64LE(BigInt(sectionsAt), 40);
  for (const [at, value] of [
    [58, 64],
    [60, 3],
    [62, 1],
  ] as const)
    file.writeUInt16LE(value, at);
  names.copy(file, namesAt);
  const section = (index: number, name: number, offset: number, size: number) => {
    file.writeUInt32LE(name, sectionsAt + index * 64);
    file.writeBigUInt64LE(BigInt(offset), sectionsAt + index * 64 + 24);
    file.writeBigUInt64LE(BigInt(size), sectionsAt + index * 64 + 32);
  };
  section(1, 1, namesAt, names.length);
  section(2, names.indexOf(".go"), buildAt, build.length);
  build.copy(file, buildAt);
  change(file);
  return file;
}

function buildInfo(version: string, flags = 2): Buffer {
  const bytes = Buffer.alloc(33 + version.length);
  bytes.write("\xff Go buildinf:\x08", "latin1");
  bytes[15] = flags;
  bytes[32] = version.length;
  bytes.write(version, 33, "latin1");
  return bytes;
}

test("what the linker wrote is read as it stands: releases, candidates, experiments, and forms without a version", () => {
  const cases: readonly [Buffer, string | null][] = [
    [buildInfo("go1.26.8"), "1.26.8"],
    [buildInfo("go1.21rc2"), "1.21rc2"],
    [buildInfo("go1.22.4 X:boringcrypto"), "1.22.4"],
    [buildInfo("devel go1.27-abcdef"), null],
    [buildInfo("go1.9.9.9; DROP TABLE"), null],
    [buildInfo("go1.16.5", 0), null],
    [buildInfo("").subarray(0, 16), null],
  ];
  for (const [info, version] of cases) deepEqual(goBuildOf(readerOf(elf(info))), { version }, info.toString("latin1"));
});

test("files that are cut short, of another kind, or lie about where things are, are none of Go's", () => {
  const whole = elf(buildInfo("go1.26.8"));
  const changes: readonly [string, (file: Buffer) => void][] = [
    ["32 bits", (file) => file.writeUInt8(1, 4)],
    ["another byte order", (file) => file.writeUInt8(2, 5)],
    ["sections beyond the file", (file) => file.writeBigUInt64LE(2n ** 63n, 40)],
    ["sections of another size", (file) => file.writeUInt16LE(8, 58)],
    ["names in a section that is not there", (file) => file.writeUInt16LE(65_535, 62)],
    ["names that fill the address space", (file) => file.writeBigUInt64LE(2n ** 64n - 1n, 128 + 64 + 24)],
    ["a build beyond the file", (file) => file.writeBigUInt64LE(2n ** 52n, 128 + 128 + 24)],
    ["another magic", (file) => file.writeUInt8(0, 128 + 192)],
  ];
  for (const [what, change] of changes) equal(goBuildOf(readerOf(elf(buildInfo("go1.26.8"), change))), null, what);
  for (let length = 0; length < 128 + 192 + 14; length += 7)
    equal(goBuildOf(readerOf(whole.subarray(0, length))), null, `${length} bytes`);
});

test("no more is read of a file than some kilobytes, whatever it says", () => {
  let asked = 0;
  const bytes = elf(buildInfo("go1.26.8"), (file) => {
    file.writeUInt16LE(65_535, 60);
    file.writeBigUInt64LE(2n ** 40n, 128 + 64 + 32);
  });
  goBuildOf((position, length) => {
    asked += length;
    return bytes.subarray(position, position + length);
  });
  equal(asked <= 64 + 256 * 64 + 64 * 1_024 + 160, true, `${asked} bytes`);
});
