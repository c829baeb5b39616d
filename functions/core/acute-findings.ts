// From rows of the acute queries to findings: what each row says in words, which of several on one host comes first, and one
// finding for all rows of a service (or of a group of hosts) with the same cause. Whether a row fires is its query's.
import type { Finding } from "../../schema/columns.ts";
import type { ResultRow } from "../edges.ts";
import { type AcuteHit, type AcuteQuery, acuteQueries, hitsOf } from "./acute-hits.ts";
import { severityRank } from "./causes.ts";
import { findingId } from "./finding-id.ts";
import { numberOf, textOf } from "./result-rows.ts";

export type AcuteRows = Readonly<Record<AcuteQuery, readonly ResultRow[]>>;

/** One trouble of a host shows in several figures; it is told by the first of these that fired, the others support it. */
const precedence = ["low_memory", "swap_growth", "memory_pressure"];

/** Findings, most pressing first. `foundAtMs` is the time of the run. */
export function toAcuteFindings(rows: AcuteRows, foundAtMs: number): readonly Finding[] {
  const hits = acuteQueries
    .flatMap((query) => rows[query].map((row) => hitsOf[query](row)))
    .filter((hit) => !isKillOfService(hit, rows));
  const groups = Map.groupBy(firstOfEachHost(hits), (hit) =>
    JSON.stringify([hit.scope, hit.subject, hit.environment, hit.cause]),
  );
  return [...groups.values()].map((group) => findingOf(group, foundAtMs)).sort(byUrgency);
}

/** The kernel counts kills of a cgroup among those of the host; where the service is known, it is told alone. */
function isKillOfService({ rule, hostId }: AcuteHit, rows: AcuteRows): boolean {
  if (rule !== "host_oom_kills") return false;
  const killsOn = (query: AcuteQuery) =>
    rows[query].filter((row) => textOf(row, "host_id") === hostId).reduce((sum, row) => sum + numberOf(row, "kill_count"), 0);
  return killsOn("oom_kills") >= killsOn("host_oom_kills");
}

function firstOfEachHost(hits: readonly AcuteHit[]): readonly AcuteHit[] {
  const rankOf = ({ cause }: AcuteHit) => precedence.indexOf(cause);
  const ranked = Map.groupBy(
    hits.filter((hit) => rankOf(hit) >= 0),
    (hit) => hit.hostId,
  );
  const kept = [...ranked.values()].flatMap((sameHost) => {
    const best = Math.min(...sameHost.map(rankOf));
    const others = sameHost.filter((hit) => rankOf(hit) !== best).map(({ rule }) => rule);
    return sameHost.filter((hit) => rankOf(hit) === best).map((hit) => ({ ...hit, also: [...hit.also, ...others] }));
  });
  return [...hits.filter((hit) => rankOf(hit) < 0), ...kept];
}

function findingOf(group: readonly AcuteHit[], foundAtMs: number): Finding {
  const [worst, ...rest] = [...group].sort(byHarm);
  if (worst === undefined) throw new Error("a group of acute hits is empty");
  const { scope, subject, environment, cause } = worst;
  const hosts = new Set(group.map(({ hostId }) => hostId));
  const also = [...new Set(group.flatMap(({ also }) => also))].sort();
  return {
    found_at: foundAtMs,
    finding_id: findingId("acute", scope, subject, environment, cause),
    service: subject,
    environment,
    cause,
    scope,
    severity: worst.severity,
    since: Math.min(...group.map(({ sinceMs }) => sinceMs)),
    host_count: hosts.size,
    host_id: worst.hostId,
    process_count: group.reduce((sum, { processCount }) => sum + processCount, 0),
    excess_bytes: sumOfKnown(group.map(({ excessBytes }) => excessBytes)),
    reclaimable_bytes: sumOfKnown(group.map(({ reclaimableBytes }) => reclaimableBytes)),
    evidence: rest.length === 0 ? worst.evidence : `worst of ${group.length}: ${worst.evidence}`,
    early_warnings: also.length > 0 ? also.join(", ") : null,
  };
}

const byHarm = (a: AcuteHit, b: AcuteHit): number =>
  severityRank[a.severity] - severityRank[b.severity] ||
  (b.excessBytes ?? 0) - (a.excessBytes ?? 0) ||
  a.sinceMs - b.sinceMs ||
  (a.hostId < b.hostId ? -1 : 1);

const rankOfFinding = ({ severity }: Finding): number => severityRank[severity as keyof typeof severityRank];
const byUrgency = (a: Finding, b: Finding): number =>
  rankOfFinding(a) - rankOfFinding(b) ||
  (b.excess_bytes ?? 0) - (a.excess_bytes ?? 0) ||
  (a.finding_id < b.finding_id ? -1 : 1);

function sumOfKnown(numbers: readonly (number | null)[]): number | null {
  const known = numbers.filter((number) => number !== null);
  return known.length > 0 ? known.reduce((sum, number) => sum + number, 0) : null;
}
