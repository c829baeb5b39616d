// What tidemark whatif takes from a process that runs: its command, folder and environment, or a reason why not.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { copyOf } from "../../../local/whatif/target.ts";

async function started(t: TestContext, file: string, args: readonly string[], options: Parameters<typeof spawn>[2] = {}) {
  const child = spawn(file, args, { stdio: ["pipe", "ignore", "ignore"], ...options });
  t.after(() => child.kill("SIGKILL"));
  await once(child, "spawn");
  return child.pid as number;
}
const problem = (pid: number): string => {
  const copied = copyOf(pid);
  ok(!copied.ok);
  return copied.error;
};

test("a copy has the arguments, empty ones too, the folder and the whole environment of the process", async (t) => {
  const cwd = realpathSync(mkdtempSync(join(tmpdir(), "tidemark-whatif-")));
  const env = { PATH: "/usr/bin:/bin", SECRET: "a=b", UMLAUT: "\u00e4" };
  const pid = await started(t, "/bin/sh", ["-c", "read x; exit", "", "two words", ""], { cwd, env });
  const copied = copyOf(pid);
  ok(copied.ok);
  const { file, ...rest } = copied.value;
  equal(file, realpathSync("/bin/sh"));
  deepEqual(rest, { argv0: "/bin/sh", args: ["-c", "read x; exit", "", "two words", ""], cwd, env });
});

test("a title that was written over the arguments is not taken for them", async (t) => {
  const pid = await started(t, "cat", [], { argv0: "redis-server *:6379" });
  match(problem(pid), /has written a title over its command line \(redis-server \*:6379\): give its command after --/);
});

test("nobody else's process, and none that is gone, is copied", async (t) => {
  match(problem(4_194_305), /process 4194305 does not exist/);
  if (process.getuid?.() !== 0) return t.diagnostic("to start another user's process takes root");
  const pid = await started(t, "cat", [], { uid: 65_534, gid: 65_534 });
  match(problem(pid), /is user 65534's and you are user 0: its copy would run as you/);
});
