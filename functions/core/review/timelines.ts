// Rows of review_timeline as points of charts, by service.
import type { ResultRow } from "../../edges.ts";
import type { TimelinePoint } from "../report/model.ts";
import { maybeNumber, maybeText, numberOf, textOf } from "../result-rows.ts";
import { keyOf } from "./model.ts";

/** By keyOf(); points in order of time. */
export function timelinesOf(rows: readonly ResultRow[]): ReadonlyMap<string, readonly TimelinePoint[]> {
  const groups = Map.groupBy(rows, (row) =>
    keyOf({ service: textOf(row, "service"), environment: maybeText(row, "environment") }),
  );
  return new Map(
    [...groups].map(([key, group]) => [
      key,
      group.map((row) => ({
        atMs: numberOf(row, "step"),
        rss_bytes: maybeNumber(row, "rss_bytes"),
        live_bytes: maybeNumber(row, "live_bytes"),
        free_bytes: maybeNumber(row, "free_resident_bytes"),
      })),
    ]),
  );
}
