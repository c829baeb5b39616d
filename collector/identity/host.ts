// Which host this is: machine id, boot, name, and the instance as far as it is known. Files are read once at start.
// The instance metadata service is asked by imds.ts.
import { hostname } from "node:os";
import manifest from "../../package.json" with { type: "json" };
import type { HostIdentity } from "../../schema/columns.ts";
import { readKernelFile } from "../proc/read.ts";
import { INSTANCE_ID, type Instance } from "./imds.ts";

/** What the host's files say; the host's id is what needs no network to know. */
export function readHostIdentity(): HostIdentity {
  const bootId = readKernelFile("/proc/sys/kernel/random/boot_id");
  if (!bootId.ok) throw new Error(`boot id is ${bootId.error.kind}: ${bootId.error.path}`);
  return {
    host_id: hostIdOf({
      vendor: textOf("/sys/class/dmi/id/sys_vendor"),
      assetTag: textOf("/sys/class/dmi/id/board_asset_tag"),
      machineId: textOf("/etc/machine-id"),
      hostName: hostname(),
    }),
    boot_id: bootId.value.trim(),
    host_name: hostname(),
    collector_version: manifest.version,
  };
}

export interface HostFiles {
  readonly vendor: string;
  readonly assetTag: string;
  readonly machineId: string;
  readonly hostName: string;
}

/**
 * On Nitro the firmware's asset tag is the instance id, which no lost packet and no hop limit can hide (EC2 user guide,
 * "Detect whether a host is an EC2 instance"). A machine id that first boot has yet to fill reads "uninitialized" (man 5 machine-id).
 */
export function hostIdOf({ vendor, assetTag, machineId, hostName }: HostFiles): string {
  if (vendor === "Amazon EC2" && INSTANCE_ID.test(assetTag)) return assetTag;
  return /^[0-9a-f]{32}$/.test(machineId) ? machineId : hostName;
}

/**
 * Writes what the instance said into the identity that all batches share: what is learnt late shows from the next batch on. The
 * id changes only before the first row: the spool and the stream may hold a row twice, and (host_id, boot_id, sequence) tells that.
 */
export function learnInstance(host: HostIdentity, instance: Instance, { hasRows }: { readonly hasRows: boolean }): void {
  const { instanceId, ...columns } = instance;
  Object.assign(host, columns, hasRows ? {} : { host_id: instanceId });
}

function textOf(path: string): string {
  const text = readKernelFile(path);
  return text.ok ? text.value.trim() : "";
}
