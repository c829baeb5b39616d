// The services of the week: who holds the free memory, whose memory rose, and what helps those with an open finding.
// Rows are weekly_services', recent_findings' and weekly_worst_processes'; what to do is advice/advise.ts's.
import type { Finding } from "../../../schema/columns.ts";
import type { ResultRow } from "../../edges.ts";
import { advise } from "../advice/advise.ts";
import { inputOfFinding } from "../advice/inputs.ts";
import { causeText, type Severity, severityRank } from "../causes.ts";
import { dollarsPerMonth, memoryPrice } from "../cost/memory-prices.ts";
import type { WithdrawnOf } from "../ledger/known-recommendation.ts";
import { maybeNumber, maybeText, textOf } from "../result-rows.ts";
import type { Window } from "../window.ts";
import type { Dollars, Risen, ServiceWeek, TopFinding } from "./model.ts";

/** A rise that is worth a line: against the week before, and in bytes of all its processes. */
const RISE_SHARE_MIN = 0.2;
const RISE_BYTES_MIN = 256 * 1_024 * 1_024;
/** Causes whose excess is free memory that could go back; growth in use is nobody's hostage. */
const held = new Set(["fragmentation", "retention", "arena_bloat", "runtime_heap", "cgroup_limit"]);

export const servicesOf = (rows: readonly ResultRow[]): readonly ServiceWeek[] =>
  rows.map((row) => {
    const instanceType = maybeText(row, "instance_type");
    const bytes = maybeNumber(row, "free_resident_bytes");
    return {
      service: textOf(row, "service"),
      environment: maybeText(row, "environment"),
      instanceType,
      hostCount: maybeNumber(row, "host_count"),
      processCount: maybeNumber(row, "process_count"),
      rss: maybeNumber(row, "rss_bytes"),
      live: maybeNumber(row, "live_bytes"),
      held: bytes,
      reclaimable: maybeNumber(row, "reclaimable_bytes"),
      rssBefore: maybeNumber(row, "rss_bytes_before"),
      liveBefore: maybeNumber(row, "live_bytes_before"),
      heldBefore: maybeNumber(row, "free_resident_bytes_before"),
      worth: bytes === null ? null : dollarsPerMonth(bytes, memoryPrice(instanceType)),
    };
  });

/** Those that rose, by how much. A service that was not there the week before has not risen: it is new. */
export const risenOf = (services: readonly ServiceWeek[]): readonly Risen[] =>
  services
    .flatMap((service): Risen[] => [
      ...riseOf(service, "held", service.held, service.heldBefore),
      ...riseOf(service, "live", service.live, service.liveBefore),
    ])
    .sort((a, b) => b.now - b.before - (a.now - a.before));

function riseOf(service: ServiceWeek, what: Risen["what"], now: number | null, before: number | null): Risen[] {
  if (now === null || before === null) return [];
  const rise = now - before;
  return rise >= RISE_BYTES_MIN && rise >= before * RISE_SHARE_MIN ? [{ service, what, now, before }] : [];
}

/** Whether a finding is about services, and was still there in the last period of the window. */
export const isOpen = (finding: Finding, { endMs, periodMs }: Window): boolean =>
  finding.cause !== "none" && finding.state !== "resolved" && finding.found_at > endMs - periodMs;

export const isOfService = ({ scope }: Finding): boolean => scope == null || scope === "service";

/** Found as new, or become worse, within the window. */
export const isOfThisWeek = ({ class_at, first_found_at, found_at }: Finding, { startMs }: Window): boolean =>
  (class_at ?? first_found_at ?? found_at) >= startMs;

export const isNotice = ({ severity, cause }: Finding): boolean => (severity ?? causeText(cause).severity) === "notice";

/** What fails first, then by the memory that the cause holds; what is only good to know comes last. */
export const ranked = (findings: readonly Finding[]): readonly Finding[] =>
  findings.toSorted(
    (a, b) =>
      classOf(a) - classOf(b) || (b.excess_bytes ?? 0) - (a.excess_bytes ?? 0) || (a.finding_id < b.finding_id ? -1 : 1),
  );

/** Growth and held memory are ordered by bytes alone, because money is what the reader came for. */
function classOf({ severity, cause }: Finding): number {
  const rank = severityRank[(severity ?? causeText(cause).severity) as Severity] ?? severityRank.held;
  return rank === severityRank.act ? 0 : rank === severityRank.notice ? 2 : 1;
}

/** The findings with advice on the worst process of their service, without what was tried on it and did not help. */
export function withAdvice(
  findings: readonly Finding[],
  processes: readonly ResultRow[],
  withdrawn: WithdrawnOf,
): readonly TopFinding[] {
  const worst = new Map(processes.map((row) => [keyOf(textOf(row, "service"), maybeText(row, "environment")), row]));
  return findings.map((finding) => {
    const environment = finding.environment ?? null;
    const values = worst.get(keyOf(finding.service, environment)) ?? null;
    return {
      finding,
      advice: advise(inputOfFinding(finding, values), withdrawn(finding.service, environment)),
      worth: worthOf(finding, values === null ? null : maybeText(values, "instance_type")),
    };
  });
}

function worthOf({ cause, excess_bytes }: Finding, instanceType: string | null): Dollars | null {
  return excess_bytes == null || !held.has(cause) ? null : dollarsPerMonth(excess_bytes, memoryPrice(instanceType));
}

const keyOf = (service: string, environment: string | null): string => JSON.stringify([service, environment]);
