// Which host this is, off EC2: machine id, boot, name. Read once at start.
// Instance metadata of EC2 is not asked here.
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { HostIdentity } from "../../schema/columns.ts";
import { readKernelFile } from "../proc/read.ts";

const manifest: { version: string } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

export function readHostIdentity(): HostIdentity {
  const bootId = readKernelFile("/proc/sys/kernel/random/boot_id");
  if (!bootId.ok) throw new Error(`boot id is ${bootId.error.kind}: ${bootId.error.path}`);
  const machineId = readKernelFile("/etc/machine-id");
  return {
    host_id: (machineId.ok && machineId.value.trim()) || hostname(),
    boot_id: bootId.value.trim(),
    host_name: hostname(),
    collector_version: manifest.version,
  };
}
