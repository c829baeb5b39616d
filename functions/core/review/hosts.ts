// From rows of review_hosts to what hosts went through in the peak, and how many could not be seen.
// The thresholds are the query's.
import type { ResultRow } from "../../edges.ts";
import { maybeNumber, numberOf, textOf } from "../result-rows.ts";
import type { HostTrouble } from "./model.ts";

/** In the order in which they matter. */
const troubles = ["oom_kills", "silent", "low_memory", "swap", "gap"] as const satisfies readonly HostTrouble["trouble"][];

export function hostTroubles(rows: readonly ResultRow[]): readonly HostTrouble[] {
  return troubles.flatMap((trouble) =>
    rows
      .filter((row) => textOf(row, "trouble") === trouble)
      .map((row) => ({
        trouble,
        hostCount: numberOf(row, "host_count"),
        eventCount: numberOf(row, "event_count"),
        bytes: maybeNumber(row, "bytes"),
        sinceMs: numberOf(row, "since"),
        hostId: textOf(row, "host_id"),
      })),
  );
}

/** Null where no host was seen at all. */
export function hostCount(rows: readonly ResultRow[]): number | null {
  const [seen] = rows.filter((row) => textOf(row, "trouble") === "seen");
  return seen === undefined ? null : numberOf(seen, "host_count");
}
