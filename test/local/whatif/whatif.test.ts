// tidemark whatif with real programs: a server with a load, a script, C programs that fork or run already.
// What may go wrong is faults.test.ts's, what comes of the figures compare.test.ts's.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { libraryPath, workloadPath } from "../../support/native.ts";
import { missing } from "../../support/need.ts";
import { freePort } from "../../support/service.ts";
import { answerOf, newFolder, running, whatif } from "../../support/whatif.ts";

/** 40 MB in pieces of 3 KB, all but every 400th freed again: whole free pages, which only a trim returns. */
const SCRIPT = `
import ctypes, time
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
held = [libc.malloc(3000) for _ in range(14000)]
for p in held: libc.memset(p, 1, 3000)
time.sleep(0.3)
for i, p in enumerate(held):
    if i % 400: libc.free(p)
time.sleep(1)
`;

test("redis on glibc: a load fills and empties it, relief returns what the advice engine expects, and the drawing has both", {
  skip: missing("redis-server", "redis-cli", "redis-benchmark"),
}, async () => {
  libraryPath("libtidemark.so");
  const cwd = newFolder();
  const port = await freePort();
  const libc = globSync("/lib/*-linux-gnu/libc.so.6")[0] ?? "/lib64/libc.so.6";
  writeFileSync(
    join(cwd, "load.sh"),
    `redis-benchmark -p $TIDEMARK_PORT -q -P 64 -n 20000 -r 20000 -d 2000 -t set
redis-cli -p $TIDEMARK_PORT EVAL "for i = 0, 19999 do if i % 50 > 0 then redis.call('unlink', string.format('key:%012d', i)) end end" 0
kill -0 $TIDEMARK_PID
`,
  );
  const options = ["--env", `LD_PRELOAD=${libc}`, "--ready", String(port), "--load", "sh ./load.sh", "--settle", "2s"];
  const more = ["--only", "relief", "--json", "--chart", "out.svg"];
  const { status, stdout, stderr } = whatif(
    [...options, ...more, "--", "redis-server", "--port", String(port), "--save", ""],
    cwd,
  );
  equal(status, 0, stderr);
  const { best, settings } = answerOf(stdout);
  const [base, relief] = ["baseline", "relief"].map((id) => settings.find((row) => row.id === id));
  ok(base && relief);
  equal(best, "relief", stdout);
  equal(base.run_count, 2);
  // The walk sees glibc's heap, although the jemalloc that Debian links stays mapped.
  ok((base.live_bytes?.median ?? 0) > 1e6);
  ok((base.time_s?.median ?? 0) > 0 && (base.cpu_s?.median ?? 0) > 0);
  ok((relief.saved_bytes ?? 0) > 5e6 && relief.saved_is_noise === false);
  ok(Math.abs((relief.expected_saved_bytes ?? 0) / (relief.saved_bytes ?? 1) - 1) < 0.25);
  equal(base.exit, "ended");
  match(readFileSync(join(cwd, "out.svg"), "utf8"), /^<svg xmlns.*relief/s);
});

test("a script that ends by itself is measured to its end, its settled end is what counts, and CPU is all it used", {
  skip: missing("python3"),
}, () => {
  const cwd = newFolder();
  writeFileSync(join(cwd, "script.py"), SCRIPT);
  const options = ["--settle", "2s", "--only", "glibc.trim_threshold", "--chart", "out.html"];
  const { status, stdout, stderr } = whatif([...options, "--", "python3", "script.py"], cwd);
  equal(status, 0, stderr);
  match(stdout, /^baseline .* MiB .* 0$/m);
  match(stdout, /^glibc\.trim_threshold /m);
  match(stdout, /^(Best: |Nothing here helps)/m);
  const page = readFileSync(join(cwd, "out.html"), "utf8");
  match(page, /script\.py/);
  ok(!/<script|https?:\/\/(?!www\.w3)/.test(page));
});

test("a C program that never ends is given a time, and a child that it forks is measured and ended with it", () => {
  const workload = workloadPath("healthy");
  const command = ["sh", "-c", `(setsid ${workload} 24 2 &) ; exec ${workload} 24 2`];
  const { status, stdout, stderr } = whatif([
    ...["--duration", "2s", "--settle", "1s", "--only", "glibc.arena_max", "--json", "--", ...command],
  ]);
  equal(status, 0, stderr);
  const [base] = answerOf(stdout).settings;
  ok((base?.peak_rss_bytes?.median ?? 0) > 40 * 2 ** 20, `peak ${base?.peak_rss_bytes?.median}`);
  equal(base?.exit, "ended");
  deepEqual(running(`${workload} 24 2`), []);
});

test("a process that runs is copied and left as it was; --list says what would be tried on it and starts nothing", {
  skip: missing("python3"),
}, async (t) => {
  const workload = workloadPath("healthy");
  const original = spawn(workload, ["16", "2"], { stdio: "ignore" });
  t.after(() => original.kill("SIGKILL"));
  await once(original, "spawn");
  const listed = whatif(["--pid", String(original.pid), "--list"]);
  equal(listed.status, 0, listed.stderr);
  match(listed.stdout, /^jemalloc\.switch: Run it with jemalloc|^Not tried/m);
  deepEqual(running(`${workload} 16 2`), [original.pid]);
  const options = ["--pid", String(original.pid), "--duration", "1s", "--settle", "1s", "--only", "glibc.arena_max"];
  const { status, stderr } = whatif(options);
  equal(status, 0, stderr);
  match(stderr, new RegExp(`a copy of process ${original.pid} is started, as you`));
  equal(original.exitCode, null);
  deepEqual(running(`${workload} 16 2`), [original.pid]);
});
