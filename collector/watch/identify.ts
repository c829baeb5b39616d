// The first look at a process: who it is, which allocator it has, under which settings. It stays true until exec or exit.
// Figures that change are measure.ts's.
import { basename } from "node:path";
import { ok, type Result } from "../../schema/result.ts";
import { isWantedVariable, type ServiceIdentity, serviceOf, tunablesOf } from "../identity/service.ts";
import { parseCgroup } from "../proc/cgroup.ts";
import { parseEnviron } from "../proc/environ.ts";
import { type ProcError, readAndParse, readKernelLink } from "../proc/read.ts";
import { parseStat } from "../proc/stat.ts";
import { parseStatus } from "../proc/status.ts";

export interface ProcessIdentity extends ServiceIdentity {
  readonly pid: number;
  readonly startTicks: number;
  readonly process_key: string;
  readonly process_started_at: number;
  readonly comm: string;
  readonly container_id: string | null;
  readonly tunables: string | null;
  readonly cgroupPath: string | null;
  /** Of the program it runs: tells exec from a change of name. Null when the link cannot be read. */
  readonly executablePath: string | null;
}

export interface BootFacts {
  readonly boot_id: string;
  readonly bootedAtMs: number;
  readonly ticksPerSecond: number;
}

/** A boot id is random: its first characters tell the boots of one host apart. */
const BOOT_ID_PREFIX_LENGTH = 8;

/** Whether the pid still belongs to the process that was identified, running the same program. */
export function isStill(identity: ProcessIdentity): Result<boolean, ProcError> {
  const stat = readAndParse(`/proc/${identity.pid}/stat`, parseStat);
  if (!stat.ok) return stat;
  // A wrapper script that executes the program it is named after keeps pid, start time and comm.
  const executablePath = executablePathOf(identity.pid);
  const sameProgram = stat.value.comm === identity.comm && executablePath === identity.executablePath;
  return ok(stat.value.startTicks === identity.startTicks && sameProgram);
}

function executablePathOf(pid: number): string | null {
  const executable = readKernelLink(`/proc/${pid}/exe`);
  return executable.ok ? executable.value.replace(/ \(deleted\)$/, "") : null;
}

/** Null for kernel threads and zombies: they have no memory to watch. */
export function identify(pid: number, boot: BootFacts): Result<ProcessIdentity | null, ProcError> {
  const stat = readAndParse(`/proc/${pid}/stat`, parseStat);
  if (!stat.ok) return stat;
  const { comm, startTicks } = stat.value;
  const status = readAndParse(`/proc/${pid}/status`, parseStatus);
  if (!status.ok) return status;
  if (status.value.rss_bytes === null) return ok(null);
  const environ = readAndParse(`/proc/${pid}/environ`, (text) => parseEnviron(text, isWantedVariable));
  if (!environ.ok) return environ;
  const cgroup = readAndParse(`/proc/${pid}/cgroup`, parseCgroup);
  const executablePath = executablePathOf(pid);
  return ok({
    pid,
    startTicks,
    process_key: `${boot.boot_id.slice(0, BOOT_ID_PREFIX_LENGTH)}-${pid}-${startTicks}`,
    process_started_at: Math.round(boot.bootedAtMs + (startTicks / boot.ticksPerSecond) * 1_000),
    comm,
    container_id: cgroup.ok ? cgroup.value.container_id : null,
    cgroupPath: cgroup.ok ? cgroup.value.unifiedPath : null,
    executablePath,
    tunables: tunablesOf(environ.value),
    ...serviceOf(environ.value, executablePath === null ? null : basename(executablePath), comm),
  });
}
