// What tidemark inspect sees with which capabilities: those that the collector's unit has, and no others.
import { deepEqual, equal, match } from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, globSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { libraryPath, walkerPath, workloadPath } from "../support/native.ts";
import { skipReason } from "../support/need.ts";

const jemalloc = [...globSync("/usr/lib/*-linux-gnu/libjemalloc.so.2"), ...globSync("/lib/*-linux-gnu/libjemalloc.so.2")][0];
const skip =
  process.getuid?.() !== 0
    ? "to take on another user takes root"
    : jemalloc === undefined
      ? skipReason("libjemalloc.so.2 is not installed")
      : false;

const started: ChildProcess[] = [];
after(() => {
  for (const child of started) child.kill("SIGKILL");
});
const both = ["sys_ptrace", "dac_read_search"];
const entry = fileURLToPath(new URL("../../local/cli.ts", import.meta.url));

/** As the user nobody, with these capabilities and no way to more. */
function inspectWith(capabilities: readonly string[], ...args: readonly string[]) {
  const list = ["-all", ...capabilities.map((name) => `+${name}`)].join(",");
  const sets = ["--inh-caps", "--ambient-caps", "--bounding-set"].map((option) => `${option}=${list}`);
  const user = ["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"];
  return spawnSync("setpriv", [...user, ...sets, process.execPath, entry, "inspect", ...args], { encoding: "utf8" });
}

test("CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH are enough for another user's heap and ring, each alone is not", {
  skip,
}, async () => {
  walkerPath();
  const folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  chmodSync(folder, 0o1733);
  const shim = { LD_PRELOAD: `${jemalloc} ${libraryPath("libtidemark.so")}`, TIDEMARK_RING_FOLDER: folder };
  const start = (env: Readonly<Record<string, string>>) => {
    const child = spawn(workloadPath("healthy"), ["16", "600"], { stdio: "ignore", env: { ...process.env, ...env } });
    started.push(child);
    return String(child.pid);
  };
  const [glibc, other] = [start({}), start(shim)];
  for (let tries = 0; tries < 100 && readdirSync(folder).length === 0; tries++) await sleep(50);
  const seen = (capabilities: readonly string[], pid: string) => {
    const { stdout } = inspectWith(capabilities, pid, "--json");
    if (stdout === "") return "nothing";
    const { heap_source, heap_unknown_reason, live_bytes } = JSON.parse(stdout);
    return [heap_source, heap_unknown_reason ?? live_bytes > 0];
  };
  for (let tries = 0; tries < 100 && String(seen(both, other)) !== "shim,true"; tries++) await sleep(100);
  deepEqual(
    [seen(both, glibc), seen(both, other)],
    [
      ["walk", true],
      ["shim", true],
    ],
  );
  // Files such as environ are their owner's to open, and then their memory is closed to those who may not trace it.
  for (const alone of both) equal(seen([alone], glibc), "nothing", alone);
  match(inspectWith([], glibc).stderr, /is closed to you \(\/proc\/\d+\/environ\): ask as root, or with CAP_SYS_PTRACE/);
});
