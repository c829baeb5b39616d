// What was recommended before, as the lake has it: since when it stands, and what of it is withdrawn.
// What is filed anew is recommendation-rows.ts's.
import type { RecommendationRow } from "../../../schema/columns.ts";
import { recommendationColumns } from "../../../schema/made-columns.ts";
import type { ResultRow } from "../../edges.ts";
import { madeRow } from "../made-table.ts";
import { numberOf } from "../result-rows.ts";

/** The last row of a recommendation, and since when it stands. */
export interface KnownRecommendation extends RecommendationRow {
  readonly first_recommended_at: number;
}

/** A row of recent_recommendations. */
export const knownRecommendationOf = (row: ResultRow): KnownRecommendation => ({
  ...madeRow(recommendationColumns, row),
  first_recommended_at: numberOf(row, "first_recommended_at"),
});

/** Remedies that are withdrawn for a service, with the reason: what advise() takes. */
export type WithdrawnOf = (service: string, environment: string | null) => ReadonlyMap<string, string>;

export function withdrawnOf(known: readonly RecommendationRow[]): WithdrawnOf {
  const groups = Map.groupBy(
    known.filter(({ state }) => state === "withdrawn"),
    ({ service, environment }) => JSON.stringify([service, environment ?? null]),
  );
  return (service, environment) =>
    new Map(
      (groups.get(JSON.stringify([service, environment])) ?? []).map((row) => [
        row.recommendation_id,
        row.withdrawn_because ?? "it was tried here and did not help",
      ]),
    );
}
