// What watch and demo leave behind when they fail: nothing that runs.
import { deepEqual, match } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { walkerPath } from "../support/native.ts";

const cli = fileURLToPath(new URL("../../local/cli.ts", import.meta.url));
/** Far longer than either takes to stop, far shorter than the demo. */
const END_WITHIN_MS = 20_000;

/** Processes that were started with this variable in their environment, as all children of ours inherit it. */
function processesWith(variable: string): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(variable);
    } catch {
      return false; // It has ended meanwhile, or is a zombie.
    }
  });
}

for (const verb of ["watch", "demo"]) {
  test(`${verb} whose conversion throws ends with 1, and the collector and the workloads end with it`, async (t) => {
    walkerPath();
    const folder = mkdtempSync(join(tmpdir(), "tidemark-"));
    writeFileSync(join(folder, "raw"), "a file where a folder is wanted, so that listing throws");
    const mark = `TIDEMARK_TEST_MARK=${folder}`;
    const args = verb === "demo" ? ["--report", join(folder, "report.html")] : [];
    const child = spawn(process.execPath, [cli, verb, "--folder", folder, ...args], {
      env: { ...process.env, TIDEMARK_TEST_MARK: folder },
      stdio: ["ignore", "ignore", "pipe"],
      timeout: END_WITHIN_MS,
      killSignal: "SIGKILL",
    });
    t.after(() => {
      for (const pid of processesWith(mark)) process.kill(pid, "SIGKILL");
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const [code] = await once(child, "exit");
    deepEqual([code, processesWith(mark)], [1, []]);
    match(stderr, /ENOTDIR/);
  });
}
