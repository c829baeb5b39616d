// Facts about the collector that runs already, found by the lock of its spool.
// What they mean is judge-running.ts's.
import { closeSync, constants, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { readAndParse, readKernelFile } from "../../collector/proc/read.ts";
import { parseStat } from "../../collector/proc/stat.ts";
import { parseStatus } from "../../collector/proc/status.ts";
import type { RunningFacts } from "./facts.ts";
import { capabilitiesOf } from "./gather-kernel.ts";

export function gatherRunning(spoolFolder: string | null): RunningFacts | null {
  const [bootId, pid, startTicks] = spoolFolder === null ? [] : lockOf(spoolFolder).split(" ");
  if (pid === undefined || !/^\d{1,10}$/.test(pid)) return null;
  const boot = readKernelFile("/proc/sys/kernel/random/boot_id");
  const stat = readAndParse(`/proc/${pid}/stat`, parseStat);
  const isAlive = boot.ok && boot.value.trim() === bootId && stat.ok && String(stat.value.startTicks) === startTicks;
  const text = readKernelFile(`/proc/${pid}/status`);
  const status = text.ok ? parseStatus(text.value, `/proc/${pid}/status`) : text;
  if (!isAlive || !text.ok || !status.ok) return null;
  const { uids, rss_bytes } = status.value;
  return { pid: Number(pid), uid: uids[1] ?? null, rssBytes: rss_bytes, capabilities: capabilitiesOf(text.value) };
}

/** `<boot id> <pid> <start tick>`: collector/ship/own-folder.ts. Empty where there is none, or none for us. */
function lockOf(folder: string): string {
  try {
    const file = openSync(join(folder, "lock"), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const bytes = Buffer.alloc(200);
      return bytes.toString("latin1", 0, readSync(file, bytes, 0, bytes.length, 0));
    } finally {
      closeSync(file);
    }
  } catch {
    return "";
  }
}
