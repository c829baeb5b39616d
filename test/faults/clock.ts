// Preloaded into a child (node --import): its clocks as a test wants them. Waits pass so many times faster, and the time of day is
// set forwards and back while it runs: SIGUSR2 makes it read the file again. CLOCK_MONOTONIC itself (hrtime) stays as it is.
import { readFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers/promises";

/** Whole number, how many times faster. */
const SPEED = Number(process.env["TIDEMARK_FAULT_CLOCK_SPEED"] ?? "1");
/** Holds how many ms the time of day is off. */
const file = process.env["TIDEMARK_FAULT_CLOCK_FILE"];

const upMs = performance.now.bind(performance);
performance.now = () => upMs() * SPEED;

const wait = globalThis.setTimeout;
const faster = (run: (...given: unknown[]) => void, ms?: number, ...given: unknown[]) => wait(run, (ms ?? 0) / SPEED, ...given);
globalThis.setTimeout = Object.assign(faster, { __promisify__: wait.__promisify__ }) as typeof setTimeout;
const sleep = timers.setTimeout;
timers.setTimeout = ((ms?: number, ...given: [unknown?, object?]) =>
  sleep((ms ?? 0) / SPEED, ...given)) as typeof timers.setTimeout;
syncBuiltinESMExports();

if (file !== undefined) {
  const nowMs = Date.now.bind(Date);
  let offMs = 0;
  const read = () => {
    offMs = Number(readFileSync(file, "utf8"));
  };
  read();
  process.on("SIGUSR2", read);
  Date.now = () => Math.round(nowMs() + offMs);
}
