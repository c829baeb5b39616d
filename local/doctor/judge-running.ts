// The collector that runs already, and what one costs. Pure.
// What it may read is judged for whoever asks in judge-kernel.ts; here by the rights of the service itself.
import { FOLDER_BYTES_MAX } from "../../collector/heap/ring-folder.ts";
import { formatBytes } from "../../functions/core/units.ts";
import { type Check, fail, good } from "./check.ts";
import type { PlaceFacts, RunningFacts } from "./facts.ts";
import { lackingRights } from "./judge-kernel.ts";

export function judgeRunning(running: RunningFacts | null): readonly Check[] {
  if (running === null) return [];
  const { pid, uid, capabilities } = running;
  const who = `runs as pid ${pid}${uid === null ? "" : ` of user ${uid}`}`;
  const lacking = lackingRights(capabilities);
  if (lacking.length === 0) return [good("collector", `${who} with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH`)];
  return [
    fail(
      "collector",
      `${who} without ${lacking.join(" and ")}`,
      "processes of other users stay closed to it, whatever whoever asks here may see",
      "AmbientCapabilities=CAP_SYS_PTRACE CAP_DAC_READ_SEARCH in its unit, then restart it",
    ),
  ];
}

/**
 * Anonymous, and resident with the program file of Node, which all its processes on the host share. Measured: the bundle under
 * Node 24.21 with the package's flags, the Firehose client shipping, 200 processes at the defaults: npm run bench -- collector.
 */
const [OWN_BYTES_USUAL, RESIDENT_BYTES_USUAL] = [26_000_000, 72_000_000];

export function judgeCost(places: PlaceFacts, running: RunningFacts | null): Check {
  const { spoolFolder, spoolBytesMax, blackBoxFolder, blackBoxBytesMax, ringFolder } = places;
  const now = running?.rssBytes ?? null;
  const memory =
    now === null
      ? `some ${formatBytes(OWN_BYTES_USUAL)} of memory of its own (RSS ${formatBytes(RESIDENT_BYTES_USUAL)} with Node's program file)`
      : `RSS ${formatBytes(now)} now`;
  const disk = (spoolFolder === null ? 0 : spoolBytesMax) + (blackBoxFolder === null ? 0 : blackBoxBytesMax);
  const parts = [
    memory,
    ...(disk === 0 ? [] : [`at most ${formatBytes(disk)} of disk`]),
    ...(ringFolder.exists ? [`at most ${formatBytes(FOLDER_BYTES_MAX)} of ring files where the shim is used`] : []),
  ];
  return good("cost", parts.join(", "));
}
