// From rows of the detection queries to findings: one cause per process, then one finding per service and cause.
// Thresholds are the queries' parameters; here nothing is decided but precedence, and the evidence is put into words.
import { createHash } from "node:crypto";
import type { Finding } from "../../schema/columns.ts";
import type { ResultRow } from "../edges.ts";
import { maybeNumber, numberOf, textOf } from "./result-rows.ts";
import { formatBytes, formatCount, formatShare } from "./units.ts";

export interface DetectionRows {
  readonly live_growth: readonly ResultRow[];
  readonly rss_not_returned: readonly ResultRow[];
  /** The classical rules catch much and are often wrong: they support a finding, they never make one. */
  readonly largest_free_chunk_falling: readonly ResultRow[];
  readonly free_chunk_count_rising: readonly ResultRow[];
}

interface ProcessFinding {
  readonly processId: string;
  readonly hostId: string;
  readonly service: string;
  readonly cause: string;
  readonly sinceMs: number;
  readonly excessBytes: number;
  readonly reclaimableBytes: number | null;
  readonly evidence: string;
}

/** Findings in order of the memory they concern, most first. `foundAtMs` is the time of the run. */
export function toFindings(rows: DetectionRows, foundAtMs: number): readonly Finding[] {
  const leaks = rows.live_growth.map(leakOf);
  const leaking = new Set(leaks.map((leak) => leak.processId));
  // A leak pins pages as well; its cure comes first, and with it the rest may go.
  const held = rows.rss_not_returned.map(heldOf).filter((finding) => !leaking.has(finding.processId));
  const warnings = [
    ...rows.largest_free_chunk_falling.map((row) => [processIdOf(row), "largest_free_chunk_falling"] as const),
    ...rows.free_chunk_count_rising.map((row) => [processIdOf(row), "free_chunk_count_rising"] as const),
  ];
  const groups = Map.groupBy([...leaks, ...held], (finding) => `${finding.cause}\n${finding.service}`);
  return [...groups.values()]
    .map((group) => serviceFinding(group, warnings, foundAtMs))
    .sort((a, b) => b.excess_bytes - a.excess_bytes || (a.finding_id < b.finding_id ? -1 : 1));
}

function leakOf(row: ResultRow): ProcessFinding {
  const growth = numberOf(row, "growth_bytes");
  return {
    ...identityOf(row),
    cause: "leak",
    excessBytes: growth,
    reclaimableBytes: null,
    evidence:
      `live bytes at the troughs rose from ${formatBytes(numberOf(row, "live_bytes_first"))} to ` +
      `${formatBytes(numberOf(row, "live_bytes_last"))} over ${formatCount(numberOf(row, "period_count"))} periods, ` +
      `${formatBytes(numberOf(row, "last_step_bytes"))} of it in the last one`,
  };
}

function heldOf(row: ResultRow): ProcessFinding {
  const cause = textOf(row, "cause");
  const held = numberOf(row, "held_bytes");
  const reclaimable = maybeNumber(row, "reclaimable_bytes");
  const returned =
    `from peak to trough live bytes went from ${formatBytes(numberOf(row, "live_bytes_peak"))} to ` +
    `${formatBytes(numberOf(row, "live_bytes_trough"))}, RSS from ${formatBytes(numberOf(row, "rss_bytes_peak"))} to ` +
    `${formatBytes(numberOf(row, "rss_bytes_trough"))}`;
  const where =
    cause === "arena_bloat"
      ? `${formatBytes(maybeNumber(row, "non_main_free_bytes"))} of the free memory lies in ` +
        `the arenas of threads (${formatCount(numberOf(row, "arena_count_over_1mib"))} arenas hold over 1 MiB)`
      : `${formatBytes(held)} is held free in ${formatCount(numberOf(row, "free_chunk_count"))} chunks, the largest ` +
        `${formatBytes(numberOf(row, "free_chunk_bytes_max"))}`;
  const back =
    reclaimable === null
      ? "what a trim would return is unknown"
      : `a trim would return ${formatBytes(reclaimable)} (${formatShare(reclaimable / held)})`;
  return {
    ...identityOf(row),
    cause,
    excessBytes: held,
    reclaimableBytes: reclaimable,
    evidence: `${returned}; ${where}; ${back}`,
  };
}

const processIdOf = (row: ResultRow): string => `${textOf(row, "host_id")}/${textOf(row, "process_key")}`;

const identityOf = (row: ResultRow) => ({
  processId: processIdOf(row),
  hostId: textOf(row, "host_id"),
  service: textOf(row, "service"),
  sinceMs: numberOf(row, "since"),
});

function serviceFinding(
  group: readonly ProcessFinding[],
  warnings: readonly (readonly [string, string])[],
  foundAtMs: number,
): Finding {
  const [worst] = [...group].sort((a, b) => b.excessBytes - a.excessBytes || (a.processId < b.processId ? -1 : 1));
  if (worst === undefined) throw new Error("a group of findings is empty");
  const processIds = new Set(group.map((finding) => finding.processId));
  const names = warnings.filter(([processId]) => processIds.has(processId)).map(([, name]) => name);
  const reclaimable = group.map((finding) => finding.reclaimableBytes).filter((bytes) => bytes !== null);
  return {
    found_at: foundAtMs,
    finding_id: createHash("sha256").update(`${worst.service}\n${worst.cause}`).digest("hex").slice(0, FINDING_ID_LENGTH),
    service: worst.service,
    cause: worst.cause,
    since: Math.min(...group.map((finding) => finding.sinceMs)),
    host_count: new Set(group.map((finding) => finding.hostId)).size,
    process_count: processIds.size,
    excess_bytes: sum(group.map((finding) => finding.excessBytes)),
    reclaimable_bytes: reclaimable.length > 0 ? sum(reclaimable) : null,
    evidence: processIds.size > 1 ? `worst of ${processIds.size} processes: ${worst.evidence}` : worst.evidence,
    early_warnings: names.length > 0 ? [...new Set(names)].join(", ") : null,
  };
}

/** 64 bits of SHA-256: no two findings of one fleet will share it. */
const FINDING_ID_LENGTH = 16;

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
