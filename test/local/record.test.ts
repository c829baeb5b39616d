// tidemark record: a real process, measured as the collector measures, in the form that evaluate and replay read.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseLabelledTrace } from "../../local/evaluate/labelled-trace.ts";

const cli = join(import.meta.dirname, "../../local/cli.ts");
const folder = (): string => mkdtempSync(join(tmpdir(), "tidemark-record-"));
const record = (cwd: string, ...args: readonly string[]) =>
  spawnSync(process.execPath, [cli, "record", ...args], { cwd, encoding: "utf8", timeout: 60_000 });

/** Holds 30 MB until it is told to end. */
const HOLDER =
  "const held = Buffer.alloc(30e6, 1); process.stdin.on('end', () => process.exit(held.length > 0 ? 0 : 1)); process.stdin.resume()";

test("a command is recorded until the time is over, each row standing for a minute, and then ended", () => {
  const cwd = folder();
  const options = ["--compress", "--duration", "2s", "--id", "held", "--cause", "none"];
  const { status, stderr } = record(cwd, ...options, "--", process.execPath, "-e", "setInterval(() => {}, 1e3)");
  equal(status, 0, stderr);
  match(stderr, /^\d rows? in held\.ndjson\n$/);
  const trace = parseLabelledTrace(readFileSync(join(cwd, "held.ndjson"), "utf8"), "held.ndjson");
  ok(trace.ok);
  const { id, expected, program } = trace.value;
  deepEqual([id, expected, program], ["held", "none", "node"]);
  const { rows } = trace.value.trace;
  ok(rows.length >= 2);
  ok(rows.every(({ offsetMs, measured }) => offsetMs % 60_000 === 0 && (measured.rss_bytes ?? 0) > 0));
});

test("a process that runs already is recorded in real time until it ends, and is not ended by it", async () => {
  const cwd = folder();
  const held = spawn(process.execPath, ["-e", HOLDER], { stdio: ["pipe", "ignore", "inherit"] });
  await once(held, "spawn");
  const { status, stderr } = record(
    cwd,
    "--pid",
    String(held.pid),
    "--interval",
    "1s",
    "--duration",
    "2s",
    "--out",
    "a.ndjson",
  );
  equal(status, 0, stderr);
  equal(held.exitCode, null);
  held.stdin.end();
  await once(held, "exit");
  const [header, first] = readFileSync(join(cwd, "a.ndjson"), "utf8").split("\n");
  deepEqual(Object.keys(JSON.parse(header ?? "")), ["id", "cause", "program", "allocator", "step"]);
  equal(JSON.parse(header ?? "").cause, "unknown");
  ok(JSON.parse(first ?? "").anon_bytes > 30e6);
});

test("bad usage is refused before anything starts, and a recording that exists is not written over", () => {
  const cwd = folder();
  equal(record(cwd).status, 2);
  equal(record(cwd, "--pid", "1", "--", "true").status, 2);
  match(record(cwd, "--cause", "gremlins", "--", "true").stderr, /--cause is one of leak, /);
  match(record(cwd, "--id", "../x", "--", "true").stderr, /Letters, digits/);
  match(record(cwd, "--", "/nonexistent").stderr, /\/nonexistent cannot be started: .*ENOENT/);
  match(record(cwd, "--pid", "4194305").stderr, /process 4194305 does not exist/);
  const once = () => record(cwd, "--duration", "1s", "--id", "twice", "--", "sleep", "5");
  equal(once().status, 0);
  match(once().stderr, /EEXIST/);
  ok(existsSync(join(cwd, "twice.ndjson")));
});
