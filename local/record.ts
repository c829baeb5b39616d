// tidemark record: measures one process from time to time, as the collector would, and writes a trace that evaluate and replay read.
// The form of a trace is described in test/traces/README.md; what its rows mean is schema's.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { formatCountOf } from "../functions/core/units.ts";
import { traceCauses } from "./evaluate/labelled-trace.ts";
import { measureOnce, problemText } from "./measure-once.ts";
import { measuredOf } from "./replay/trace.ts";

export interface RecordOptions {
  /** A command to start and watch, or a process that runs already. */
  readonly target:
    | { readonly kind: "command"; readonly command: readonly [string, ...string[]] }
    | { readonly kind: "pid"; readonly pid: number };
  /** Null takes the program's name and pid. */
  readonly id: string | null;
  readonly cause: string;
  readonly intervalMs: number;
  /** Every row stands for a minute, however soon after the one before it was taken. */
  readonly compress: boolean;
  readonly durationMs: number | null;
  /** Null takes the id. An existing file is never written over. */
  readonly path: string | null;
}

const MINUTE_MS = 60_000;
/** What a trace may say of its cause: a cause, that there is none, or that nobody knows. */
export const recordableCauses = (): readonly string[] => [...traceCauses, "unknown"];

/** Returns the exit code: 0 when rows were written. Ends with the process, after the duration, or by a signal. */
export async function record(options: RecordOptions): Promise<number> {
  const stop = new AbortController();
  const child = options.target.kind === "command" ? await start(options.target.command) : null;
  const pid = child?.pid ?? (options.target.kind === "pid" ? options.target.pid : 0);
  child?.once("exit", () => stop.abort());
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  const timer = options.durationMs === null ? null : setTimeout(() => stop.abort(), options.durationMs);
  try {
    const rowCount = await writeRows(options, { pid, signal: stop.signal });
    return rowCount > 0 ? 0 : 1;
  } finally {
    if (timer !== null) clearTimeout(timer);
    // Whoever started it ends it; one that runs already is left as it was.
    if (child?.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
  }
}

/** Waits until the program runs, so that a command that does not exist is an error and not an empty trace. */
async function start([program, ...args]: readonly [string, ...string[]]): Promise<ChildProcess> {
  const child = spawn(program, args, { stdio: "inherit" });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) => reject(new Error(`${program} cannot be started`, { cause })));
  });
  return child;
}

async function writeRows(
  options: RecordOptions,
  { pid, signal }: { readonly pid: number; readonly signal: AbortSignal },
): Promise<number> {
  const { intervalMs, compress } = options;
  const program = programOf(options, pid);
  const id = options.id ?? `${program}-${pid}`;
  const path = options.path ?? `${id}.ndjson`;
  let file: number | null = null;
  let rowCount = 0;
  const startedMs = performance.now();
  try {
    // By the clock and not by the count: a measurement that takes long must not stretch the time of a trace.
    for (let turn = 0; !signal.aborted; turn = Math.floor((performance.now() - startedMs) / intervalMs) + 1) {
      await sleep(Math.max(0, startedMs + turn * intervalMs - performance.now()), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) break;
      const measured = await measureOnce(pid);
      if (!measured.ok) {
        // A process that has ended is how most recordings end; one that cannot be read is not.
        if (rowCount > 0) break;
        throw new Error(`process ${pid} ${problemText(measured.error)}`);
      }
      const row = measuredOf(measured.value.row);
      file ??= openTrace(path, {
        id,
        cause: options.cause,
        program,
        allocator: row.allocator ?? "unknown",
        step: compress ? "one row stands for one minute" : "real time",
      });
      writeSync(
        file,
        `${JSON.stringify({ offset_ms: compress ? turn * MINUTE_MS : Math.round(performance.now() - startedMs), ...row })}\n`,
      );
      rowCount++;
    }
  } finally {
    if (file !== null) closeSync(file);
  }
  if (rowCount > 0) process.stderr.write(`${formatCountOf(rowCount, "row", "rows")} in ${path}\n`);
  return rowCount;
}

/** A recording may have taken days: a file that is there already is not written over. */
function openTrace(path: string, header: Readonly<Record<string, string>>): number {
  const file = openSync(path, "wx", 0o644);
  writeSync(file, `${JSON.stringify(header)}\n`);
  return file;
}

function programOf({ target }: RecordOptions, pid: number): string {
  if (target.kind === "command") return basename(target.command[0]);
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8")
      .trim()
      .replace(/[^\w.-]/g, "_");
  } catch {
    throw new Error(`process ${pid} does not exist (any more)`);
  }
}
