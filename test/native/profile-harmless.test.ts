// Proves that libtidemark-profile.so loads everywhere and changes nothing: results, errno, filters, other C libraries and allocators.
// It leaves what it finds to profile.test.ts.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { takeProfile } from "../../local/profile/take.ts";
import { foreignLibc, foreignPrograms, releases } from "../support/foreign-libc.ts";
import { missing, skipReason } from "../support/need.ts";
import { commandsOf, type ProgramName, startProgram } from "../support/programs.ts";
import { asNobody, preloadOf, removeFolder, serviceFolder } from "../support/service.ts";
import { calls, removeLetterBoxes, run } from "./failures-run.ts";
import { sites, sitesOf, wrapped, wrapper } from "./profile-run.ts";
import { jemalloc, missingLibrary } from "./shim-ring.ts";
import { endTargets, make, programPath } from "./target.ts";

const place = serviceFolder("profile");
before(() => make("build/libtidemark-profile.so", "test-programs"));
after(() => {
  endTargets();
  removeLetterBoxes();
  removeFolder(place);
});

/** A sample at every other page, so that what samples do is done often. */
const often = { env: { TIDEMARK_PROFILE_BYTES: "4096" } };

test("it needs no library, and every symbol it takes from one is weak and unversioned", {
  skip: missing("nm", "readelf"),
}, () => {
  const symbols = spawnSync("nm", ["-D", "--undefined-only", wrapper], { encoding: "utf8" }).stdout.trim().split("\n");
  for (const symbol of symbols) match(symbol.trim(), /^w \w+$/);
  const { stdout } = spawnSync("readelf", ["-dW", wrapper], { encoding: "utf8" });
  equal(/NEEDED|TEXTREL|VERNEED/.exec(stdout), null);
});

test("every function gives what it should, errno included, sampled or not", () => {
  const program = run([sites, "all"], [wrapper], often);
  deepEqual(program.outcome, { status: 0, signal: null, stdout: "good=1\n" });
});

test("requests that fail do so as without it, and forked children end", () => {
  for (const mode of ["calls", "impossible", "errors", "threads", "forks"])
    deepEqual(run([calls, mode], [wrapper], often).outcome, run([calls, mode], []).outcome, mode);
});

test("behind the wrapper that counts failures, both do their work", async () => {
  const failures = programPath("libtidemark-failures.so");
  const counted = run([calls, "impossible"], [failures, wrapper], often);
  equal(counted.files[0]?.failure_count, 5);
  const program = await wrapped({ LD_PRELOAD: `${failures} ${wrapper}`, TIDEMARK_RING_FOLDER: place });
  await program.ask("shares 8388608");
  ok(((await sitesOf(program.pid)).bytes.get("site_four_fifths") ?? 0) > 4_000_000);
});

const programs = foreignPrograms("amd64");
for (const release of releases) {
  const libc = foreignLibc(release, "amd64");
  const absent = [programs, libc].find((item) => item.kind === "unavailable");
  test(`${release}'s C library: changes nothing`, { skip: absent?.kind === "unavailable" ? absent.reason : false }, () => {
    if (libc.kind === "unavailable" || programs.kind === "unavailable") return;
    const loader = [libc.loader, "--library-path", libc.folder, join(programs.folder, "failures_calls")];
    for (const mode of ["calls", "forks", "threads"])
      deepEqual(run([...loader, mode], [wrapper], often).outcome, run([...loader, mode], []).outcome);
  });
}

test("musl: it stays out", { skip: missing("musl-gcc") }, () => {
  make("build/test/failures_calls-musl");
  const musl = programPath("test/failures_calls-musl");
  for (const mode of ["calls", "forks", "errors"])
    deepEqual(run([musl, mode], [wrapper], often).outcome, run([musl, mode], []).outcome);
});

test("under a filter that ends a program for any call that the dynamic linker does not make, it works", () => {
  const filtered = programPath("test/shim_filtered");
  const strict = run([filtered, "strict", sites, "all"], [wrapper], often);
  deepEqual(strict.outcome, run([filtered, "strict", sites, "all"], []).outcome);
  equal(strict.outcome.status, 0);
});

const notRoot = process.getuid?.() === 0 ? false : skipReason("only root can make a program that runs as another user");
test("a set-user-ID program takes no notice", { skip: notRoot }, () => {
  const own = join(place, "set-user-id");
  copyFileSync(sites, own);
  chmodSync(own, 0o4755);
  deepEqual(run([own, "all"], [preloadOf([wrapper], place)], asNobody).outcome, run([own, "all"], [], asNobody).outcome);
});

test("told to stay out, or in front of another allocator, it samples nothing and says why", {
  skip: missingLibrary(jemalloc),
}, async () => {
  const off = await wrapped({ TIDEMARK_PROFILE: "0" });
  const other = await wrapped({ LD_PRELOAD: `${wrapper} ${jemalloc}` });
  for (const [program, state] of [
    [off, "turned_off"],
    [other, "not_glibc"],
  ] as const) {
    await program.ask("shares 8388608");
    const taken = await takeProfile({ pid: program.pid, allocator: null, ring: null, durationMs: null });
    deepEqual(taken, { ok: false, error: { kind: "wrapper_off", state } });
  }
});

/** Debian's redis is linked to jemalloc under malloc's own name: behind the wrapper, the C library comes before that. */
for (const name of ["redis-jemalloc", "python", "ruby", "postgres"] as const satisfies readonly ProgramName[]) {
  test(`${name}: works under it, has a profile, and ends as it should`, { skip: missing(...commandsOf(name)) }, async () => {
    const program = await startProgram(name, {
      preload: [wrapper, "libc.so.6"],
      env: { TIDEMARK_PROFILE_BYTES: "16384", PYTHONMALLOC: "malloc" },
    });
    try {
      await program.load();
      match(readFileSync(`/proc/${program.pid}/maps`, "utf8"), /libtidemark-profile/);
      const { profile, stacks } = await sitesOf(program.pid);
      ok(profile.sampleCount > 20, String(profile.sampleCount));
      ok(stacks.some((stack) => stack.length > 5));
    } finally {
      await program.stop();
    }
  });
}
