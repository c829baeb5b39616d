// The columns that every sample has: which host, which boot, when, and the number that names the row once and for all.
// Those of the single kinds are in process-columns.ts and columns.ts.
import type { Columns } from "./columns.ts";

export const batchIdentity = {
  host_id: {
    type: "string",
    unit: null,
    required: true,
    perBatch: true,
    meaning: "Instance id on EC2, else the machine id (man 5 machine-id), else the host name.",
  },
  boot_id: {
    type: "string",
    unit: null,
    required: true,
    perBatch: true,
    meaning: "Changes at every boot. Source: /proc/sys/kernel/random/boot_id.",
  },
  host_name: { type: "string", unit: null, perBatch: true, meaning: "Name of the host, for people." },
  collector_version: {
    type: "string",
    unit: null,
    perBatch: true,
    meaning: "Version of the collector that measured the row.",
  },
} as const satisfies Columns;

const rowIdentity = {
  sampled_at: {
    type: "timestamp",
    unit: null,
    required: true,
    meaning: "When the row was closed, by the host's clock; milliseconds since 1970 on the wire.",
  },
  sequence: {
    type: "int64",
    unit: null,
    required: true,
    meaning: "Grows with every row of one boot of one host; (host_id, boot_id, sequence) names a row once and for all.",
  },
} as const satisfies Columns;

export const sampleIdentity = { ...batchIdentity, ...rowIdentity } as const;
