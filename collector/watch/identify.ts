// The first look at a process: who it is, which allocator it has, under which settings. It stays true until exec or exit.
// Figures that change are measure.ts's.
import { basename } from "node:path";
import { ok, type Result } from "../../schema/result.ts";
import { namesInCgroup } from "../identity/cgroup-names.ts";
import type { EcsContainer, EcsNames } from "../identity/ecs.ts";
import { ECS_URI, isWantedVariable, type ServiceIdentity, serviceOf, tunablesOf } from "../identity/service.ts";
import { type Cgroup, parseCgroup } from "../proc/cgroup.ts";
import { parseEnviron } from "../proc/environ.ts";
import { type ProcError, readAndParse, readKernelFile, readKernelLink } from "../proc/read.ts";
import { parseStat } from "../proc/stat.ts";
import { parseStatus } from "../proc/status.ts";

export interface ProcessIdentity extends ServiceIdentity {
  readonly pid: number;
  readonly startTicks: number;
  readonly process_key: string;
  readonly process_started_at: number;
  readonly comm: string;
  readonly container_id: string | null;
  readonly pod_uid: string | null;
  readonly tunables: string | null;
  readonly cgroup: Cgroup | null;
  /** Of the program it runs: tells exec from a change of name. Null when the link cannot be read. */
  readonly executablePath: string | null;
  /** Where ECS would tell more about it, and has not yet. */
  readonly ecsUri: string | null;
}

export interface BootFacts {
  readonly boot_id: string;
  readonly bootedAtMs: number;
  readonly ticksPerSecond: number;
}

/** A boot id is random: its first characters tell the boots of one host apart. */
const BOOT_ID_PREFIX_LENGTH = 8;

/** Whether the pid still belongs to the process that was identified, running the same program, and no more is known about it. */
export function isStill(identity: ProcessIdentity, ecs?: EcsNames): Result<boolean, ProcError> {
  const stat = readAndParse(`/proc/${identity.pid}/stat`, parseStat);
  if (!stat.ok) return stat;
  // A wrapper script that executes the program it is named after keeps pid, start time and comm.
  const executablePath = executablePathOf(identity.pid);
  const sameProgram = stat.value.comm === identity.comm && executablePath === identity.executablePath;
  const isAllKnown = identity.ecsUri === null || ecsContainer(identity.ecsUri, identity.container_id, ecs) === null;
  return ok(stat.value.startTicks === identity.startTicks && sameProgram && isAllKnown);
}

function executablePathOf(pid: number): string | null {
  const executable = readKernelLink(`/proc/${pid}/exe`);
  return executable.ok ? executable.value.replace(/ \(deleted\)$/, "") : null;
}

/** An address of another container in its environment does not make a process part of that. */
function ecsContainer(uri: string, containerId: string | null, ecs: EcsNames | undefined): EcsContainer | null {
  const container = ecs?.find(uri) ?? null;
  const isOther = containerId !== null && container?.container_id != null && container.container_id !== containerId;
  return isOther ? null : container;
}

/** execve takes at most 6 MiB of arguments and environment together: bprm_set_stack_limits in fs/exec.c of Linux. */
const ENVIRON_BYTES_MAX = 8 * 1_024 * 1_024;

/** Empty where the process has moved it to somewhere larger (prctl PR_SET_MM_MAP): it must not escape us so, nor keep us reading. */
function environOf(pid: number): Result<ReadonlyMap<string, string>, ProcError> {
  const text = readKernelFile(`/proc/${pid}/environ`, ENVIRON_BYTES_MAX);
  if (text.ok) return parseEnviron(text.value, isWantedVariable);
  return text.error.kind === "unreadable" && text.error.code === "EFBIG" ? ok(new Map()) : text;
}

/** Null for kernel threads and zombies: they have no memory to watch. */
export function identify(pid: number, boot: BootFacts, ecs?: EcsNames): Result<ProcessIdentity | null, ProcError> {
  const stat = readAndParse(`/proc/${pid}/stat`, parseStat);
  if (!stat.ok) return stat;
  const { comm, startTicks } = stat.value;
  const status = readAndParse(`/proc/${pid}/status`, parseStatus);
  if (!status.ok) return status;
  if (status.value.rss_bytes === null) return ok(null);
  const environ = environOf(pid);
  if (!environ.ok) return environ;
  const cgroupFile = `/proc/${pid}/cgroup`;
  const cgroupText = readKernelFile(cgroupFile);
  const cgroup = cgroupText.ok ? parseCgroup(cgroupText.value, cgroupFile) : cgroupText;
  const { unit, ...container } = namesInCgroup(cgroupText.ok ? cgroupText.value : "");
  const ecsUri = environ.value.get(ECS_URI) ?? null;
  const told = ecsUri === null ? null : ecsContainer(ecsUri, container.container_id, ecs);
  const executablePath = executablePathOf(pid);
  return ok({
    pid,
    startTicks,
    process_key: `${boot.boot_id.slice(0, BOOT_ID_PREFIX_LENGTH)}-${pid}-${startTicks}`,
    process_started_at: Math.round(boot.bootedAtMs + (startTicks / boot.ticksPerSecond) * 1_000),
    comm,
    ...container,
    cgroup: cgroup.ok ? cgroup.value : null,
    executablePath,
    ecsUri: told === null ? ecsUri : null,
    tunables: tunablesOf(environ.value),
    ...serviceOf({
      environ: environ.value,
      ecs: told,
      pod_uid: container.pod_uid,
      unit,
      executable: executablePath === null ? null : basename(executablePath),
      comm,
    }),
  });
}
