// Fuzzes the walker's parsers with heaps of real programs to start from, and replays what broke them once.
// It leaves what must hold to the targets in fuzz/, and how to run and reproduce by hand to fuzz/README.md.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { missing, skipReason } from "../support/need.ts";
import { withOutgrownArena } from "./fuzz/capture.ts";
import { captureSeeds, changedMark, type FuzzTarget, seedsOf, targets } from "./fuzz/seeds.ts";
import { endTargets, make, programPath } from "./target.ts";

/** Each target's share of the time: the process target has the most to reach. */
const shares: Readonly<Record<FuzzTarget, number>> = { chunks: 0.3, process: 0.5, text: 0.2 };

const totalSeconds = Number(process.env["TIDEMARK_FUZZ_SECONDS"] ?? (process.env["CI"] ? 60 : 10));
/** The largest captured heap takes 15 KiB; longer inputs only make each run slower. */
const inputBytesMax = 32768;
const root = fileURLToPath(new URL("../../", import.meta.url));
const work = programPath("fuzz");
const regressionsOf = (target: FuzzTarget): string => join(root, "test/fixtures/heaps", target);

before(async () => {
  make("fuzz-replay", "test-programs");
  await captureSeeds();
});
after(endTargets);

function replay(target: FuzzTarget, inputs: readonly string[]): readonly string[] {
  const { status, signal, stdout, stderr } = spawnSync(programPath(`fuzz/${target}-replay`), inputs, {
    encoding: "utf8",
    env: { ...process.env, TIDEMARK_FUZZ_SHOW: "1" },
  });
  assert.deepEqual([status, signal], [0, null], `${target}: ${stderr.slice(-4000)}`);
  return stdout.trimEnd().split("\n").slice(0, -1); // The last line is the replay's own.
}

test("inputs that once broke a parser, and one for each way a walk can end, break none", () => {
  for (const target of targets) {
    const inputs = globSync(join(regressionsOf(target), "*")).sort();
    assert.ok(inputs.length > 0, `${regressionsOf(target)} is empty`);
    replay(target, inputs);
  }
});

test("heaps captured from real programs are walked to their end, so the fuzzer starts deep inside", () => {
  for (const name of readdirSync(seedsOf("process")).filter((file) => !file.includes(changedMark))) {
    const said = replay("process", [join(seedsOf("process"), name)]).filter((line) => line.includes(" status="));
    for (const line of said) assert.match(line, /^pid=4242 status=ok .* free_chunk_count=[1-9]/, name);
    assert.equal(said.length, 2, name);
    assert.deepEqual(replay("chunks", [join(seedsOf("chunks"), name)]), ["reason=ok"], name);
  }
});

test("a thread arena that outgrew what maps said is never silently left out", () => {
  const input = join(work, "outgrown");
  writeFileSync(input, withOutgrownArena(readFileSync(join(seedsOf("process"), "threads-1-0-1-1"))));
  for (const line of replay("process", [input])) assert.match(line, /^pid=4242 status=unknown reason=changed /);
});

test("captured inputs hold no memory of the programs but malloc's own words", () => {
  for (const name of readdirSync(seedsOf("process"))) {
    const result = spawnSync("grep", ["-c", "-a", "-E", "xxxx|gggg|json|/home|PATH", join(seedsOf("process"), name)], {
      encoding: "utf8",
    });
    assert.equal(result.stdout.trim(), "0", name);
  }
});

test("the fake kernel answers every call that the walker makes", { skip: missing("nm") }, () => {
  const undefinedIn = (path: string, flag: string) => {
    const { status, stdout } = spawnSync("nm", ["-P", flag, path], { encoding: "utf8" });
    assert.equal(status, 0, path);
    return stdout.split("\n").map((line) => line.split(/[ @]/)[0] ?? "");
  };
  /** What C's own library does without asking the kernel. */
  const pure =
    /^(mem\w+|str\w+|v?snprintf|bsearch|qsort|sig(empty|add)set|explicit_bzero|__errno_location|__stack_chk_fail|__memcpy_chk|_GLOBAL_OFFSET_TABLE_)$/;
  const folder = mkdtempSync(join(work, "objects-"));
  try {
    const sources = globSync(join(root, "native/walker/*.c")).filter((path) => !path.endsWith("/main.c"));
    const names = join(root, "test/native/fuzz/fake_names.h");
    const compiled = spawnSync("cc", ["-std=c11", "-D_GNU_SOURCE", "-O1", "-c", "-include", names, ...sources], {
      cwd: folder,
      encoding: "utf8",
    });
    assert.equal(compiled.status, 0, compiled.stderr);
    const objects = globSync(join(folder, "*.o"));
    const defined = new Set(objects.flatMap((path) => undefinedIn(path, "--defined-only")));
    const foreign = objects.flatMap((path) => undefinedIn(path, "-u"));
    const unanswered = foreign.filter(
      (name) => name !== "" && !defined.has(name) && !name.startsWith("fake_") && !pure.test(name),
    );
    assert.deepEqual([...new Set(unanswered)], [], "add it to fake_names.h and fake_kernel.c");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

function noFuzzer(): string | false {
  const absent = missing("clang", "nice");
  if (absent) return absent;
  const probe =
    "int LLVMFuzzerTestOneInput(const char *data, long size); int LLVMFuzzerTestOneInput(const char *data, long size) { return data == 0 && size; }";
  const { status } = spawnSync("clang", ["-fsanitize=fuzzer,address,undefined", "-x", "c", "-", "-o", "/dev/null"], {
    input: probe,
  });
  return status === 0 ? false : skipReason("clang has no libFuzzer here (Debian: libclang-rt-14-dev)");
}

const skip = noFuzzer();

for (const target of targets) {
  test(`fuzzing ${target} for its share of ${totalSeconds} s finds nothing`, { skip }, () => {
    make("fuzz");
    const found = mkdtempSync(join(work, `${target}-`));
    const crashes = join(work, "crashes", target);
    mkdirSync(crashes, { recursive: true });
    const args = [
      `-max_total_time=${Math.max(1, Math.round(totalSeconds * shares[target]))}`,
      `-max_len=${inputBytesMax}`,
      "-timeout=30",
      `-artifact_prefix=${crashes}/`,
      "-print_final_stats=1",
      found,
      seedsOf(target),
      regressionsOf(target),
    ];
    const { status, stderr } = spawnSync("nice", ["-n", "19", programPath(`fuzz/${target}`), ...args], {
      encoding: "utf8",
      maxBuffer: 1 << 28,
    });
    rmSync(found, { recursive: true });
    assert.equal(status, 0, status === 0 ? "" : tellCrash(target, stderr));
    assert.ok(
      Number(/number_of_executed_units: (\d+)/.exec(stderr)?.[1]) > readdirSync(seedsOf(target)).length,
      stderr.slice(-2000),
    );
  });
}

/** Reduces the input and keeps it among the regressions, where it fails until the cause is mended. */
function tellCrash(target: FuzzTarget, stderr: string): string {
  const input = /Test unit written to (\S+)/.exec(stderr)?.[1];
  if (input === undefined) return stderr.slice(-4000);
  const kept = join(regressionsOf(target), `found-${input.split("-").at(-1)?.slice(0, 12)}`);
  const reduced = `-exact_artifact_path=${kept}`;
  const { status } = spawnSync(programPath(`fuzz/${target}`), [
    "-minimize_crash=1",
    "-max_total_time=30",
    "-timeout=30",
    reduced,
    input,
  ]);
  if (globSync(kept).length === 0) spawnSync("cp", [input, kept]);
  const again = `native/build/fuzz/${target}-replay ${relative(root, kept)}`;
  return `${target} broke; reduced (${status}) to ${relative(root, kept)}; see it again with: make -C native fuzz-replay && ${again}\n${stderr.slice(-4000)}`;
}
