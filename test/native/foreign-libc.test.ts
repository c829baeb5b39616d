// Proves the walker on the C libraries of four Debian releases, each run through its own loader, on this machine.
// It leaves emulated aarch64 to foreign-arm64.test.ts, and the versions that have no package to layouts_unit.c.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { after, before, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { allocatorOf } from "../../collector/heap/allocator.ts";
import { glibcVersion } from "../../collector/heap/glibc-version.ts";
import { type ForeignLibc, foreignLibc, foreignPrograms, minorOf, releases } from "../support/foreign-libc.ts";
import { assertExact, assertNoFigures, assertParkedExact } from "./exactness.ts";
import { endTargets, type Fields, make, numberOf, programPath, startTarget, type Target } from "./target.ts";
import { walk as walkFully } from "./walks.ts";

const run = promisify(execFile);
const walkerFolder = fileURLToPath(new URL("../../native/walker/", import.meta.url));
/** HEAP_MAX_SIZE of glibc's arena.c, and what a new heap has at first: HEAP_MIN_SIZE and the default top pad. */
const heapAlignment = 64n << 20n;
const firstHeapBytes = (32n + 128n) << 10n;
const workFolder = mkdtempSync(join(tmpdir(), "tidemark-foreign-"));

interface Library extends ForeignLibc {
  readonly name: string;
  readonly minor: number;
}

const architecture = process.arch === "arm64" ? "arm64" : "amd64";
const programs = foreignPrograms(architecture);
const found = releases.map((name) => ({ name, libc: foreignLibc(name, architecture) }));
const unavailable = [programs, ...found.map(({ libc }) => libc)].find((item) => item.kind === "unavailable");
const skip = unavailable === undefined ? false : unavailable.reason;
const libraries: Library[] = [
  ...found.flatMap(({ name, libc }) => (libc.kind === "found" ? [{ ...libc, name, minor: minorOf[name] }] : [])),
  ...extraLibraries(),
];

/** TIDEMARK_LIBC_FOLDERS adds others, each folder holding ld.so, libc.so.6 and libpthread.so.0 and named glibc-2.<minor>. */
function extraLibraries(): Library[] {
  const folders = (process.env["TIDEMARK_LIBC_FOLDERS"] ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => {
    const minor = Number(/^glibc-2\.(\d+)$/.exec(basename(folder))?.[1]);
    return { name: basename(folder), minor, folder, loader: join(folder, "ld.so") };
  });
}

before(() => make("build/tidemark-walk"));
after(endTargets);
after(() => rmSync(workFolder, { recursive: true, force: true }));

const programOf = (name: string): string => join(programs.kind === "found" ? programs.folder : "", name);

function start(
  library: Library,
  program: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<Target> {
  return startTarget(library.loader, ["--library-path", library.folder, programOf(program), ...args], env);
}

const walk = async (pid: number, path?: string): Promise<Fields> =>
  (await walkFully(pid, path === undefined ? {} : { path })).fields;

const quietHeaps: [program: string, args: string[]][] = [
  ["known", ["10000", "same"]],
  ["known", ["10000", "mixed"]],
  ["known", ["2000", "pages"]],
  ["known", ["100000", "same"]],
  ["threads", ["8", "2", "3", "100"]],
  ["odd", ["filled"]],
  ["odd", ["split"]],
  ["odd", ["forked"]],
  ["odd", ["zend"]],
];
for (const library of libraries) {
  for (const [program, args] of quietHeaps) {
    test(`${library.name}: ${program} ${args.join(" ")} is walked to the last byte and chunk`, { skip }, async () => {
      const target = await start(library, program, args);
      const fields = await walk(target.pid);
      assertExact(fields, target.truth, library.minor);
      if (program !== "threads") return;
      assert.equal(numberOf(fields, "arena_count"), 9);
      assert.ok(numberOf(fields, "arena_bytes_max") > 64 << 20, "an arena of several heaps");
    });
  }

  test(`${library.name}: aligned and mmapped chunks are counted, also where glibc moved or freed some`, { skip }, async () => {
    const target = await start(library, "aligned");
    assertExact(await walk(target.pid), target.truth, library.minor);
    for (const command of ["release", "clear"]) {
      const truth = await target.ask(command);
      assertExact(await walk(target.pid), truth, library.minor);
    }
  });

  test(`${library.name}: what tcache and fastbins hold is told apart`, { skip }, async () => {
    const target = await start(library, "parked", ["3", "30"]);
    const fields = await walk(target.pid);
    assertExact(fields, target.truth, library.minor);
    assertParkedExact(fields, target.truth, library.minor);
  });

  test(`${library.name}: what malloc_trim gives back is foretold`, { skip }, async () => {
    const target = await start(library, "threads", ["4", "1", "4", "80"]);
    const foretold = numberOf(await walk(target.pid), "reclaimable_bytes");
    const fell = numberOf(await target.ask("trim"), "fell");
    assert.ok(foretold > 10 << 20 && Math.abs(foretold - fell) <= 0.02 * fell, `foretold ${foretold}, fell by ${fell}`);
  });

  test(`${library.name}: a heap that never rests is measured well or called changed`, { skip }, async () => {
    const target = await start(library, "churn", ["2", "20000"]);
    const walks: Fields[] = [];
    for (let count = 0; count < 10; count++) walks.push(await walk(target.pid));
    const truth = await target.ask("stop");
    const oks = walks.filter((fields) => fields.get("status") === "ok");
    for (const fields of walks) if (!oks.includes(fields)) assertNoFigures(fields, "changed");
    assert.ok(oks.length > 0, "all ten walks failed");
    for (const fields of oks) {
      const off = Math.abs(numberOf(fields, "heap_bytes") / numberOf(truth, "arena") - 1);
      assert.ok(off < 0.2, `the heap is ${off * 100} % off`);
      const accounted = numberOf(fields, "live_bytes") - numberOf(fields, "mmapped_bytes") + numberOf(fields, "free_bytes");
      assert.equal(accounted + numberOf(fields, "metadata_bytes"), numberOf(fields, "heap_bytes"));
    }
    assertExact(await walk(target.pid), truth, library.minor);
  });

  test(`${library.name}: what is not one glibc heap is unknown`, { skip }, async () => {
    for (const kind of ["garbage", "foreign_brk"])
      assertNoFigures(await walk((await start(library, "odd", [kind])).pid), "layout");
  });

  test(`${library.name}: a thread arena that does not fit what is known makes the heap unknown, not smaller`, {
    skip,
  }, async () => {
    const reasons = { grown: "changed", strange: "layout", hidden: "layout" };
    for (const [kind, reason] of Object.entries(reasons))
      assertNoFigures(await walk((await start(library, "odd", [kind])).pid), reason);
  });

  // The tunable came with 2.35.
  if (library.minor >= 35) {
    test(`${library.name}: heaps of huge pages lie elsewhere, which is unknown and not less`, { skip }, async () => {
      const env = { GLIBC_TUNABLES: "glibc.malloc.hugetlb=2" };
      for (const [program, ...args] of [
        ["known", "1000", "same"],
        ["threads", "8", "2", "3", "100"],
      ]) {
        const target = await start(library, program ?? "", args, env);
        assertNoFigures(await walk(target.pid), "layout", "changed", "no_heap");
      }
    });
  }

  test(`${library.name}: a libc that an upgrade has deleted is walked as before`, { skip }, async () => {
    const folder = join(workFolder, library.name);
    await cp(library.folder, folder, { recursive: true, dereference: true });
    const target = await start({ ...library, folder, loader: join(folder, basename(library.loader)) }, "threads", [
      "4",
      "1",
      "2",
      "3",
    ]);
    rmSync(folder, { recursive: true });
    assertExact(await walk(target.pid), target.truth, library.minor);
  });

  test(`${library.name}: the maps of a process started by the loader still name its libc and its version`, {
    skip,
  }, async () => {
    const target = await start(library, "odd", ["filled"]);
    const paths = readFileSync(`/proc/${target.pid}/maps`, "utf8")
      .split("\n")
      .map((line) => line.slice(73));
    const { allocator, libraryPath } = allocatorOf(paths);
    assert.equal(allocator, "glibc");
    assert.match(glibcVersion(target.pid, libraryPath ?? "") ?? "", /^2\.\d+$/);
  });
}

/**
 * Thread arenas of a process that have grown at least once, so that they are in glibc's ring: by their heap_info.
 * Each address counts once: the kernel lists a mapping twice when it grows between two reads of one maps file.
 */
function grownArenas(pid: number): number {
  const maps = readFileSync(`/proc/${pid}/maps`, "utf8");
  const starts = Array.from(maps.matchAll(/^([0-9a-f]+)-[0-9a-f]+ rw-p 00000000 00:00 0 $/gm), (match) =>
    BigInt(`0x${match[1]}`),
  );
  const memory = openSync(`/proc/${pid}/mem`, "r");
  const info = Buffer.alloc(32);
  const grown = [...new Set(starts)].filter((start) => {
    if (start % heapAlignment !== 0n || readSync(memory, info, 0, info.length, start) !== info.length) return false;
    const behind = info.readBigUInt64LE(0) - start;
    return behind > 0n && behind <= 256n && info.readBigUInt64LE(16) > firstHeapBytes;
  });
  closeSync(memory);
  return grown.length;
}

test("arenas that grow while the maps are read are walked or called changed, never left out", { skip }, async () => {
  for (const library of libraries) {
    const child = spawn(library.loader, ["--library-path", library.folder, programOf("churn"), "3", "60000"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const ended = once(child, "exit");
    const filled = once(child.stdout, "data");
    const isFilled = filled.then(() => true);
    try {
      while (!(await Promise.race([isFilled, setImmediate(false)]))) {
        const grown = grownArenas(child.pid ?? 0);
        const fields = await walk(child.pid ?? 0);
        if (fields.get("status") === "ok")
          assert.ok(numberOf(fields, "arena_count") > grown, `${grown} grown, found ${fields.get("arena_count")}`);
        else assertNoFigures(fields, "changed", "no_heap");
      }
    } finally {
      child.kill("SIGKILL");
      await ended;
    }
  }
});

/** The walker as it would be had glibc's layout of these versions appeared after it was written. */
async function walkerWithout(versions: string): Promise<string> {
  const folder = join(workFolder, versions.replaceAll(" ", "-"));
  await cp(walkerFolder, folder, { recursive: true });
  const table = readFileSync(join(folder, "arena_layout.c"), "utf8");
  const lines = table.split("\n").filter((line) => !line.trimStart().startsWith(`{"${versions}"`));
  assert.equal(lines.length, table.split("\n").length - 1, `the table has one line for ${versions}`);
  writeFileSync(join(folder, "arena_layout.c"), lines.join("\n"));
  const path = join(folder, "walk");
  const { stdout } = await run("sh", [
    "-c",
    `cc -std=c11 -D_GNU_SOURCE -O1 -DTIDEMARK_VERSION='"0"' -o ${path} ${folder}/*.c 2>&1`,
  ]);
  assert.equal(stdout, "");
  return path;
}

test("arenas of a version that came after the walker are unknown, not left out", { skip }, async () => {
  const cut = [
    ["2.27 to 2.34", "bullseye"],
    ["2.35 to 2.42", "bookworm"],
    ["2.43", "sid"],
  ] as const;
  await Promise.all(
    cut.map(async ([versions, release]) => {
      const library = libraries.find(({ name }) => name === release);
      if (library === undefined) throw new Error(`no ${release}`);
      const walker = await walkerWithout(versions);
      const target = await start(library, "threads", ["8", "2", "3", "100"]);
      assertNoFigures(await walk(target.pid, walker), "layout");
      assertExact(await walk(target.pid), target.truth, library.minor);
    }),
  );
});

test("the table of layouts holds what each version from 2.23 on declares", () => {
  make("build/test/layouts_unit");
  return run(programPath("test/layouts_unit")).then(({ stdout }) => assert.equal(stdout, "ok\n"));
});
