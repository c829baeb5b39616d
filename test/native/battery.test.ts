// Proves that programs neither end differently nor print anything else when our libraries are loaded into them.
// It leaves what the libraries find out to shim.test.ts and failures.test.ts, and the programs to battery/programs.ts.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { missing } from "../support/need.ts";
import { asNobody, preloadOf, removeFolder, serviceFolder } from "../support/service.ts";
import { type BatteryProgram, batteryPrograms } from "./battery/programs.ts";
import { make, programPath } from "./target.ts";

interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** As its own users would find it installed: readable for all, with a folder that takes every process's file. */
const place = serviceFolder("battery");
const rings = serviceFolder("rings");
chmodSync(rings, 0o1733);
/** The shim measures as often as it lets itself be told to: the more it does, the more it could disturb. */
const environment = {
  PATH: process.env["PATH"],
  LC_ALL: "C.UTF-8",
  TIDEMARK_RING_FOLDER: rings,
  TIDEMARK_INTERVAL_MS: "100",
  TIDEMARK_PROFILE_BYTES: "4096",
};
/** One that hangs has failed; none takes a tenth of this on an idle machine. */
const RUN_MS_MAX = 60_000;

let shim: string;
let failures: string;
let profile: string;
before(() => {
  make("build/libtidemark.so", "build/libtidemark-failures.so", "build/libtidemark-profile.so");
  shim = preloadOf([programPath("libtidemark.so")], place);
  failures = preloadOf([programPath("libtidemark-failures.so")], place);
  profile = preloadOf([programPath("libtidemark-profile.so")], place);
});
after(() => {
  removeFolder(place);
  removeFolder(rings);
});

async function run(program: BatteryProgram, preload: string): Promise<Outcome> {
  const folder = serviceFolder("run", program.asNobody ? "nobody" : "us");
  const child = spawn("bash", ["-c", program.script], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...environment, HOME: folder, LD_PRELOAD: preload },
    detached: true,
    ...(program.asNobody ? asNobody : {}),
  });
  const giveUp = (): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
    // A daemon that left the group may still hold them.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const timer = setTimeout(giveUp, RUN_MS_MAX);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString("latin1")));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString("latin1")));
  const [code, signal] = await once(child, "close");
  clearTimeout(timer);
  removeFolder(folder);
  return { code, signal, stdout: same(stdout, folder, program), stderr: same(stderr, folder, program) };
}

const same = (text: string, folder: string, { varying = [] }: BatteryProgram): string =>
  varying.reduce((kept, pattern) => kept.replace(pattern, "<varies>"), text.replaceAll(folder, "<folder>"));

/** ld.so's own line about a library that it cannot load into a program of another kind. */
const withoutLeftOut = (outcome: Outcome, { leftOut }: BatteryProgram): Outcome =>
  leftOut === undefined ? outcome : { ...outcome, stderr: outcome.stderr.replace(leftOut, "") };

const JEMALLOC = "libjemalloc.so.2";

/** The names of ours among its own mappings, and of its threads once the shim's is there. */
const inspectsItself: BatteryProgram = {
  name: "python",
  commands: ["/usr/bin/python3"],
  script: `/usr/bin/python3 -c '
import os, re
def threads(): return sorted(open(f"/proc/self/task/{task}/comm").read().strip() for task in os.listdir("/proc/self/task"))
print(*sorted(set(re.findall(r"libtidemark[-a-z]*", open("/proc/self/maps").read()))))
while "jemalloc" in os.environ["LD_PRELOAD"] and not "tidemark" in threads(): pass
print(*threads())'`,
};

test("the libraries are in the programs, and the shim has a thread on jemalloc alone", {
  skip: missing("/usr/bin/python3"),
}, async () => {
  const { stdout, stderr } = await run(inspectsItself, `${shim}:${failures}`);
  assert.deepEqual([stdout, stderr], ["libtidemark libtidemark-failures\npython3\n", ""]);
  const onJemalloc = await run(inspectsItself, `${JEMALLOC}:${shim}:${failures}`);
  assert.deepEqual([onJemalloc.stdout, onJemalloc.stderr], ["libtidemark libtidemark-failures\npython3 tidemark\n", ""]);
});

describe("the battery", { concurrency: 2 }, () => {
  for (const program of batteryPrograms) {
    test(`${program.name}: the same with and without`, { skip: missing(...program.commands) }, async () => {
      const without = await run(program, "");
      assert.equal(without.signal, null);
      assert.deepEqual(await run(program, ""), without, "two runs without our libraries must not differ either");
      assert.deepEqual(withoutLeftOut(await run(program, shim), program), without, "with libtidemark.so");
      assert.deepEqual(withoutLeftOut(await run(program, failures), program), without, "with libtidemark-failures.so");
      assert.deepEqual(withoutLeftOut(await run(program, `${shim}:${failures}`), program), without, "with both");
      assert.deepEqual(withoutLeftOut(await run(program, profile), program), without, "with libtidemark-profile.so");
    });
  }

  for (const program of batteryPrograms.filter(({ onJemalloc }) => onJemalloc)) {
    const skip = missing(...program.commands);
    test(`${program.name} on jemalloc: the same with and without the shim's thread`, { skip }, async () => {
      const without = await run(program, JEMALLOC);
      assert.deepEqual(await run(program, JEMALLOC), without, "two runs without our libraries must not differ either");
      assert.deepEqual(await run(program, `${JEMALLOC}:${shim}`), without, "with libtidemark.so");
    });
  }
});
