// A library on a file system whose server never answers: the collector must not wait for it.
// Whoever may mount FUSE, which on many hosts is every user, can give its own program such a libc.
import { equal, ok } from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { missing, skipReason } from "../../support/need.ts";

/** Mounts and never answers: a lookup waits for as long as the process lives. */
const SERVER = `
import ctypes, os, sys, time
fd = os.open("/dev/fuse", os.O_RDWR)
libc = ctypes.CDLL(None, use_errno=True)
options = f"fd={fd},rootmode=40000,user_id=0,group_id=0".encode()
if libc.mount(b"stranger", sys.argv[1].encode(), b"fuse", 0, options) != 0:
    sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")
print("mounted", flush=True)
sys.stdin.read()
`;

const skip =
  missing("python3") ||
  (process.geteuid?.() === 0 && existsSync("/dev/fuse") ? false : "only root can mount FUSE, where there is /dev/fuse");

test("a libc on a file system that never answers is not opened, and has no version", { skip, timeout: 60_000 }, async (t) => {
  const place = mkdtempSync(join(tmpdir(), "tidemark-fuse-"));
  const server = spawn("python3", ["-c", SERVER, place], { stdio: ["pipe", "pipe", "pipe"] });
  t.after(() => {
    server.kill("SIGKILL");
    spawnSync("umount", ["-l", place]);
  });
  const problem: string[] = [];
  server.stderr.setEncoding("utf8").on("data", (text: string) => problem.push(text));
  const first = await Promise.race([once(server.stdout, "data"), once(server, "exit")]);
  if (!String(first[0]).includes("mounted")) return t.skip(skipReason(`this kernel mounts no FUSE: ${problem.join("")}`));
  // In a process of its own: one that waits in open(2) can only be killed.
  const module = pathToFileURL(join(import.meta.dirname, "../../../collector/heap/glibc-version.ts")).href;
  const program = `const { glibcVersion } = await import(${JSON.stringify(module)});
    console.log("version", glibcVersion(process.pid, ${JSON.stringify(join(place, "libc.so.6"))}));`;
  const asked = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const said: string[] = [];
  asked.stdout.setEncoding("utf8").on("data", (text: string) => said.push(text));
  const timer = setTimeout(() => asked.kill("SIGKILL"), 20_000);
  const [code, signal] = await once(asked, "exit");
  clearTimeout(timer);
  equal(signal, null, "it waited for the server");
  equal(code, 0);
  ok(said.join("").includes("version null"), said.join(""));
});
