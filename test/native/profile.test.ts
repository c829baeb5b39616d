// Proves that the wrapper's profile is true: shares, leaks, frees, threads, forks, signals, and libraries that are gone.
// It leaves that nothing else changes to profile-harmless.test.ts, and the parts that read it to test/local/profile/.
import { equal, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { missing } from "../support/need.ts";
import { sitesOf, wrapped } from "./profile-run.ts";
import { endTargets, make, numberOf, programPath } from "./target.ts";

before(() =>
  make("build/libtidemark-profile.so", ...["profile_sites", "profile_plugin.so"].map((name) => `build/test/${name}`)),
);
after(endTargets);

const near = (value: number, expected: number, tolerance: number, what: string): void =>
  ok(Math.abs(value - expected) <= tolerance * expected, `${what}: ${value}, not within ${tolerance} of ${expected}`);

test("two places that hold four fifths and one fifth have these shares, and the total is the total", async () => {
  const program = await wrapped();
  // Some 2,000 samples: a standard error of 2.2 % for the total, of 1.1 % for the larger share.
  const bytes = numberOf(await program.ask("shares 134217728"), "bytes");
  const { bytes: held, profile } = await sitesOf(program.pid);
  const [four = 0, one = 0] = [held.get("site_four_fifths"), held.get("site_one_fifth")];
  near(four + one, bytes, 0.12, "total");
  near(four / (four + one), 0.8, 0.07, "share");
  equal(profile.droppedCount, 0);
  equal(profile.meanBytes, 65_536);
});

test("a leak is on top, and what was freed is not there at all", async () => {
  const program = await wrapped();
  const leaked = numberOf(await program.ask("leak 3000000"), "bytes");
  const { bytes, profile, stacks } = await sitesOf(program.pid);
  near(bytes.get("site_leaking") ?? 0, leaked, 0.2, "leaked");
  equal(bytes.get("site_freed"), undefined);
  ok(profile.sampleCount > 500);
  // The whole way from the start of the program, through frames without frame pointers.
  ok(stacks[0]?.includes("main"), String(stacks[0]));
});

test("--seconds shows what is born from then on, and not what was there", async () => {
  const program = await wrapped();
  await program.ask("shares 33554432");
  const during = sitesOf(program.pid, 1_000);
  // Its first look is synchronous: what is asked from here on is born later.
  const leaked = numberOf(await program.ask("leak 500000"), "bytes");
  const { bytes } = await during;
  equal(bytes.get("site_four_fifths"), undefined);
  near(bytes.get("site_leaking") ?? 0, leaked, 0.35, "leaked meanwhile");
});

test("threads that have ended leave their blocks, and other threads' frees count", async () => {
  const program = await wrapped({ TIDEMARK_PROFILE_BYTES: "16384" });
  const held = numberOf(await program.ask("threads keep"), "bytes");
  near((await sitesOf(program.pid)).bytes.get("site_of_thread") ?? 0, held, 0.2, "held by threads");
  const freed = await wrapped({ TIDEMARK_PROFILE_BYTES: "16384" });
  await freed.ask("threads free");
  equal((await sitesOf(freed.pid)).bytes.get("site_of_thread"), undefined);
});

test("a child has its parent's blocks and its own, and the parent has none of the child's", async () => {
  const program = await wrapped();
  await program.ask("shares 33554432");
  const child = numberOf(await program.ask("fork"), "child");
  try {
    const [ofParent, ofChild] = [await sitesOf(program.pid), await sitesOf(child)];
    ok((ofChild.bytes.get("site_of_child") ?? 0) > 5_000_000);
    equal(ofChild.bytes.get("site_four_fifths"), ofParent.bytes.get("site_four_fifths"));
    equal(ofParent.bytes.get("site_of_child"), undefined);
  } finally {
    process.kill(child, "SIGKILL");
  }
});

test("500 forks beside threads that take a sample at every allocation end, all of them", async () => {
  const program = await wrapped({ TIDEMARK_PROFILE_BYTES: "4096" });
  equal(numberOf(await program.ask("forks 500"), "forks"), 500);
});

test("5,000 signals a second fall into samples too, and no block is lost over them", async () => {
  const program = await wrapped({ TIDEMARK_PROFILE_BYTES: "4096" });
  ok(numberOf(await program.ask("storm 500000"), "signals") > 100);
  const { bytes, profile } = await sitesOf(program.pid);
  equal(bytes.get("site_freed"), undefined);
  equal(profile.droppedCount, 0);
});

test("a handler's stack leads through the signal to who was interrupted; from a stack of its own it ends there", async () => {
  const program = await wrapped();
  await program.ask("handler");
  const below = (await sitesOf(program.pid)).stacks.find((stack) => stack.includes("site_in_handler"));
  ok(below?.includes("site_raising") && below.includes("main"), String(below));
  const apart = await wrapped();
  await apart.ask("handler apart");
  const { bytes } = await sitesOf(apart.pid);
  near(bytes.get("site_in_handler") ?? 0, 50 << 20, 0.01, "of the handler");
});

test("what an unloaded library allocated is still counted, under no name", async () => {
  const program = await wrapped();
  equal((await program.ask(`plugin ${programPath("test/profile_plugin.so")}`)).get("unloaded"), "1");
  const { bytes, stacks } = await sitesOf(program.pid);
  equal(readFileSync(`/proc/${program.pid}/maps`, "utf8").includes("profile_plugin"), false);
  equal(bytes.get("site_of_plugin"), undefined);
  const place = stacks.find((stack) => stack.includes("main"))?.[0] ?? "";
  ok(/^unknown 0x/.test(place), place);
  near(bytes.get("none") ?? 0, 50_000_000, 0.2, "of the plugin");
});

test("the tables stand many threads, under ThreadSanitizer; the unwinder agrees with libgcc's, under AddressSanitizer", () => {
  make("build/test/profile_tables", "build/test/profile_stack");
  for (const name of ["profile_tables", "profile_stack"]) {
    const { status, stderr } = spawnSync(programPath(`test/${name}`), { encoding: "utf8" });
    equal(status, 0, stderr);
  }
});

test("aarch64: its unwinder agrees with libgcc's too, and every function does what it should", {
  skip: missing("aarch64-linux-gnu-gcc", "qemu-aarch64"),
}, () => {
  const built = ["libtidemark-profile.so", "profile_stack", "profile_sites"];
  make(...built.map((name) => `build/aarch64/${name}`));
  const [library, stack = "", program = ""] = built.map((name) => programPath(`aarch64/${name}`));
  const emulated = ["-L", "/usr/aarch64-linux-gnu", "-E", "TIDEMARK_PROFILE_BYTES=4096"];
  equal(spawnSync("qemu-aarch64", [...emulated, stack]).status, 0);
  const all = spawnSync("qemu-aarch64", [...emulated, "-E", `LD_PRELOAD=${library}`, program, "all"], { encoding: "utf8" });
  equal(all.stdout, "good=1\n");
});
