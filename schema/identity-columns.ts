// The columns that every sample has: which host, which boot, when, and the number that names the row once and for all.
// And the names of a process, by which the lake groups. Figures are in process-columns.ts and columns.ts.
import type { Columns } from "./column.ts";

const FROM_IMDS = "Source: instance identity document of EC2; NULL elsewhere, and until it has answered.";
const FROM_TAGS = "NULL unless the instance allows tags in its metadata.";

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
  account_id: { type: "string", unit: null, perBatch: true, meaning: `AWS account of the instance. ${FROM_IMDS}` },
  region: { type: "string", unit: null, perBatch: true, meaning: `AWS region, as in eu-central-1. ${FROM_IMDS}` },
  zone: { type: "string", unit: null, perBatch: true, meaning: `Availability zone, as in eu-central-1b. ${FROM_IMDS}` },
  instance_type: { type: "string", unit: null, perBatch: true, meaning: `Type of the instance, as in m7g.large. ${FROM_IMDS}` },
  autoscaling_group: {
    type: "string",
    unit: null,
    perBatch: true,
    meaning: `Auto Scaling group, by the tag aws:autoscaling:groupName. ${FROM_TAGS}`,
  },
  instance_name: { type: "string", unit: null, perBatch: true, meaning: `Name of the instance, by its tag Name. ${FROM_TAGS}` },
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

/** Whom a process works for. Each of the first three comes from the first source that has it: collector/identity/service.ts. */
export const nameColumns = {
  service: {
    type: "string",
    unit: null,
    required: true,
    meaning: "Who the process works for. service_source says who says so; docs/deploy.md, Names of services.",
  },
  service_version: {
    type: "string",
    unit: null,
    meaning:
      "service.version of OTEL_RESOURCE_ATTRIBUTES, else TIDEMARK_SERVICE_VERSION, else the revision of the ECS task definition, else K8S_APP_VERSION or APP_VERSION of a pod.",
  },
  environment: {
    type: "string",
    unit: null,
    meaning:
      "deployment.environment.name of OTEL_RESOURCE_ATTRIBUTES, else TIDEMARK_ENVIRONMENT, else the namespace of a pod whose variables tell it.",
  },
  service_source: {
    type: "string",
    unit: null,
    meaning: "Which source gave service, best first: otel, tidemark, ecs, kubernetes, systemd, executable, comm.",
  },
  comm: { type: "string", unit: null, meaning: "The kernel's name of the process, at most 15 bytes (man 5 proc_pid_comm)." },
  container_id: { type: "string", unit: null, meaning: "Container id found in the cgroup path: the innermost." },
  pod_uid: { type: "string", unit: null, meaning: "Uid of the Kubernetes pod found in the cgroup path." },
} as const satisfies Columns;
