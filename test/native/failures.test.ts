// Proves that every failed request is counted once and by its size, whoever the allocator is and whichever child it was.
// It leaves that nothing else changes to failures-harmless.test.ts and battery.test.ts.
import { deepEqual, equal, ok } from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { missing } from "../support/need.ts";
import { calls, countsOf, failures, letterBox, type Run, removeLetterBoxes, run } from "./failures-run.ts";
import { jemalloc, mimalloc, missingLibrary, tcmalloc, tcmallocMinimal } from "./shim-ring.ts";
import { make, programPath } from "./target.ts";

before(() => make("build/libtidemark-failures.so", "test-programs"));
after(removeLetterBoxes);

const MIB = 1n << 20n;
const SIZE_MAX = (1n << 64n) - 1n;
const IMPOSSIBLE = (1n << 63n) - 65_537n;
/** As failures_calls asks for them. */
const callSizes = [16n * MIB, 16n * MIB + 1n, ...[32n, 64n, 65n, 128n, 256n, 512n, 1024n].map((count) => count * MIB)];
const allocators = [null, jemalloc, tcmalloc, tcmallocMinimal, mimalloc];

function onlyFile({ files }: Run) {
  equal(files.length, 1);
  const [file] = files;
  if (file === undefined) throw new Error("no file");
  return file;
}

for (const allocator of allocators) {
  const name = allocator ?? "glibc";
  const skip = allocator === null ? false : missingLibrary(allocator);
  const others = allocator === null ? [] : [allocator];
  describe(name, { skip }, () => {
    test("what does not fit under RLIMIT_AS is counted by size, and the program sees the same", () => {
      const counted = run([calls, "calls"], [failures, ...others]);
      deepEqual(counted.outcome, run([calls, "calls"], others).outcome);
      equal(counted.outcome.status, 0);
      const file = onlyFile(counted);
      // What an allocator had reserved before the limit came, it can still give: mimalloc one 16 MiB.
      const lines = counted.outcome.stdout.trim().split("\n");
      const failed = callSizes.filter((_, call) => / failed | is 12 /.test(lines[call] ?? ""));
      ok(failed.length >= callSizes.length - 1);
      deepEqual(file.countBySize, countsOf(failed));
      equal(file.failure_count, failed.length);
      equal(file.failedBytes, Number(1024n * MIB));
      ok((file.failedAtMs ?? 0) > 1e12);
    });

    test("what can never be is counted too, and the last bin takes what is larger than all", () => {
      const counted = run([calls, "impossible"], [failures, ...others]);
      deepEqual(counted.outcome, run([calls, "impossible"], others).outcome);
      const asked = counted.outcome.stdout.match(/failed/g)?.length;
      equal(asked, 5);
      deepEqual(onlyFile(counted).countBySize, countsOf([SIZE_MAX, SIZE_MAX, IMPOSSIBLE, IMPOSSIBLE, IMPOSSIBLE]));
    });

    test("a wrong alignment and a realloc to nothing are no failures", () => {
      const counted = run([calls, "errors"], [failures, ...others]);
      deepEqual(counted.outcome, run([calls, "errors"], others).outcome);
      const { failure_count, failedAtMs } = onlyFile(counted);
      deepEqual({ failure_count, failedAtMs }, { failure_count: 0, failedAtMs: null });
    });

    // mimalloc's operator new of C, as Debian builds it, aborts where it should throw.
    const forms = allocator === mimalloc ? "nothrow" : "all";
    test(`C++: ${forms} forms of operator new are counted once each`, { skip: missing("g++") }, () => {
      make("build/test/failures_new");
      const command = [programPath("test/failures_new"), forms];
      const counted = run(command, [failures, ...others]);
      deepEqual(counted.outcome, run(command, others).outcome);
      const failed = counted.outcome.stdout.match(/threw|is null/g)?.length;
      equal(failed, forms === "all" ? 8 : 4);
      equal(onlyFile(counted).failure_count, failed);
    });

    test("8 threads that fail 5,000 times each are 40,000 failures", () => {
      equal(onlyFile(run([calls, "threads"], [failures, ...others])).failure_count, 40_000);
    });
  });
}

test("an exception that nobody catches is counted when it passes through operator new", () => {
  const counted = run([programPath("test/failures_raise")], [failures, programPath("test/failures_unwound.so")]);
  equal(counted.outcome.status, 0);
  deepEqual(onlyFile(counted).countBySize, countsOf([1n << 40n, 1n << 30n]));
});

test("forked children and their children, with threads or without, count in the one file of who was started", () => {
  const counted = run([calls, "forks"], [failures]);
  equal(counted.outcome.status, 0);
  const { failure_count, header } = onlyFile(counted);
  deepEqual({ failure_count, pid: header.pid }, { failure_count: 40_006, pid: counted.pid });
});

test("who executes a program starts anew, though the process is the same", () => {
  const { pid, outcome, files } = run(["sh", "-c", `exec ${calls} impossible`], [failures]);
  equal(outcome.status, 0);
  deepEqual(
    files.map(({ failure_count, header }) => [failure_count, header.pid]),
    [
      [0, pid],
      [5, pid],
    ],
  );
});

test("a vfork child is part of its parent", () => {
  equal(onlyFile(run([calls, "vforks"], [failures])).failure_count, 3);
});

test("a daemon that has closed its descriptors still counts", () => {
  const counted = run([calls, "daemon"], [failures]);
  equal(counted.outcome.status, 0);
  equal(onlyFile(counted).failure_count, 4);
});

test("a program that closes every descriptor closes none of ours and finds none of ours", () => {
  const counted = run([calls, "closed"], [failures]);
  equal(counted.outcome.status, 0);
  equal(onlyFile(counted).failure_count, 2);
});

test("at vm.max_map_count the 200 KB mallocs that fail are counted", () => {
  const counted = run([calls, "maps"], [failures]);
  deepEqual(counted.outcome, { status: 0, signal: null, stdout: "" });
  deepEqual(onlyFile(counted).countBySize, countsOf(Array.from({ length: 100 }, () => 200_000n)));
});

test("failures in signal handlers are counted", () => {
  equal(onlyFile(run([calls, "signals"], [failures])).failure_count, 10);
});

test("counting makes no system call: a program in strict seccomp survives its failures", () => {
  const counted = run([calls, "strict"], [failures]);
  deepEqual(counted.outcome, { status: 0, signal: null, stdout: "" });
  equal(onlyFile(counted).failure_count, 5);
});

test("so does a forked child that confines itself before its first failure", () => {
  const counted = run([calls, "strict-child"], [failures]);
  deepEqual(counted.outcome, { status: 0, signal: null, stdout: "" });
  equal(onlyFile(counted).failure_count, 5);
});

test("the file is the owner's alone, of one page, and says whose it is", () => {
  const folder = letterBox();
  const { files } = run([calls, "errors"], [failures], { env: { TIDEMARK_RING_FOLDER: folder } });
  const [name] = readdirSync(folder);
  const status = statSync(join(folder, name ?? ""));
  deepEqual({ mode: status.mode & 0o7777, size: status.size }, { mode: 0o600, size: 4096 });
  equal(name, `${files[0]?.header.pid}-${files[0]?.header.startedHex}.failures`);
});
