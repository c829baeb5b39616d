// From rows of process_causes to findings: processes of one service with one cause become one finding that says who, since
// when, how much, and what sets them apart. Which cause a process has is decided in SQL; here it is put into words.
import type { Finding } from "../../schema/columns.ts";
import type { ResultRow } from "../edges.ts";
import { findingId } from "./finding-id.ts";
import { evidenceOf } from "./process-evidence.ts";
import { maybeNumber, maybeText, numberOf, textOf } from "./result-rows.ts";
import { formatCount, formatCountOf } from "./units.ts";

export interface DetectionRows {
  readonly process_causes: readonly ResultRow[];
  /** The classical rules catch much and are often wrong: they support a finding, they never make one. */
  readonly largest_free_chunk_falling: readonly ResultRow[];
  readonly free_chunk_count_rising: readonly ResultRow[];
}

/** Growth that is meant, and what nobody can name: rows to look up in SQL, but nothing that anybody should be called for. */
const notFindings: ReadonlySet<string> = new Set(["cache_growth", "file_growth", "unknown"]);

const DAY_MS = 86_400_000;
/** A trend needs this much time under it: growth of minutes says little of a day. */
const TREND_MS_MIN = DAY_MS / 24;

/** Findings in order of the memory they concern, most first. `foundAtMs` is the time of the run. */
export function toFindings(rows: DetectionRows, foundAtMs: number): readonly Finding[] {
  const found = rows.process_causes.filter((row) => !notFindings.has(textOf(row, "cause")));
  const warnings = (["largest_free_chunk_falling", "free_chunk_count_rising"] as const).flatMap((query) =>
    rows[query].map((row) => [processIdOf(row), query] as const),
  );
  const groups = Map.groupBy(found, (row) =>
    JSON.stringify([textOf(row, "service"), maybeText(row, "environment"), textOf(row, "cause")]),
  );
  return [...groups.values()]
    .map((group) => serviceFinding(group, warnings, foundAtMs))
    .sort((a, b) => (b.excess_bytes ?? 0) - (a.excess_bytes ?? 0) || (a.finding_id < b.finding_id ? -1 : 1));
}

function serviceFinding(
  group: readonly ResultRow[],
  warnings: readonly (readonly [string, string])[],
  foundAtMs: number,
): Finding {
  const [worst] = [...group].sort(
    (a, b) => (excessOf(b) ?? 0) - (excessOf(a) ?? 0) || (processIdOf(a) < processIdOf(b) ? -1 : 1),
  );
  if (worst === undefined) throw new Error("a group of findings is empty");
  const [service, environment, cause] = [textOf(worst, "service"), maybeText(worst, "environment"), textOf(worst, "cause")];
  const processIds = new Set(group.map(processIdOf));
  const since = Math.min(...group.map((row) => numberOf(row, "since")));
  const excess = sumOfKnown(group.map(excessOf));
  const names = warnings.filter(([processId]) => processIds.has(processId)).map(([, name]) => name);
  const isHeld = cause !== "leak" && cause !== "mapping_growth" && cause !== "runtime_heap";
  return {
    found_at: foundAtMs,
    finding_id: findingId(service, environment, cause),
    service,
    environment,
    cause,
    since,
    host_count: new Set(group.map((row) => textOf(row, "host_id"))).size,
    host_id: textOf(worst, "host_id"),
    process_count: processIds.size,
    excess_bytes: excess,
    reclaimable_bytes: isHeld ? sumOfKnown(group.map((row) => maybeNumber(row, "reclaimable_bytes"))) : null,
    trend_bytes_per_day: cause === "leak" ? trendOf(excess, foundAtMs - since) : null,
    // That of the surest process: the others are held to be like it.
    confidence: Math.max(...group.map((row) => numberOf(row, "confidence"))),
    service_version: sameOf(group, "service_version"),
    explained_by: explanationOf(group),
    evidence: `${processIds.size > 1 ? `worst of ${processIds.size} processes: ` : ""}${evidenceOf(worst)}`,
    early_warnings: names.length > 0 ? [...new Set(names)].join(", ") : null,
  };
}

const excessOf = (row: ResultRow): number | null => maybeNumber(row, "excess_bytes");
const processIdOf = (row: ResultRow): string => `${textOf(row, "host_id")}/${textOf(row, "process_key")}`;

const trendOf = (bytes: number | null, spanMs: number): number | null =>
  bytes === null || spanMs < TREND_MS_MIN ? null : Math.round((bytes / spanMs) * DAY_MS);

/** What may set processes apart, in the order in which people can do something about it. */
const traits = [
  { column: "service_version", count: "version_process_count", name: "version" },
  { column: "instance_type", count: "instance_type_process_count", name: "instance type" },
  { column: "zone", count: "zone_process_count", name: "zone" },
] as const;

/** Of fewer affected processes than this a common trait may be chance. */
const EXPLAINED_PROCESSES_MIN = 2;

/**
 * The first trait that all affected processes share, most processes with it are affected, and others of the service do not
 * have it. Null where nothing does: a service of one version cannot blame it.
 */
function explanationOf(group: readonly ResultRow[]): string | null {
  if (group.length < EXPLAINED_PROCESSES_MIN) return null;
  for (const { column, count, name } of traits) {
    const value = sameOf(group, column);
    const [first] = group;
    if (value === null || first === undefined) continue;
    const [alike, all] = [numberOf(first, count), numberOf(first, "service_process_count")];
    if (all > alike && 2 * group.length > alike) {
      return `${name} ${value}: ${formatCount(group.length)} of its ${formatCountOf(alike, "process", "processes")}, none of the ${formatCount(all - alike)} others`;
    }
  }
  return null;
}

function sameOf(group: readonly ResultRow[], column: string): string | null {
  const values = new Set(group.map((row) => maybeText(row, column)));
  const [value] = values;
  return values.size === 1 ? (value ?? null) : null;
}

function sumOfKnown(numbers: readonly (number | null)[]): number | null {
  const known = numbers.filter((number) => number !== null);
  return known.length > 0 ? known.reduce((sum, number) => sum + number, 0) : null;
}
