// The arenas as the walker tells them.
import { deepEqual, equal } from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArenas, readArenas } from "../../local/inspect-arenas.ts";
import { fixture } from "../support/fixtures.ts";
import { walkerPath, workloadPath } from "../support/native.ts";

const captured: { arenas: string } = JSON.parse(fixture("inspect/arenas.json"));

test("arenas come largest first, under their number; the line of the process is none", () => {
  const arenas = parseArenas(captured.arenas) ?? [];
  equal(arenas.length, 13);
  const sizes = arenas.map(({ heap_bytes }) => heap_bytes ?? 0);
  deepEqual(
    sizes,
    sizes.toSorted((one, other) => other - one),
  );
  deepEqual(
    arenas.map(({ index }) => index).sort((one, other) => one - other),
    [...Array(13).keys()],
  );
});

test("a walker of before, or a heap that cannot be told, gives no table", () => {
  for (const text of [
    "",
    "pid=7 status=ok heap_bytes=5\n",
    "pid=7 status=unknown reason=denied\n",
    "arena_index=x heap_bytes=1\n",
  ])
    equal(parseArenas(text), null);
  equal(readArenas("/bin/false", process.pid), null);
  equal(readArenas("/nonexistent", process.pid), null);
});

const workload = spawn(workloadPath("arenas"), ["16", "2"], { stdio: "ignore" });
after(() => workload.kill("SIGKILL"));

test("the real walker tells the arenas of a real process", async () => {
  let arenas = readArenas(walkerPath(), workload.pid ?? 0);
  for (let tries = 0; tries < 100 && (arenas?.length ?? 0) < 2; tries++) {
    await sleep(50);
    arenas = readArenas(walkerPath(), workload.pid ?? 0);
  }
  equal((arenas?.length ?? 0) > 1, true);
  equal(
    arenas?.some(({ index }) => index === 0),
    true,
  );
  equal(
    arenas?.every(
      ({ heap_bytes, live_bytes, free_bytes }) => heap_bytes !== null && live_bytes !== null && free_bytes !== null,
    ),
    true,
  );
});
