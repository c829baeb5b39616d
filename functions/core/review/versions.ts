// Which versions hold more after the peak than the version before them, process for process.
// The averages are of processes that were seen at the peak and after it; one that came too late for the peak says nothing.
import type { ServiceReview, VersionReview, WorseVersion } from "./model.ts";

/** A fifth and the floor of detection: versions differ by their code and by chance. */
const WORSE_SHARE_MIN = 0.2;
const WORSE_BYTES_MIN = 16_777_216;

/** Largest sum over its processes first. */
export function worseVersions(services: readonly ServiceReview[]): readonly WorseVersion[] {
  return services
    .flatMap(({ service, environment, versions }) => {
      // Newest first, so each is compared with the next of which the same is known.
      const known = versions.filter(isKnown);
      return known.slice(0, -1).flatMap((newer, index) => {
        const older = known[index + 1];
        if (older === undefined) return [];
        const more = newer.afterPerProcess - older.afterPerProcess;
        if (more < WORSE_BYTES_MIN || more < older.afterPerProcess * WORSE_SHARE_MIN) return [];
        const { version, afterPerProcess, processCount } = newer;
        const [olderVersion, olderAfterPerProcess] = [older.version, older.afterPerProcess];
        return {
          service,
          environment,
          version,
          olderVersion,
          afterPerProcess,
          olderAfterPerProcess,
          morePerProcess: more,
          processCount,
        };
      });
    })
    .sort((a, b) => b.morePerProcess * b.processCount - a.morePerProcess * a.processCount);
}

type Known = VersionReview & { readonly version: string; readonly afterPerProcess: number };
const isKnown = (version: VersionReview): version is Known => version.version !== null && version.afterPerProcess !== null;
