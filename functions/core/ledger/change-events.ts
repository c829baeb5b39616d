// Changes of single hosts put together: one change of a service's settings is what its hosts did within a rollout.
// Each is matched to what was recommended; when there is enough to measure it is periods.ts's.
import type { ResultRow } from "../../edges.ts";
import { maybeText, numberOf, textOf } from "../result-rows.ts";
import type { KnownRecommendation } from "./known-recommendation.ts";
import { changeText, isAsRecommended, type SettingState } from "./setting-change.ts";

export type ChangeKind = "setting" | "version";

export interface ChangeEvent {
  readonly kind: ChangeKind;
  readonly service: string;
  readonly environment: string | null;
  /** What changed, in words. */
  readonly setting: string;
  /** Null for a change that nobody recommended. */
  readonly recommendation: KnownRecommendation | null;
  /** First hour with the new settings, of the first host and of the last. */
  readonly firstMs: number;
  readonly lastMs: number;
  readonly hostIds: ReadonlySet<string>;
  readonly instanceType: string | null;
}

export interface HostChange {
  readonly kind: ChangeKind;
  readonly service: string;
  readonly environment: string | null;
  readonly hostId: string;
  readonly changedMs: number;
  readonly before: SettingState;
  readonly after: SettingState;
  readonly instanceType: string | null;
}

/** A row of setting_changes. */
export const hostChangeOf = (row: ResultRow): HostChange => ({
  kind: textOf(row, "change_kind") === "version" ? "version" : "setting",
  service: textOf(row, "service"),
  environment: maybeText(row, "environment"),
  hostId: textOf(row, "host_id"),
  changedMs: numberOf(row, "changed_at"),
  before: stateOf(row, "before"),
  after: stateOf(row, "after"),
  instanceType: maybeText(row, "instance_type"),
});

const stateOf = (row: ResultRow, when: "before" | "after"): SettingState => ({
  allocator: textOf(row, `allocator_${when}`),
  allocator_version: textOf(row, `allocator_version_${when}`),
  tunables: textOf(row, `tunables_${when}`),
  service_version: textOf(row, `service_version_${when}`),
});

/**
 * Hosts of one service with the same change, each within `gapMs` of the one before it, oldest event first. A version that
 * nobody waited for is not an event: services are deployed all the time.
 */
export function changeEvents(
  changes: readonly HostChange[],
  recommendations: readonly KnownRecommendation[],
  gapMs: number,
): readonly ChangeEvent[] {
  const matched = changes.map((change) => ({ change, recommendation: recommendedFor(change, recommendations) }));
  const groups = Map.groupBy(
    matched.filter(({ change, recommendation }) => change.kind === "setting" || recommendation !== null),
    ({ change, recommendation }) =>
      JSON.stringify([
        change.kind,
        change.service,
        change.environment,
        recommendation?.recommendation_id ?? changeText(change.before, change.after, change.kind),
      ]),
  );
  return [...groups.values()]
    .flatMap((group) => rollouts(group, gapMs).map(eventOf))
    .sort((a, b) => a.firstMs - b.firstMs || (a.service < b.service ? -1 : 1));
}

/** A change is dated by the start of its hour: what was recommended within that hour came before it. */
const HOUR_MS = 3_600_000;

/** The newest that stood when the change came: for another finding of the service it is the same remedy. */
function recommendedFor(
  { kind, service, environment, changedMs, before, after }: HostChange,
  recommendations: readonly KnownRecommendation[],
): KnownRecommendation | null {
  const [newest = null] = recommendations
    .filter((row) => row.service === service && (row.environment ?? null) === environment)
    .filter((row) => row.first_recommended_at < changedMs + HOUR_MS)
    .filter((row) => isAsRecommended(row.changes, before, after, kind))
    .sort((a, b) => b.recommended_at - a.recommended_at || (a.recommendation_id < b.recommendation_id ? -1 : 1));
  return newest;
}

interface Matched {
  readonly change: HostChange;
  readonly recommendation: KnownRecommendation | null;
}

function rollouts(group: readonly Matched[], gapMs: number): readonly (readonly Matched[])[] {
  const found: Matched[][] = [];
  for (const next of [...group].sort((a, b) => a.change.changedMs - b.change.changedMs)) {
    const last = found.at(-1);
    const lastMs = last?.at(-1)?.change.changedMs;
    if (last !== undefined && lastMs !== undefined && next.change.changedMs - lastMs <= gapMs) last.push(next);
    else found.push([next]);
  }
  return found;
}

function eventOf(hosts: readonly Matched[]): ChangeEvent {
  const [first] = hosts;
  if (first === undefined) throw new Error("a rollout has no hosts");
  const { kind, service, environment, before, after } = first.change;
  return {
    kind,
    service,
    environment,
    setting: changeText(before, after, kind),
    recommendation: first.recommendation,
    firstMs: first.change.changedMs,
    lastMs: Math.max(...hosts.map(({ change }) => change.changedMs)),
    hostIds: new Set(hosts.map(({ change }) => change.hostId)),
    instanceType: hosts.find(({ change }) => change.instanceType !== null)?.change.instanceType ?? null,
  };
}
