// What may go wrong with tidemark whatif: commands that fail, never end or are not there, and Ctrl-C in the middle.
// No process of it may be left behind.
import { deepEqual, equal, match } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { answerOf, cli, newFolder, running, whatif } from "../../support/whatif.ts";

test("a command that is not there, one that fails, one that fails only with a setting, and a taken port are said", async (t) => {
  const gone = whatif(["--", "/nonexistent/program"]);
  equal(gone.status, 1);
  match(gone.stderr, /\/nonexistent\/program cannot be started: it is no command/);
  const failing = whatif(["--", "sh", "-c", "sleep 0.3; exit 7"]);
  equal(failing.status, 1);
  match(failing.stderr, /ended with exit code 7/);
  const moody = 'sleep 0.3; if [ -n "$MALLOC_ARENA_MAX" ]; then exit 9; fi';
  const moodily = whatif(["--only", "glibc.arena_max", "--json", "--", "sh", "-c", moody]);
  equal(moodily.status, 0, moodily.stderr);
  const { best, settings } = answerOf(moodily.stdout);
  deepEqual([best, settings.find(({ id }) => id === "glibc.arena_max")?.exit], [null, "9"]);
  const taken = spawn(process.execPath, [
    "-e",
    "require('net').createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port) })",
  ]);
  t.after(() => taken.kill());
  const port = String((await once(taken.stdout, "data"))[0]).trim();
  match(whatif(["--ready", port, "--load", "true", "--", "sleep", "9"]).stderr, new RegExp(`port ${port} answers already`));
  const unloaded = whatif(["--ready", "1s", "--load", "exit 4", "--", "sleep", "9"]);
  equal(unloaded.status, 1);
  match(unloaded.stderr, /the load ended with 4/);
});

test("a run that does not end is ended by its bound, and usage that means nothing is refused", () => {
  const { status, stdout } = whatif(["--timeout", "1s", "--only", "glibc.arena_max", "--json", "--", "sleep", "600"]);
  equal(status, 0);
  equal(answerOf(stdout).settings[0]?.exit, "timeout");
  equal(whatif([]).status, 2);
  equal(whatif(["--pid", "1", "--", "true"]).status, 2);
  equal(whatif(["--ready", "70000", "--", "true"]).status, 2);
  match(
    whatif(["--only", "glibc.nonsense", "--duration", "1s", "--", "sleep", "9"]).stderr,
    /--only glibc\.nonsense: here there are glibc\.arena_max/,
  );
});

test("Ctrl-C leaves no process behind, not even one that took on a session of its own", async () => {
  const command = ["sh", "-c", "setsid sleep 4711 & sleep 4712 & trap '' TERM; while :; do sleep 0.1; done"];
  const child = spawn(process.execPath, [cli, "whatif", "--", ...command], { cwd: newFolder(), stdio: "ignore" });
  const sleepers = () => [...running("sleep 4711"), ...running("sleep 4712")];
  for (let tries = 0; tries < 200 && sleepers().length < 2; tries++) await sleep(50);
  equal(sleepers().length, 2);
  await sleep(500);
  child.kill("SIGINT");
  const [code] = await once(child, "exit");
  equal(code, 130);
  deepEqual(sleepers(), []);
});
