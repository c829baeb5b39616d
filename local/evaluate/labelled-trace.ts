// A trace together with what is known of it: its cause, its program, and when its peaks were. The truth, against which rules are held.
// What rules may read of a trace is replay/trace.ts's; nothing of this file reaches the lake.
import { err, ok, type Result } from "../../schema/result.ts";
import { parseObject, parseTrace, type Trace } from "../replay/trace.ts";

export interface LabelledTrace {
  readonly id: string;
  /** A cause, `none` for a healthy program; null where nobody knows. */
  readonly expected: string | null;
  readonly program: string;
  readonly trace: Trace;
  /** Ends of the peaks in minutes from the first row, by the phases that the trace was driven through. Empty where it tells none. */
  readonly peakEndMinutes: readonly number[];
}

/** What a trace may be said to show: the causes of docs/architecture.md that a process can have, and `none`. */
export const traceCauses: readonly string[] = [
  "leak",
  "fragmentation",
  "retention",
  "arena_bloat",
  "cache_growth",
  "runtime_heap",
  "mapping_growth",
  "file_growth",
  "alloc_failure",
  "none",
];

const MINUTE_MS = 60_000;

/** `path` names the trace where its header does not. */
export function parseLabelledTrace(text: string, path: string): Result<LabelledTrace, string> {
  const trace = parseTrace(text, path);
  if (!trace.ok) return err(trace.error);
  const [head, ...rows] = text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map(parseObject);
  const textOf = (name: string): string | null => {
    const value = head?.[name];
    // Names of strangers end up on a terminal and in a page.
    return typeof value === "string" && value !== "" ? value.replace(/[\p{Cc}|]/gu, "\u{fffd}") : null;
  };
  const expected = textOf("cause");
  if (expected !== null && expected !== "unknown" && !traceCauses.includes(expected)) {
    return err(`its cause is ${expected}: expected one of ${traceCauses.join(", ")}, or unknown`);
  }
  const startMs = trace.value.rows[0]?.offsetMs ?? 0;
  const ends = new Map<number, number>();
  for (const row of rows) {
    const { phase, cycle, offset_ms } = row ?? {};
    if (phase === "peak" && typeof cycle === "number" && typeof offset_ms === "number") {
      ends.set(cycle, Math.max(ends.get(cycle) ?? 0, (offset_ms - startMs) / MINUTE_MS));
    }
  }
  return ok({
    id: textOf("id") ?? trace.value.name,
    expected: expected === "unknown" ? null : expected,
    program: textOf("program") ?? "unknown",
    trace: trace.value,
    peakEndMinutes: [...ends.values()].sort((a, b) => a - b),
  });
}
