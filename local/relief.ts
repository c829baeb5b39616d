// tidemark relief: asks one process to give free memory back, on the word of whoever typed it, and checks what came of it.
// The asking is collector/heap/relief.ts's, the doing native/shim's. Nothing else in the project calls this.

import { askForRelief, type ReliefRefusal } from "../collector/heap/relief.ts";
import type { ReliefAnswer } from "../collector/heap/ring.ts";
import { readAuxv } from "../collector/proc/auxv.ts";
import { readAndParse } from "../collector/proc/read.ts";
import { parseStatm } from "../collector/proc/statm.ts";
import { formatBytes, formatDuration } from "../functions/core/units.ts";
import { assertNever, type Result } from "../schema/result.ts";
import { reliefCall } from "./inspect-memory.ts";
import { jsonText } from "./json-text.ts";
import { measureOnce, problemText } from "./measure-once.ts";
import { shimPath } from "./shim-path.ts";

const EXIT_FAILED = 1;
const EXIT_UNKNOWN = 3;

export interface ReliefOptions {
  readonly pid: number;
  /** For how long the process may be waited for to become quiet. */
  readonly timeoutMs: number;
  readonly json: boolean;
}

/** Exit code 0 when it was done, 1 when it was not, 3 when nobody answered. */
export async function relief({ pid, timeoutMs, json }: ReliefOptions): Promise<number> {
  const measured = await measureOnce(pid);
  if (!measured.ok) {
    process.stderr.write(`tidemark: process ${pid} ${problemText(measured.error)}\n`);
    return EXIT_FAILED;
  }
  const { row, ring } = measured.value;
  if (ring === null) {
    process.stderr.write(`tidemark: process ${pid} ${withoutShim()}\n`);
    return EXIT_FAILED;
  }
  const bytesAsked = row.reclaimable_bytes ?? 0;
  const rssBytesBefore = rssBytesOf(pid);
  const answer = await askForRelief(ring.owner, ring.file, { bytesAsked, timeoutMs, nowMs: Date.now });
  const seen = { rss_bytes_before: rssBytesBefore, rss_bytes_after: rssBytesOf(pid) };
  if (json) process.stdout.write(`${jsonText(asJson(pid, answer, seen))}\n`);
  else process.stdout.write(`${asText(row.allocator ?? null, answer, seen)}\n`);
  if (!answer.ok) return answer.error.kind === "no_answer" ? EXIT_UNKNOWN : EXIT_FAILED;
  return answer.value.outcome === "done" ? 0 : EXIT_FAILED;
}

interface Seen {
  readonly rss_bytes_before: number | null;
  readonly rss_bytes_after: number | null;
}

/** From the kernel, so that the answer need not be taken on trust. */
function rssBytesOf(pid: number): number | null {
  const { pageBytes } = readAuxv();
  const statm = readAndParse(`/proc/${pid}/statm`, (text, path) => parseStatm(text, path, pageBytes));
  return statm.ok ? statm.value.rss_bytes : null;
}

function asJson(pid: number, answer: Result<ReliefAnswer, ReliefRefusal>, seen: Seen): object {
  if (answer.ok) return { pid, ...answer.value, ...seen };
  const detail = answer.error.kind === "ring" ? answer.error.fault.detail : refusalText(answer.error);
  return { pid, outcome: answer.error.kind === "ring" ? answer.error.fault.reason : answer.error.kind, detail, ...seen };
}

export function asText(allocator: string | null, answer: Result<ReliefAnswer, ReliefRefusal>, seen: Seen): string {
  if (!answer.ok) return `Not done: ${refusalText(answer.error)}`;
  const { outcome, bytes_asked, bytes_returned, duration_us, cpu_us } = answer.value;
  switch (outcome) {
    case "done":
      return [
        `Done: ${reliefCall(allocator)} returned ${formatBytes(bytes_returned)}${expected(bytes_asked)}, in ${duration(duration_us)} (${duration(cpu_us)} of CPU).`,
        `RSS as the kernel tells it: ${formatBytes(seen.rss_bytes_before)} before, ${formatBytes(seen.rss_bytes_after)} now.`,
      ].join("\n");
    case "not_allowed":
      return `Not done: ${refusalText({ kind: "not_allowed" })}`;
    case "rate_limited":
      return "Not done: the last relief of this process is too short a time ago. Ask again in some minutes.";
    case "never_quiet":
      return "Not done: the process was busy all the time. Ask at a quieter hour, or with a longer --timeout.";
    case "unsupported":
      return "Not done: the allocator of this process offers no such call.";
    case "none":
    case "profiling_off":
    case "failed":
      return "Not done: the shim said nothing of use.";
    default:
      return assertNever(outcome);
  }
}

/** A request that could not know what to expect asks for 0. */
const expected = (bytesAsked: number | null): string =>
  bytesAsked === null || bytesAsked === 0 ? "" : ` of ${formatBytes(bytesAsked)} expected`;

const duration = (us: number | null): string => formatDuration(us === null ? null : us / 1_000);

export function refusalText(refusal: ReliefRefusal): string {
  switch (refusal.kind) {
    case "not_allowed":
      return "the process does not allow it. Start it with TIDEMARK_RELIEF=1 beside the shim.";
    case "pending":
      return "another request is not answered yet. Ask again in a minute.";
    case "no_answer":
      return "no answer came: the shim's thread may be stopped, or the process ended. Whether it was done is not known.";
    case "ring":
      return `the shim could not be asked (${refusal.fault.detail}).`;
    default:
      return assertNever(refusal);
  }
}

const withoutShim = () =>
  `has no shim that could be asked: start it with LD_PRELOAD=${shimPath()} TIDEMARK_RELIEF=1 (docs/deploy.md, "Preload the shim")`;
