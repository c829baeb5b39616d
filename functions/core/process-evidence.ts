// The figures that led to a process's cause, as a sentence with units: what a person would look at to believe it.
// The figures themselves are columns of process_causes.
import type { ResultRow } from "../edges.ts";
import { maybeNumber, numberOf, textOf } from "./result-rows.ts";
import { formatBytes, formatCount, formatShare } from "./units.ts";

export function evidenceOf(row: ResultRow): string {
  const cause = textOf(row, "cause");
  switch (cause) {
    case "leak":
      return leakEvidence(row);
    case "fragmentation":
    case "retention":
    case "arena_bloat":
      return heldEvidence(row, cause);
    case "runtime_heap":
      return (
        `memory outside of malloc rose from ${formatBytes(numberOf(row, "outside_bytes_first"))} to ` +
        `${formatBytes(numberOf(row, "outside_bytes_last"))} and stayed, while malloc has ${formatBytes(maybeNumber(row, "live_bytes_valley"))} in use`
      );
    case "mapping_growth":
      return (
        `mappings rose from ${formatCount(numberOf(row, "vma_count_min"))} to ${formatCount(numberOf(row, "vma_count_max"))}, ` +
        `${formatShare(numberOf(row, "vma_count_max") / numberOf(row, "vma_count_limit"))} of the limit of ${formatCount(numberOf(row, "vma_count_limit"))}`
      );
    case "alloc_failure":
      return failureEvidence(row);
    default:
      throw new Error(`no evidence is known for the cause ${cause}`);
  }
}

function leakEvidence(row: ResultRow): string {
  const [before, after] = [maybeNumber(row, "in_use_bytes_first"), maybeNumber(row, "in_use_bytes_last")];
  const growth = after !== null && before !== null ? after - before : 0;
  const late = maybeNumber(row, "late_growth_bytes");
  // The row's excess is that of the rule that fired: of malloc and what lies beside it, or of a runtime's own heap.
  if (growth === numberOf(row, "excess_bytes")) {
    const valleys = numberOf(row, "valley_count");
    const where = valleys >= 3 ? `over ${formatCount(valleys)} valleys between peaks` : "without ever falling back";
    return `memory in use rose from ${formatBytes(before)} to ${formatBytes(after)} ${where}, ${formatBytes(late)} of it lately`;
  }
  return (
    `what a collection leaves in the runtime's heap is ${formatBytes(maybeNumber(row, "runtime_used_bytes_last"))}, ` +
    `and no more than ${formatBytes(maybeNumber(row, "runtime_used_bytes_first"))} was in use before`
  );
}

function heldEvidence(row: ResultRow, cause: string): string {
  const held = numberOf(row, "held_bytes");
  const reclaimable = maybeNumber(row, "reclaimable_bytes");
  const returned =
    `from peak to valley live bytes went from ${formatBytes(maybeNumber(row, "live_bytes_peak"))} to ` +
    `${formatBytes(maybeNumber(row, "live_bytes_valley"))}, RSS from ${formatBytes(maybeNumber(row, "rss_bytes_peak"))} to ` +
    `${formatBytes(maybeNumber(row, "rss_bytes_valley"))}`;
  const chunks = maybeNumber(row, "free_chunk_count");
  const pieces =
    chunks === null
      ? ""
      : ` in ${formatCount(chunks)} chunks, the largest ${formatBytes(maybeNumber(row, "free_chunk_bytes_max"))}`;
  const arenas =
    cause === "arena_bloat"
      ? `; ${formatCount(maybeNumber(row, "arena_count"))} arenas hold over 1 MiB, those of threads ${formatBytes(maybeNumber(row, "non_main_arena_bytes"))} together`
      : "";
  const back =
    reclaimable === null
      ? "what a trim would return is unknown"
      : `a trim would return ${formatBytes(reclaimable)} (${formatShare(reclaimable / held)})`;
  const first = numberOf(row, "confidence") <= 0.5 ? "; seen after one peak so far" : "";
  return `${returned}; ${formatBytes(held)} is held free${pieces}${arenas}; ${back}${first}`;
}

function failureEvidence(row: ResultRow): string {
  const told = [
    ["failure_count", "allocations failed"],
    ["oom_kill_count", "processes were killed for lack of memory in its cgroup"],
  ].flatMap(([column = "", what]) => {
    const count = maybeNumber(row, column) ?? 0;
    return count > 0 ? [`${formatCount(count)} ${what}`] : [];
  });
  const thrashing = `its cgroup hit its limit ${formatCount(maybeNumber(row, "limit_hit_count"))} times while it waited for ${formatCount(maybeNumber(row, "major_fault_count"))} pages from disk`;
  return `${told.length > 0 ? told.join(", ") : thrashing}; ${formatBytes(maybeNumber(row, "held_bytes"))} was held free at the last quiet time`;
}
