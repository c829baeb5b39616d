// What messages and the page say alike about a finding.
// Sentences about its cause are causes.ts's.
import type { Finding } from "../../schema/columns.ts";
import { formatCountOf } from "./units.ts";

/** `3 processes on 2 hosts`; of a condition of hosts the hosts alone. */
export function whereText({ process_count, host_count }: Finding): string {
  const hosts = formatCountOf(host_count, "host", "hosts");
  return process_count === 0 ? hosts : `${formatCountOf(process_count, "process", "processes")} on ${hosts}`;
}
