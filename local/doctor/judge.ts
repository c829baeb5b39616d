// All that the doctor has to say about a host, in the order in which a person would ask. Pure.
import type { Check } from "./check.ts";
import type { Facts } from "./facts.ts";
import { judgeKernel } from "./judge-kernel.ts";
import { judgeDestination, judgeInstance, judgePlaces, judgeSettings, judgeWalker } from "./judge-places.ts";
import { judgeProcesses } from "./judge-processes.ts";
import { judgeCost, judgeRunning } from "./judge-running.ts";

export function judge(facts: Facts): readonly Check[] {
  const { settings, kernel, processes, walker, places, running, destination, instance, shimPath } = facts;
  return [
    ...judgeSettings(settings),
    ...judgeKernel(kernel, processes),
    judgeWalker(walker),
    ...judgeProcesses(processes, kernel, shimPath),
    ...judgePlaces(places, { uid: kernel.uid, groups: processes.groups, kind: destination.kind }),
    ...judgeDestination(destination, kernel.nowMs),
    judgeInstance(instance),
    ...judgeRunning(running),
    judgeCost(places, running),
  ];
}

/** Whether this host is measured and its rows arrive; what only a part of the figures lacks is a warning. */
export const canMeasure = (checks: readonly Check[]): boolean => checks.every(({ level }) => level !== "fail");
