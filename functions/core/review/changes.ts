// What to change before the next peak: for each service that failed or kept memory the best recommendation, ranked by harm and dollars.
// What is recommended is advice/advise.ts's; here it gets the figures of the service and of its worst process.
import type { ResultRow } from "../../edges.ts";
import { advise, type Recommendation } from "../advice/advise.ts";
import { inputOf, SHIM_PATH } from "../advice/inputs.ts";
import type { WithdrawnOf } from "../ledger/known-recommendation.ts";
import { maybeNumber, textOf } from "../result-rows.ts";
import type { Change, ServiceReview } from "./model.ts";

/** More than ten changes are nobody's plan. */
const CHANGES_MAX = 10;

/** `composition` has rows of heap_composition of after the peak. Those that failed first; then by dollars, then by bytes. */
export function changesOf(
  services: readonly ServiceReview[],
  composition: readonly ResultRow[],
  withdrawn: WithdrawnOf,
): readonly Change[] {
  const rowsOf = Map.groupBy(composition, (row) => textOf(row, "service"));
  return services
    .flatMap((service): readonly Change[] => {
      const cause = causeToTreat(service);
      if (cause === null) return [];
      const [worst = null] = (rowsOf.get(service.service) ?? []).toSorted((a, b) => heldBytes(b) - heldBytes(a));
      // Of the service, whichever process is worst: what stayed, and what is held free where it kept it before the peak already.
      const excess = Math.max(service.kept?.bytes ?? 0, cause === "alloc_failure" ? (service.held.after ?? 0) : 0);
      const stayed = service.processCount.stayed || service.processCount.after || 1;
      const fleet =
        excess > 0 ? { excess_bytes: excess, host_count: Math.max(1, service.hostCount), process_count: stayed } : null;
      const { recommendations } = advise(
        // After the peak the rows no longer show what was live in it.
        inputOf(
          { ...worst, service: service.service, live_bytes_peak: livePeakOfOne(service) },
          { cause, fleet, shimPath: SHIM_PATH },
        ),
        withdrawn(service.service, service.environment),
      );
      const recommendation =
        (needsMore(service) ? recommendations.find(({ id }) => id === MEMORY_LIMIT) : undefined) ?? recommendations[0];
      if (recommendation === undefined) return [];
      const because = hasFailed(service) ? "failed" : "memory";
      const { service: name, environment } = service;
      return [{ service: name, environment, cause, because, processCount: stayed, recommendation }];
    })
    .sort(
      (a, b) =>
        Number(b.because === "failed") - Number(a.because === "failed") ||
        dollars(b.recommendation) - dollars(a.recommendation) ||
        (b.recommendation.bytesFleet ?? 0) - (a.recommendation.bytesFleet ?? 0) ||
        (a.service < b.service ? -1 : 1),
    )
    .slice(0, CHANGES_MAX);
}

const hasFailed = ({ failures }: ServiceReview): boolean => failures.oomKills > 0 || failures.allocFailures > 0;

/** Killed while little was held free: what was live did not fit, and no setting of an allocator makes it fit. */
const needsMore = ({ failures, held, live }: ServiceReview): boolean =>
  failures.oomKills > 0 && (held.after ?? 0) < HELD_SHARE_MIN * (live.peak ?? 0);
const HELD_SHARE_MIN = 0.2;
const MEMORY_LIMIT = "platform.memory_limit";

function livePeakOfOne({ live, processCount }: ServiceReview): number | null {
  return live.peak === null || !processCount.peak ? null : live.peak / processCount.peak;
}

/** What held the memory comes before the failure that it led to; a failure alone still has its limits to look at. */
function causeToTreat(service: ServiceReview): string | null {
  if (service.cause !== null) return service.cause.name;
  if (hasFailed(service)) return "alloc_failure";
  // Memory that is in use is the program's, whatever detection has not seen yet.
  return service.outcome === "grown" ? "leak" : null;
}

const heldBytes = (row: ResultRow): number => maybeNumber(row, "free_resident_bytes") ?? 0;
const dollars = ({ dollarsPerMonth }: Recommendation): number => dollarsPerMonth?.most ?? 0;
