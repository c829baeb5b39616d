// A user of the host who may start programs and means harm: what the real collector makes of those programs, and what it gives away.
// Files that such a user leaves for us are tried in test/collector/heap and runtime, heaps that lie in test/native.
import { deepEqual, equal, ok } from "node:assert/strict";
import { execFile } from "node:child_process";
import { globSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { readAuxv } from "../../collector/proc/auxv.ts";
import { identify } from "../../collector/watch/identify.ts";
import { type Child, killed, LARGE_BYTES, newHost, start, startHolder, until as untilSoon } from "../support/black-box.ts";
import { walkerPath } from "../support/native.ts";
import { missing } from "../support/need.ts";

const MIB = 1_024 * 1_024;
const planted = fileURLToPath(new URL("planted.py", import.meta.url));
const cli = fileURLToPath(new URL("../../local/cli.ts", import.meta.url));
const skip = missing("python3");

/** Costs are shares of time as on a host, where nothing else runs for the sake of a test; here rows are to come soon. */
const GENEROUS = {
  TIDEMARK_WALK_COST_SHARE_MAX: "0.2",
  TIDEMARK_ALL_WALKS_COST_SHARE_MAX: "0.5",
  TIDEMARK_ROWS_COST_SHARE_MAX: "0.5",
  TIDEMARK_TICKS_COST_SHARE_MAX: "0.5",
};

/** Longer than the support's: machines that run tests are busy. */
async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await untilSoon(isTrue, what);
    } catch (error) {
      if (tries === 4) throw error;
    }
  }
}

async function startPlanted(kind: string, env: Readonly<Record<string, string>> = {}): Promise<Child> {
  const child = start("python3", [planted, kind, "--password=planted-argument"], env);
  await new Promise((ready, failed) => {
    child.stdout?.once("data", ready);
    child.once("exit", () => failed(new Error(`${kind} ended`)));
  });
  return child;
}

/** All that a collector has put anywhere, inflated where it is packed. */
function everythingBelow(folder: string): Buffer {
  const files = globSync("**/*", { cwd: folder })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
  return Buffer.concat(
    files.map((path) => {
      const bytes = readFileSync(path);
      return path.endsWith(".gz") ? gunzipSync(bytes) : bytes;
    }),
  );
}

test("what a program has in memory, arguments and environment stays on the host: settings of allocators and names alone are shipped", {
  skip,
}, async () => {
  const host = newHost();
  const child = await startPlanted("plain", {
    OTEL_SERVICE_NAME: "planted-service",
    MALLOC_ARENA_MAX: "2",
    AWS_SECRET_ACCESS_KEY: "planted-environment",
    DATABASE_URL: "postgres://user:planted-environment@db/x",
    GREETING: "planted-environment",
  });
  const collector = host.startCollector(GENEROUS);
  const mine = () => host.rows("process").filter(({ pid }) => pid === child.pid);
  await until(() => mine().some(({ live_bytes }) => typeof live_bytes === "number"), "a row with a walked heap");
  // Its end ships what was kept of its last minutes as well.
  await killed(child);
  await until(() => host.rows("detail").some(({ pid }) => pid === child.pid), "the rows of its last minutes");
  const ended = new Promise((resolve) => collector.once("exit", resolve));
  collector.kill("SIGTERM");
  await ended;
  const [row] = mine();
  deepEqual([row?.["service"], row?.["tunables"]], ["planted-service", "MALLOC_ARENA_MAX=2"]);
  const kept = Buffer.concat([everythingBelow(dirname(host.delivered)), Buffer.from(collector.log())]);
  ok(kept.includes("planted-service"), "the search finds what is there");
  for (const secret of ["planted-heap", "planted-argument", "planted-environment", "GREETING"]) {
    ok(!kept.includes(secret), `${secret} was written or logged`);
  }
});

test("a program's name of line ends, escapes and half characters reaches neither a terminal nor a service's name", {
  skip,
}, async () => {
  const child = await startPlanted("name", { OTEL_SERVICE_NAME: "\u001b]0;owned\u0007../../etc\n\u202e<script>" });
  walkerPath();
  const inspect = (...more: readonly string[]) =>
    promisify(execFile)(process.execPath, [cli, "inspect", String(child.pid), ...more]).catch((error) => error);
  const screen: { stdout: string; stderr: string } = await inspect();
  equal(/[^\P{Cc}\n]/u.exec(screen.stdout + screen.stderr), null, JSON.stringify(screen));
  ok(screen.stdout.includes("../../etc"), screen.stdout);
  const { stdout } = await inspect("--json");
  equal(/[^\P{Cc}\n]/u.exec(stdout), null, JSON.stringify(stdout));
  const row: { comm: string; service: string } = JSON.parse(stdout);
  ok(row.comm.startsWith("\n\u001b[31m"), "data is as it was");
  equal(row.service, "]0;owned../../etc<script>");
  await killed(child);
});

test("an environment that changes while it is read, has no end, or fills a megabyte, is an answer each time", {
  skip,
}, async () => {
  const filler = Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`FILLER_${at}`, "x".repeat(120_000)]));
  const child = await startPlanted("environment", filler);
  const boot = { boot_id: "11111111-2222", bootedAtMs: 0, ticksPerSecond: readAuxv().ticksPerSecond };
  for (let tries = 0; tries < 100; tries++) {
    const identity = identify(child.pid, boot);
    ok(identity.ok && identity.value !== null, JSON.stringify(identity));
    ok(identity.value.service.length <= 255 && !/\p{Cc}/u.test(identity.value.service), identity.value.service);
  }
  await killed(child);
});

test("a storm of short-lived processes and one of 60,000 mappings keep the collector from nobody else", {
  skip,
  timeout: 180_000,
}, async () => {
  const host = newHost();
  const steady = await startHolder("steady", LARGE_BYTES + 8 * MIB);
  const mapper = await startPlanted("mappings");
  const collector = host.startCollector(GENEROUS);
  const rowsOf = (child: Child) => host.rows("process").filter(({ pid }) => pid === child.pid);
  await until(() => rowsOf(steady).length > 0, "the first row");
  const before = rowsOf(steady).length;
  const storm = start("sh", ["-c", "i=0; while [ $i -lt 1500 ]; do /bin/true & i=$((i+1)); done; wait; echo over"]);
  const over = new Promise((resolve) => storm.stdout?.once("data", resolve));
  await over;
  await until(() => rowsOf(steady).length >= before + 2, "rows after the storm");
  await until(() => rowsOf(mapper).some(({ vma_count }) => Number(vma_count) >= 60_000), "the row of many mappings");
  const ended = new Promise((resolve) => collector.once("exit", resolve));
  collector.kill("SIGTERM");
  equal(await ended, 0, collector.log());
  ok(!/"level":"error"/.test(collector.log()), collector.log());
  await Promise.all([steady, mapper].map(killed));
});
