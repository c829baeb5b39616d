// /proc/zoneinfo: how many pages each zone has to give. man 5 proc_zoneinfo; `managed` since Linux 3.9, mm/vmstat.c.
// Some pages for each processor and zone, printed under the zone's lock: worth reading seldom, and zones do not grow by the minute.
import { ok, type Result } from "../../schema/result.ts";
import { malformed, type ProcError } from "./read.ts";

/** Name (`0 Normal`) of the zone with the most pages. */
export function parseLargestZone(text: string, path: string): Result<string, ProcError> {
  let [name, largest, most] = ["", "", 0];
  for (const [, node, zone, managed] of text.matchAll(/^Node (\d+), zone +(\w+)$|^ +managed +(\d+)$/gm)) {
    if (managed === undefined) name = `${node} ${zone}`;
    else if (Number(managed) > most) [largest, most] = [name, Number(managed)];
  }
  return largest === "" ? malformed(path, text) : ok(largest);
}
