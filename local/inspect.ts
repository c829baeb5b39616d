// tidemark inspect: one process, measured now by the collector's own code, and what that says in plain words.
// The words are inspect-text.ts's.

import { uptime } from "node:os";
import { readConfig } from "../collector/config.ts";
import { startWalker } from "../collector/heap/walker.ts";
import { readHostIdentity } from "../collector/identity/host.ts";
import { readAuxv } from "../collector/proc/auxv.ts";
import { parseByteCount } from "../collector/proc/cgroup-memory.ts";
import { type ProcError, readAndParse } from "../collector/proc/read.ts";
import { identify } from "../collector/watch/identify.ts";
import { type Measured, measure, startWatching } from "../collector/watch/measure.ts";
import { tables } from "../schema/columns.ts";
import { assertNever, type Result } from "../schema/result.ts";
import { inspectText } from "./inspect-text.ts";

const EXIT_FAILED = 1;
const EXIT_UNKNOWN = 3;

export async function inspect(options: { readonly pid: number; readonly json: boolean }): Promise<number> {
  const measured = await measureOnce(options.pid);
  if (!measured.ok) {
    process.stderr.write(`tidemark: process ${options.pid} ${problemText(measured.error)}\n`);
    return EXIT_FAILED;
  }
  if (options.json) process.stdout.write(`${JSON.stringify(inTableOrder(measured.value))}\n`);
  else process.stdout.write(`${inspectText(measured.value)}\n`);
  return measured.value.live_bytes == null ? EXIT_UNKNOWN : 0;
}

async function measureOnce(pid: number): Promise<Result<Measured, ProcError | { readonly kind: "memoryless" }>> {
  const config = readConfig({ ...process.env, TIDEMARK_DELIVERY_FOLDER: "." });
  if (!config.ok) throw new Error(config.error.join("; "));
  const host = readHostIdentity();
  const { ticksPerSecond } = readAuxv();
  const identity = identify(pid, { boot_id: host.boot_id, bootedAtMs: Date.now() - uptime() * 1_000, ticksPerSecond });
  if (!identity.ok) return identity;
  if (identity.value === null) return { ok: false, error: { kind: "memoryless" } };
  const limit = readAndParse("/proc/sys/vm/max_map_count", parseByteCount);
  const walker = startWalker(config.value.walkerPath);
  try {
    return await measure(startWatching(identity.value), Date.now(), {
      config: config.value,
      walker,
      vmaCountLimit: limit.ok ? limit.value : null,
      cpuUs: () => process.cpuUsage().user + process.cpuUsage().system,
      mayWalk: () => true,
      onWalk: () => undefined,
    });
  } finally {
    walker.close();
  }
}

/** Every column of the table that a row has, in the table's order; what was not measured is null. */
function inTableOrder(row: Measured): Readonly<Record<string, unknown>> {
  const values: Readonly<Record<string, unknown>> = row;
  const names = Object.entries(tables.process).filter(([name, column]) => !("perBatch" in column) && name !== "sequence");
  return Object.fromEntries(names.map(([name]) => [name, values[name] ?? null]));
}

function problemText(error: ProcError | { readonly kind: "memoryless" }): string {
  switch (error.kind) {
    case "gone":
      return "does not exist (any more)";
    case "denied":
      return `cannot be read (${error.path}): run as its user, as root, or with CAP_SYS_PTRACE`;
    case "memoryless":
      return "is a kernel thread or a zombie: it has no memory of its own";
    case "malformed":
      return `has an unreadable ${error.path}: ${error.line}`;
    case "unreadable":
      return `has an unreadable ${error.path}: ${error.code}`;
    default:
      return assertNever(error);
  }
}
