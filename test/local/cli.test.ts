// The tidemark command as a user types it: help, answers, errors and exit codes.
import { deepEqual, equal, match } from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { tables } from "../../schema/columns.ts";
import { lakeFolder } from "../support/lake.ts";
import { libraryPath, walkerPath, workloadPath } from "../support/native.ts";
import { processSample, samples } from "../support/samples.ts";

const cli = fileURLToPath(new URL("../../local/cli.ts", import.meta.url));
const tidemark = (...args: string[]) => spawnSync(process.execPath, [cli, ...args], { encoding: "utf8" });

const NOW_MS = 1_800_000_000_000;
let folder = "";
before(async () => {
  walkerPath();
  const process = [processSample({ service: "a\u001b[31mb", rss_bytes: 5 }), processSample({ sequence: 2, service: "c" })];
  folder = await lakeFolder([{ samples: samples({ process }) }], NOW_MS, true);
});

test("--help lists the verbs, and each verb has help of its own", () => {
  const { status, stdout } = tidemark("--help");
  equal(status, 0);
  for (const verb of ["demo", "watch", "sql", "report", "inspect", "relief", "cost"]) {
    match(stdout, new RegExp(`^  ${verb} `, "m"));
    equal(tidemark(verb, "--help").status, 0, verb);
  }
});

test("bad usage ends with 2 and says what is wrong", () => {
  const cases = [
    [["bogus"], /unknown command 'bogus'/],
    [["inspect", "x"], /whole number/],
    [["relief", "1", "--timeout", "long"], /Write it like 30s/],
    [["inspect"], /missing required argument 'pid'/],
    [["report", "--period", "soon"], /Write it like 30s/],
    [["sql", "--param", "novalue", "process_causes"], /Write it like name=value/],
    [["sql", "--folder", cli], /not a folder/],
  ] as const;
  for (const [args, problem] of cases) {
    const { status, stderr } = tidemark(...args);
    equal(status, 2, args.join(" "));
    match(stderr, problem);
  }
});

test("sql answers a statement: NULL is NULL, control characters are harmless, columns keep their order", () => {
  const { status, stdout } = tidemark(
    "sql",
    "--folder",
    folder,
    "SELECT service, rss_bytes, sampled_at FROM process_samples ORDER BY sequence",
  );
  equal(status, 0);
  equal(stdout, "service\trss_bytes\tsampled_at\na\ufffd[31mb\t5\t2027-01-15 08:00:00\nc\tNULL\t2027-01-15 08:00:00\n");
});

test("sql --json gives one object a line", () => {
  const { stdout } = tidemark(
    "sql",
    "--folder",
    folder,
    "--json",
    "SELECT service, rss_bytes FROM process_samples ORDER BY sequence DESC LIMIT 1",
  );
  deepEqual(JSON.parse(stdout), { service: "c", rss_bytes: null });
});

test("sql alone lists the named queries; by name it runs one, over all of the lake unless told otherwise", () => {
  match(tidemark("sql").stdout, /^process_causes\t.*excess_bytes_min=16777216/m);
  const { stdout } = tidemark("sql", "--folder", folder, "heap_composition", "--json");
  equal(stdout.trim().split("\n").length, 1);
  const narrowed = tidemark(
    "sql",
    "--folder",
    folder,
    "heap_composition",
    "--json",
    "--param",
    "window_end=2027-01-15T07:00:00",
  );
  equal(narrowed.stdout, "");
});

test("sql says which query or parameter does not exist, and that there is no lake", async () => {
  const unrolled = await lakeFolder([], NOW_MS);
  const cases = [
    [["sql", "--folder", folder, "nothing_known"], /no query named nothing_known; there are alloc_failures/],
    [
      ["sql", "--folder", folder, "process_causes", "--param", "foo=1"],
      /process_causes has no parameter foo; it has window_start/,
    ],
    [
      ["sql", "--folder", folder, "process_causes", "--param", "excess_bytes_min=much"],
      /parameter excess_bytes_min of process_causes is much/,
    ],
    [["sql", "--folder", unrolled, "process_causes"], /no rolled-up hours yet.*run tidemark report/],
    [["sql", "--folder", folder, "process_causes", "--param", "dt_first=x"], /process_causes has no parameter dt_first/],
    [["sql", "--folder", folder, "SELECT 1", "--param", "a=1"], /--param goes with a named query/],
    [
      ["report", "--folder", folder, "--param", "excess_byte_min=1"],
      /no detection query has a parameter excess_byte_min; there are .*excess_bytes_min/,
    ],
    [["sql", "--folder", "/nonexistent", "SELECT 1"], /no lake at \/nonexistent: run npm start/],
    [["sql", "--folder", folder, "SELECT * FROM read_text('/etc/hostname')"], /Cannot access file/],
    [["sql", "--folder", folder, "SELECT nonsense"], /nonsense/],
  ] as const;
  for (const [args, problem] of cases) {
    const { status, stderr } = tidemark(...args);
    equal(status, 1, args.join(" "));
    match(stderr, problem);
  }
});

const fragmented = spawn(workloadPath("fragmented"), ["40", "1"], { stdio: "ignore" });
after(() => fragmented.kill("SIGKILL"));

test("inspect says of a fragmented process that it is, what a trim would return, and which sizes pin it", async () => {
  let answer = "";
  // The workload fragments with its first peak, and at the start of each cycle it is quiet.
  for (let tries = 0; tries < 60 && !answer.includes("Fragmented? Yes"); tries++) {
    await sleep(100);
    answer = tidemark("inspect", String(fragmented.pid)).stdout;
  }
  match(answer, /Fragmented\? Yes: [\d.]+ MiB of the resident memory is free/);
  match(answer, /^\[#[#+]*x+[^\]]*\]$/m);
  match(answer, /A malloc_trim now would return .*; .* would stay/);
  match(answer, /What pins it: live objects of (256-511 B|512 B-1 KiB)/);
});

test("inspect --json has every column of a process row, under its name", () => {
  const { status, stdout } = tidemark("inspect", "--json", String(fragmented.pid));
  equal(status, 0);
  const expected = Object.entries(tables.process).filter(([name, column]) => !("perBatch" in column) && name !== "sequence");
  deepEqual(
    Object.keys(JSON.parse(stdout)),
    expected.map(([name]) => name),
  );
});

test("inspect of a process that is not there ends with 1, of one without a readable heap with 3", () => {
  const gone = tidemark("inspect", "4194303");
  deepEqual([gone.status, gone.stderr], [1, "tidemark: process 4194303 does not exist (any more)\n"]);
  const kernel = tidemark("inspect", "2");
  equal(kernel.status, 1);
  match(kernel.stderr, /kernel thread|does not exist/);
});

test("inspect --relief says what a relief would need, and relief itself does nothing to a process without the shim", () => {
  const { stdout } = tidemark("inspect", "--relief", String(fragmented.pid));
  match(stdout, /Relief: malloc_trim\(0\) would return/);
  const asked = tidemark("relief", String(fragmented.pid));
  equal(asked.status, 1);
  match(asked.stderr, /has no shim that could be asked: start it with LD_PRELOAD=\S+ TIDEMARK_RELIEF=1/);
  equal(tidemark("relief", "4194303").status, 1);
  const { relief } = JSON.parse(tidemark("inspect", "--relief", "--json", String(fragmented.pid)).stdout);
  deepEqual([relief.is_possible, relief.obstacle], [false, "no_shim"]);
});

test("relief asks a process that allows it, and tells what came of it by its word and by the kernel's", async () => {
  const ringFolder = mkdtempSync(join(tmpdir(), "tidemark-"));
  chmodSync(ringFolder, 0o1733);
  const env = { ...process.env, LD_PRELOAD: libraryPath("libtidemark.so"), TIDEMARK_RING_FOLDER: ringFolder };
  const startWith = (more: Readonly<Record<string, string>>) => {
    // A cycle of ten minutes: it is quiet.
    const child = spawn(workloadPath("healthy"), ["16", "600"], { stdio: "ignore", env: { ...env, ...more } });
    after(() => child.kill("SIGKILL"));
    return String(child.pid);
  };
  const willing = startWith({ TIDEMARK_RELIEF: "1" });
  const unwilling = startWith({});
  for (let tries = 0; tries < 100 && readdirSync(ringFolder).length < 1; tries++) await sleep(50);
  const { status, stdout } = tidemark("relief", willing, "--timeout", "30s", "--json");
  const answer = JSON.parse(stdout);
  deepEqual([status, answer.outcome, answer.pid], [0, "done", Number(willing)]);
  equal(answer.rss_bytes_before > 0 && answer.rss_bytes_after > 0, true);
  const again = tidemark("relief", willing);
  deepEqual([again.status, /too short a time ago/.test(again.stdout)], [1, true]);
  equal(tidemark("relief", unwilling).status, 1, "with glibc and without leave the shim has nothing to do in it");
});
