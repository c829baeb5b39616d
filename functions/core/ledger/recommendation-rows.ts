// What is filed of advice: the first recommendation of each finding when it is new or changed, and what the ledger withdraws.
// Which recommendation comes first is advice/advise.ts's.
import type { Finding, RecommendationRow, Saving } from "../../../schema/columns.ts";
import type { Advice, Recommendation } from "../advice/advise.ts";
import type { KnownRecommendation } from "./known-recommendation.ts";
import { withdrawnBecause } from "./saving-rows.ts";

const DAY_MS = 86_400_000;
/** What stands is filed again after so long, so that looking back RECOMMENDATIONS_MS is enough to know it. */
const AGAIN_MS = 7 * DAY_MS;
/** A change is matched to what was recommended when it came: the ledger's periods, and a week between two rows. */
export const RECOMMENDATIONS_MS = 35 * DAY_MS;
/** Forecasts move with every run; twice or half of what was filed is another forecast. */
const FORECAST_TIMES = 2;

/** Rows for what is new, changed or due again, withdrawn ones of these services too; `known` is the last row of each. */
export function recommendationsToFile(
  findings: readonly Finding[],
  adviceOf: ReadonlyMap<string, Advice>,
  known: readonly KnownRecommendation[],
  nowMs: number,
): readonly RecommendationRow[] {
  const services = new Set(findings.map(serviceOf));
  const remembered = known
    .filter((row) => row.state === "withdrawn" && services.has(serviceOf(row)) && nowMs - row.recommended_at >= AGAIN_MS)
    .map(({ first_recommended_at, ...row }): RecommendationRow => ({ ...row, recommended_at: nowMs }));
  const lastOf = new Map(known.map((row) => [keyOf(row), row]));
  const proposed = findings.flatMap((finding): readonly RecommendationRow[] => {
    const [first] = adviceOf.get(finding.finding_id)?.recommendations ?? [];
    if (first === undefined) return [];
    const row = rowOf(finding, first, nowMs);
    const last = lastOf.get(keyOf(row));
    return last === undefined || hasChanged(last, row) || nowMs - last.recommended_at >= AGAIN_MS ? [row] : [];
  });
  return [...proposed, ...remembered];
}

/**
 * Rows that withdraw what was measured not to help, or take that back where a later measurement says otherwise. One remedy
 * of a service is one, whichever finding it was recommended for.
 */
export function ledgerDecisions(
  savings: readonly Saving[],
  known: readonly KnownRecommendation[],
  nowMs: number,
): readonly RecommendationRow[] {
  const lastOf = new Map<string, Saving>();
  for (const saving of savings) if (saving.recommendation_id != null) newest(lastOf, remedyOf(saving), saving);
  return known.flatMap((row): readonly RecommendationRow[] => {
    const saving = lastOf.get(remedyOf(row));
    if (saving === undefined || saving.verdict === "too_early") return [];
    const because = saving.verdict === "helped" ? null : withdrawnBecause(saving);
    const state = because === null ? "proposed" : "withdrawn";
    // The figures move from day to day while the reason stays.
    if (state === row.state) return [];
    const { first_recommended_at, ...last } = row;
    return [{ ...last, recommended_at: nowMs, state, withdrawn_because: because }];
  });
}

function rowOf(finding: Finding, first: Recommendation, nowMs: number): RecommendationRow {
  return {
    recommended_at: nowMs,
    finding_id: finding.finding_id,
    service: finding.service,
    environment: finding.environment ?? null,
    cause: finding.cause,
    recommendation_id: first.id,
    title: first.title,
    setting: first.setting === "" ? null : first.setting,
    changes: first.changes.map(({ knob, value }) => `${knob}=${value.replaceAll(/\s+/g, "_")}`).join(" "),
    bytes_per_process_expected: first.effect?.likely ?? null,
    bytes_fleet_expected: first.bytesFleet,
    dollars_per_month_least: first.dollarsPerMonth?.least ?? null,
    dollars_per_month_most: first.dollarsPerMonth?.most ?? null,
    state: "proposed",
    withdrawn_because: null,
  };
}

function hasChanged(last: RecommendationRow, next: RecommendationRow): boolean {
  const [before, now] = [last.bytes_fleet_expected ?? null, next.bytes_fleet_expected ?? null];
  const isSameForecast =
    before === null || now === null ? before === now : now <= before * FORECAST_TIMES && before <= now * FORECAST_TIMES;
  return (
    last.changes !== next.changes ||
    (last.setting ?? null) !== (next.setting ?? null) ||
    last.state !== next.state ||
    !isSameForecast
  );
}

const serviceOf = ({ service, environment }: Finding | RecommendationRow): string =>
  JSON.stringify([service, environment ?? null]);
const keyOf = ({ finding_id, recommendation_id }: RecommendationRow): string => JSON.stringify([finding_id, recommendation_id]);
const remedyOf = (row: Saving | RecommendationRow): string =>
  JSON.stringify([row.service, row.environment ?? null, row.recommendation_id]);

/** The later change counts; of the same one the later measurement. */
function newest(lastOf: Map<string, Saving>, key: string, saving: Saving): void {
  const last = lastOf.get(key);
  const isLater =
    last === undefined ||
    saving.changed_at > last.changed_at ||
    (saving.changed_at === last.changed_at && saving.verified_at >= last.verified_at);
  if (isLater) lastOf.set(key, saving);
}
