// Proves that libtidemark-failures.so loads everywhere and changes nothing: other C libraries, filters, folders, plugins.
// It leaves the counts to failures.test.ts and the real programs to battery.test.ts.
import { deepEqual, equal, match } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { foreignLibc, foreignPrograms, releases } from "../support/foreign-libc.ts";
import { missing, skipReason } from "../support/need.ts";
import { asNobody, preloadOf, removeFolder, serviceFolder } from "../support/service.ts";
import { calls, failures, letterBox, removeLetterBoxes, run } from "./failures-run.ts";
import { jemalloc, missingLibrary } from "./shim-ring.ts";
import { make, programPath } from "./target.ts";

/** Readable for nobody as well. */
const place = serviceFolder("failures");
before(() => make("build/libtidemark-failures.so", "test-programs"));
after(removeLetterBoxes);
after(() => removeFolder(place));

const totalOf = (files: readonly { readonly failure_count: number }[]): number =>
  files.reduce((total, file) => total + file.failure_count, 0);

test("it needs no library, and every symbol it takes from one is weak and unversioned", {
  skip: missing("nm", "readelf"),
}, () => {
  const symbols = spawnSync("nm", ["-D", "--undefined-only", failures], { encoding: "utf8" }).stdout.trim().split("\n");
  for (const symbol of symbols) match(symbol.trim(), /^w \w+$/);
  const { stdout } = spawnSync("readelf", ["-dW", failures], { encoding: "utf8" });
  equal(/NEEDED|TEXTREL|VERNEED/.exec(stdout), null);
});

const programs = foreignPrograms("amd64");
for (const release of releases) {
  const libc = foreignLibc(release, "amd64");
  const absent = [programs, libc].find((item) => item.kind === "unavailable");
  test(`${release}'s C library: counts the same`, { skip: absent?.kind === "unavailable" ? absent.reason : false }, () => {
    if (libc.kind === "unavailable" || programs.kind === "unavailable") return;
    const loader = [libc.loader, "--library-path", libc.folder, join(programs.folder, "failures_calls")];
    for (const [mode, count] of [
      ["calls", 9],
      ["impossible", 5],
      ["forks", 40_006],
    ] as const) {
      const counted = run([...loader, mode], [failures]);
      deepEqual(counted.outcome, run([...loader, mode], []).outcome);
      equal(totalOf(counted.files), count);
    }
  });
}

test("musl: counts the same, though its functions call one another", { skip: missing("musl-gcc") }, () => {
  make("build/test/failures_calls-musl");
  const musl = programPath("test/failures_calls-musl");
  for (const [mode, count] of [
    ["calls", 9],
    ["forks", 40_006],
    ["errors", 0],
  ] as const) {
    const counted = run([musl, mode], [failures]);
    deepEqual(counted.outcome, run([musl, mode], []).outcome);
    equal(totalOf(counted.files), count);
  }
});

test("aarch64: loads, counts, and lets exceptions through", { skip: missing("aarch64-linux-gnu-gcc", "qemu-aarch64") }, () => {
  const built = ["libtidemark-failures.so", "failures_unwound.so", "failures_calls", "failures_raise"];
  make(...built.map((name) => `build/aarch64/${name}`));
  const [library, unwound, program, raise] = built.map((name) => programPath(`aarch64/${name}`));
  const emulated = (preload: string, ...command: (string | undefined)[]) =>
    run(["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", "-E", `LD_PRELOAD=${preload}`, ...command.map(String)], []);
  for (const [mode, count] of [
    ["impossible", 5],
    ["forks", 40_006],
  ] as const) {
    const counted = emulated(library ?? "", program, mode);
    deepEqual(counted.outcome, emulated("", program, mode).outcome);
    deepEqual(
      counted.files.map((file) => file.failure_count),
      [count],
    );
  }
  equal(totalOf(emulated(`${library}:${unwound}`, raise).files), 2);
});

const notRoot = process.getuid?.() === 0 ? false : skipReason("only root can make a program that runs as another user");
test("a static program and a set-user-ID one take no notice", { skip: notRoot }, () => {
  make("build/test/failures_calls-static");
  const fixed = programPath("test/failures_calls-static");
  const own = join(place, "set-user-id");
  copyFileSync(calls, own);
  chmodSync(own, 0o4755);
  for (const command of [fixed, own]) {
    const preload = [preloadOf([failures], place)];
    // ld.so says that it ignores LD_PRELOAD only where the library cannot be loaded, which here it could.
    const loaded = run([command, "impossible"], preload, asNobody);
    deepEqual(loaded.outcome, run([command, "impossible"], [], asNobody).outcome);
    deepEqual(loaded.files, []);
  }
});

test("other libraries may allocate before us, whichever is preloaded first", () => {
  const early = programPath("test/failures_early.so");
  for (const preload of [
    [early, failures],
    [failures, early],
  ]) {
    const counted = run([calls, "impossible"], preload);
    equal(counted.outcome.status, 0);
    equal(totalOf(counted.files), 5);
  }
});

test("an allocator that is preloaded before us leaves us nothing to count, so there is no file", {
  skip: missingLibrary(jemalloc),
}, () => {
  const shadowed = run([calls, "impossible"], [jemalloc, failures]);
  equal(shadowed.outcome.status, 0);
  deepEqual(shadowed.files, []);
});

test("names that nobody else defines are not found, and a plugin keeps its own operator new", () => {
  const command = [programPath("test/failures_host"), programPath("test/failures_plugin.so")];
  const loaded = run(command, [failures]);
  deepEqual(loaded.outcome, run(command, []).outcome);
  match(loaded.outcome.stdout, /_Znwm 0\n(.*\n)*uses its own heap: 1\n$/);
});

test("under a filter that kills for unknown calls it does nothing, unless whoever starts the program vouches for the filter", () => {
  const filtered = programPath("test/shim_filtered");
  const strict = run([filtered, "strict", calls, "impossible"], [failures]);
  deepEqual(strict.outcome, run([filtered, "strict", calls, "impossible"], []).outcome);
  equal(strict.outcome.status, 0);
  equal(totalOf(strict.files), 0);
  const lenient = (vouched: string) =>
    run([filtered, "lenient", calls, "forks"], [failures], { env: { TIDEMARK_SHIM: vouched } });
  equal(totalOf(lenient("").files), 0);
  equal(totalOf(lenient("1").files), 40_006);
});

test("a folder that is missing, closed, relative, too long or no folder leaves the program as it was", () => {
  const closed = join(place, "closed");
  mkdirSync(closed, { mode: 0o555 });
  const file = join(place, "file");
  writeFileSync(file, "");
  const without = run([calls, "impossible"], []).outcome;
  const preload = [preloadOf([failures], place)];
  for (const folder of ["/nowhere/at/all", closed, "relative", `/${"x".repeat(300)}`, file, ""]) {
    const { status, stdout } = spawnSync(calls, ["impossible"], {
      encoding: "utf8",
      env: { LD_PRELOAD: preload[0], TIDEMARK_RING_FOLDER: folder },
      ...asNobody,
    });
    deepEqual({ status, stdout }, { status: without.status, stdout: without.stdout }, folder);
  }
  deepEqual(run(["ls", closed], []).outcome.stdout, "");
});

test("a limit on file sizes is no reason to be killed", () => {
  const folder = letterBox();
  const script = `ulimit -f 1; exec ${calls} impossible`;
  const limited = run(["bash", "-c", script], [failures], { env: { TIDEMARK_RING_FOLDER: folder } });
  deepEqual(limited.outcome, run([calls, "impossible"], []).outcome);
});
