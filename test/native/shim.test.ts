// Proves that the shim loads everywhere and harms nobody: odd programs, odd folders, filters, and processes it must leave alone.
// It leaves figures to shim-figures.test.ts, and what running processes do to shim-life.test.ts.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { missing, skipReason } from "../support/need.ts";
import {
  allocators,
  jemalloc,
  missingLibrary,
  peer,
  removeRingFolders,
  ringFolder,
  ringNames,
  ringSeen,
  shim,
  shimEnv,
  startPeer,
  until,
} from "./shim-ring.ts";
import { endTargets, make, numberOf, parseFields, programPath, startTarget } from "./target.ts";

const hello = programPath("test/shim_hello");
const helloSource = join(import.meta.dirname, "shim_hello.c");
const filtered = programPath("test/shim_filtered");
const nobody = 65_534;
const notRoot = (): string | false => (process.getuid?.() === 0 ? false : skipReason("this needs root"));

before(() => make("all", "test-programs"));
after(() => {
  endTargets();
  removeRingFolders();
});

interface Run {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, args: readonly string[], env: Record<string, string> = {}, uid?: number): Run {
  const identity = uid === undefined ? {} : { uid, gid: uid };
  const { PATH = "" } = process.env;
  const { status, signal, stdout, stderr } = spawnSync(command, args, { env: { PATH, ...env }, encoding: "utf8", ...identity });
  return { status, signal, stdout, stderr };
}

function compile(compiler: string, ...args: string[]): void {
  const { status, stderr } = run(compiler, args);
  assert.equal(status, 0, stderr);
}

/** A shell command in a mount namespace of its own, with `folder` in $1 and the shim in $2. */
const inMountNamespace = (script: string, folder: string, env: Record<string, string> = {}): Run =>
  run("unshare", ["-m", "sh", "-ec", script, "sh", folder, shim], env);

for (const { machine, path, need } of [
  { machine: "x86-64", path: shim, need: missing("readelf") },
  { machine: "aarch64", path: programPath("aarch64/libtidemark.so"), need: missing("readelf", "aarch64-linux-gnu-gcc") },
]) {
  test(`${machine}: the library needs nothing, exports nothing, and everything it takes is weak and unversioned`, {
    skip: need,
  }, () => {
    if (machine === "aarch64") make("build/aarch64/libtidemark.so");
    const { stdout } = run("readelf", ["--wide", "--dynamic", "--program-headers", "--dyn-syms", "--version-info", path]);
    assert.doesNotMatch(stdout, /\(NEEDED\)|\(RELR\)|\(TEXTREL\)|\(VERNEED\)|^ +TLS |GNU_STACK.*RWE/m);
    assert.match(stdout, /\(HASH\)/);
    assert.match(stdout, /\(GNU_HASH\)/);
    assert.match(stdout, /NOW NODELETE/);
    assert.match(stdout, /GNU_RELRO/);
    const symbols = Array.from(stdout.matchAll(/^ +\d+: [0-9a-f]+ +\d+ (?!SECTION)\w+ +(\w+) +\w+ +(\w+) (\S+)$/gm), (match) =>
      match.slice(1),
    );
    assert.ok(symbols.length > 20);
    for (const [binding, section, name] of symbols) {
      assert.deepEqual([binding, section], ["WEAK", "UND"], name);
      assert.doesNotMatch(name ?? "", /@/);
    }
  });
}

test("with glibc's malloc there is no thread, no file, no descriptor and no change of errno", async () => {
  const bare = await startTarget(peer, [], { LD_PRELOAD: "" });
  const { truth, folder } = await startPeer(null);
  for (const name of ["errno", "threads", "descriptors"]) assert.equal(truth.get(name), bare.truth.get(name), name);
  assert.equal(truth.get("threads"), "1");
  assert.deepEqual(ringNames(folder), []);
});

for (const allocator of allocators) {
  test(`${allocator}: one thread, a file of mode 0600 that is ours, no descriptor, errno as before`, {
    skip: missingLibrary(allocator),
  }, async () => {
    const bare = await startTarget(peer, [], { LD_PRELOAD: allocator });
    const { pid, ask, truth, folder } = await startPeer(allocator);
    assert.equal(truth.get("errno"), bare.truth.get("errno"));
    assert.equal(numberOf(truth, "threads"), numberOf(bare.truth, "threads") + 1);
    await ringSeen(folder, pid);
    const state = await ask("grow 1 1");
    assert.equal(state.get("descriptors"), bare.truth.get("descriptors"));
    const [name = ""] = ringNames(folder, pid);
    assert.match(name, new RegExp(`^${pid}-[0-9a-f]+\\.ring$`));
    const { mode, uid, size, blocks } = statSync(join(folder, name));
    assert.deepEqual([mode & 0o7777, uid, size], [0o600, process.getuid?.(), 20_480]);
    assert.ok(blocks * 512 >= size, "every byte has a block");
  });
}

test("TIDEMARK_SHIM=0 leaves a process alone", { skip: missingLibrary(jemalloc) }, async () => {
  const { truth } = await startPeer(jemalloc, { TIDEMARK_SHIM: "0" });
  assert.equal(truth.get("threads"), "1");
});

test("a process that ends before its first record leaves no file", { skip: missingLibrary(jemalloc) }, () => {
  const folder = ringFolder();
  const env = { ...shimEnv(folder, shim, jemalloc), TIDEMARK_INTERVAL_MS: "10000" };
  assert.deepEqual(run("/bin/true", [], env), { status: 0, signal: null, stdout: "", stderr: "" });
  assert.deepEqual(ringNames(folder), []);
});

/** The same program with and without the shim. */
function assertSame(command: string, args: readonly string[], libraries: readonly string[], uid?: number): void {
  const bare = run(command, args, libraries.length > 0 ? { LD_PRELOAD: libraries.join(" ") } : {}, uid);
  const with_ = run(command, args, shimEnv(ringFolder(), shim, ...libraries), uid);
  assert.deepEqual(with_, bare);
}

test("programs that work only with one thread have no other: setpriv, unshare, nsenter", {
  skip: notRoot() || missingLibrary(jemalloc),
}, () => {
  assertSame("setpriv", ["--reuid", String(nobody), "--regid", String(nobody), "--clear-groups", "id"], [jemalloc]);
  assertSame("unshare", ["-r", "id", "-u"], [jemalloc]);
  assertSame("unshare", ["-m", "true"], [jemalloc]);
  assertSame("nsenter", ["-m", "-t", String(process.pid), "true"], [jemalloc]);
});

test("a program, as any user, ends as it would without", () => {
  assertSame("/bin/true", [], []);
  assertSame(hello, ["word"], []);
  assertSame(hello, ["word"], [], nobody);
  assertSame("/bin/sh", ["-c", "echo out; echo err >&2; exit 3"], []);
  for (const allocator of allocators) if (!missingLibrary(allocator)) assertSame(hello, ["word"], [allocator], nobody);
});

test("a musl program loads it and runs as if it were not there", { skip: missing("musl-gcc") }, () => {
  const path = join(ringFolder(), "hello-musl");
  compile("musl-gcc", helloSource, "-o", path);
  assertSame(path, ["musl"], []);
  assert.equal(run(path, ["musl"], { LD_PRELOAD: shim }).stdout, "musl\n");
});

test("a static program ignores it", () => {
  const path = join(ringFolder(), "hello-static");
  compile("cc", "-static", helloSource, "-o", path);
  assertSame(path, ["static"], []);
});

test("a Go program ignores it", { skip: missing("go") }, () => {
  const folder = ringFolder();
  const source = join(folder, "hello.go");
  writeFileSync(source, 'package main\n\nimport "os"\n\nfunc main() {\n\tprintln("go")\n\tos.Exit(7)\n}\n');
  const env = { CGO_ENABLED: "0", HOME: process.env["HOME"] ?? folder };
  const built = run("go", ["build", "-o", join(folder, "hello-go"), source], env);
  assert.equal(built.status, 0, built.stderr);
  assertSame(join(folder, "hello-go"), [], []);
});

test("a 32-bit program runs; its loader says one line, unless $LIB leads it to an empty library", {
  skip: missing("/lib/ld-linux.so.2"),
}, () => {
  const folder = ringFolder();
  const program = join(folder, "exit-32");
  const empty = join(folder, "empty.so");
  writeFileSync(`${program}.c`, 'void _start(void) { __asm__ volatile("int $0x80" : : "a"(1), "b"(7)); }\n');
  writeFileSync(`${empty}.c`, "");
  const options = ["-m32", "-nostdlib", "-fPIC", "-fno-stack-protector"];
  compile("cc", ...options, "-pie", "-Wl,--dynamic-linker=/lib/ld-linux.so.2", `${program}.c`, "-o", program);
  compile("cc", ...options, "-shared", `${empty}.c`, "-o", empty);
  const { status, stdout, stderr } = run(program, [], { LD_PRELOAD: shim });
  assert.deepEqual([status, stdout], [7, ""]);
  assert.match(stderr, /^ERROR: ld\.so: object .* cannot be preloaded .*: ignored\.\n$/);
  // What $LIB stands for differs by distribution: lib64 or lib/x86_64-linux-gnu, lib32, lib or lib/i386-linux-gnu.
  for (const lib of ["lib64", "lib/x86_64-linux-gnu", "lib32", "lib/i386-linux-gnu"]) {
    mkdirSync(join(folder, lib), { recursive: true });
    copyFileSync(/64/.test(lib) ? shim : empty, join(folder, lib, "libtidemark.so"));
  }
  copyFileSync(empty, join(folder, "lib", "libtidemark.so"));
  const env = { LD_PRELOAD: `${folder}/$LIB/libtidemark.so` };
  assert.deepEqual(run(program, [], env), { status: 7, signal: null, stdout: "", stderr: "" });
  assert.deepEqual(run(hello, ["word"], env), { status: 7, signal: null, stdout: "word\n", stderr: "" });
});

test("a setuid program has nothing of it", { skip: notRoot() }, () => {
  assertSame("/usr/bin/passwd", ["--status", "nobody"], [], nobody);
});

test("even loaded by /etc/ld.so.preload it does nothing in a setuid program", {
  skip: notRoot() || missingLibrary(jemalloc),
}, () => {
  const folder = ringFolder();
  chmodSync(folder, 0o1777);
  for (const [name, mode] of [
    ["plain", 0o755],
    ["setuid", 0o4755],
  ] as const) {
    copyFileSync(peer, join(folder, name));
    chmodSync(join(folder, name), mode);
  }
  const script = `cp -a /etc "$1/etc"; mount --bind "$1/etc" /etc; echo "$2 ${jemalloc}" > /etc/ld.so.preload
    for name in plain setuid; do setpriv --reuid ${nobody} --regid ${nobody} --clear-groups "$1/$name" < /dev/null; done`;
  const { status, stdout, stderr } = inMountNamespace(script, folder, { TIDEMARK_RING_FOLDER: folder });
  assert.equal(status, 0, stderr);
  const threads = stdout
    .trimEnd()
    .split("\n")
    .map((line) => parseFields(line).get("threads"));
  assert.deepEqual(threads, ["2", "1"]);
});

const fileIn = (folder: string): string => {
  writeFileSync(join(folder, "file"), "");
  return join(folder, "file");
};
const withoutWriting = (folder: string): string => {
  chmodSync(folder, 0o755);
  return folder;
};
for (const { name, arrange } of [
  { name: "missing", arrange: (folder: string) => join(folder, "none") },
  { name: "a file", arrange: fileIn },
  { name: "not writable for its user", arrange: withoutWriting },
  { name: "named by a relative path", arrange: () => "rings" },
  { name: "named by more than fits", arrange: (folder: string) => `${folder}/${"x/".repeat(200)}` },
]) {
  test(`a ring folder that is ${name} is no reason to say or do anything`, {
    skip: notRoot() || missingLibrary(jemalloc),
  }, () => {
    const env = { ...shimEnv(arrange(ringFolder()), shim, jemalloc) };
    assert.deepEqual(run(hello, ["word"], env, nobody), { status: 7, signal: null, stdout: "word\n", stderr: "" });
  });
}

/** Runs the peer until its thread has had its first record's time, on a file system made by `mount`; gives what lies there then. */
async function peerOn(mount: string): Promise<readonly string[]> {
  const folder = ringFolder();
  const script = `mount ${mount} "$1"; chmod 1733 "$1" 2> /dev/null || true; exec "$3"`;
  const args = ["-m", "sh", "-ec", script, "sh", folder, shim, peer];
  const { pid, tell, ended } = await startTarget("unshare", args, shimEnv(folder, shim, jemalloc));
  // The thread tries once, and ends when it can not.
  await until("the shim's thread ends", () => readdirSync(`/proc/${pid}/task`).length === 1);
  const names = readdirSync(join(`/proc/${pid}/root`, folder));
  tell("leave");
  await ended;
  return names;
}

for (const { name, mount } of [
  { name: "full", mount: "-t tmpfs -o size=16k none" },
  { name: "read-only", mount: "-t tmpfs -o ro none" },
  { name: "on a file system whose mappings can fail later", mount: "-t ramfs none" },
]) {
  test(`a ring folder that is ${name} stays empty, and the thread ends`, {
    skip: notRoot() || missingLibrary(jemalloc),
  }, async () => {
    assert.deepEqual(await peerOn(mount), []);
  });
}

test("no file is made where less than a quarter of a small file system is free", { skip: notRoot() }, () => {
  const script = `mount -t tmpfs -o size=1m none "$1"
    ${programPath("test/shim_letter")} "$1" plain; head -c 800000 /dev/zero > "$1/ballast"; ${programPath("test/shim_letter")} "$1" plain`;
  const { stdout, stderr } = inMountNamespace(script, ringFolder());
  assert.equal(stdout, "made=1\nmade=0\n", stderr);
});

for (const what of ["symlink", "file", "fifo", "limit"]) {
  test(`a letter is not put where there is a ${what}`, () => {
    const folder = ringFolder();
    writeFileSync(join(folder, "victim"), "untouched");
    assert.equal(run(programPath("test/shim_letter"), [folder, what]).stdout, "made=0\n");
    assert.equal(readFileSync(join(folder, "victim"), "utf8"), "untouched");
    const left = readdirSync(folder).filter((name) => name !== "victim" && lstatSync(join(folder, name)).size === 20_480);
    assert.deepEqual(left, []);
  });
}

test("a program started under a filter that ends it for any unusual call lives", { skip: missingLibrary(jemalloc) }, () => {
  const folder = ringFolder();
  const bare = run(filtered, ["strict", hello, "word"], { LD_PRELOAD: jemalloc });
  assert.deepEqual(bare, { status: 7, signal: null, stdout: "word\n", stderr: "" });
  assert.deepEqual(run(filtered, ["strict", hello, "word"], shimEnv(folder, shim, jemalloc)), bare);
  assert.deepEqual(ringNames(folder), []);
});

test("under a lenient filter, as in containers, it is silent unless TIDEMARK_SHIM=1 vouches for the filter", {
  skip: missingLibrary(jemalloc),
}, async () => {
  const folder = ringFolder();
  const silent = await startTarget(filtered, ["lenient", peer], { ...shimEnv(folder, shim, jemalloc) });
  assert.equal(silent.truth.get("threads"), "1");
  const vouched = await startTarget(filtered, ["lenient", peer], { ...shimEnv(folder, shim, jemalloc), TIDEMARK_SHIM: "1" });
  assert.equal((await ringSeen(folder, vouched.pid)).header.allocator, "jemalloc");
});

test("on kernels before 5.9 the ring is there from the start, in a forked child as well", {
  skip: missingLibrary(jemalloc),
}, async () => {
  const folder = ringFolder();
  const env = { ...shimEnv(folder, shim, jemalloc), TIDEMARK_SHIM: "1", TIDEMARK_INTERVAL_MS: "10000" };
  const bare = await startTarget(peer, [], { LD_PRELOAD: jemalloc });
  const { pid, truth, ask } = await startTarget(filtered, ["older", peer], env);
  // Its first record is a second away, but the file is there, and no descriptor is left of it.
  assert.equal(ringNames(folder, pid).length, 1);
  assert.equal(truth.get("descriptors"), bare.truth.get("descriptors"));
  await ringSeen(folder, pid);
  const child = numberOf(await ask("fork"), "pid");
  assert.equal(ringNames(folder, child).length, 1);
  assert.equal((await ask("grow 1 1")).get("threads"), "2");
});
