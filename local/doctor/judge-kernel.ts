// What this kernel and these rights let the collector see, and what they do not. Pure.
// Processes and their heaps are judge-processes.ts's.
import { formatCount, formatCountOf } from "../../functions/core/units.ts";
import { type Check, fail, good, warn } from "./check.ts";
import type { Capability, KernelFacts, ProcessFacts } from "./facts.ts";

/** process_vm_readv refuses everybody at 3, whatever their capabilities. Source: Documentation/admin-guide/LSM/Yama.rst. */
const PTRACE_SCOPE_NOBODY = 3;
const SECCOMP_FILTER = 2;
/** A clock before the program was written is not set; one of the next century is not either. */
const [YEAR_MIN, YEAR_MAX] = [2026, 2100];

const UNIT_CAPABILITIES = "AmbientCapabilities=CAP_SYS_PTRACE CAP_DAC_READ_SEARCH in the unit; by hand: sudo tidemark doctor";

export function judgeKernel(kernel: KernelFacts, processes: ProcessFacts): readonly Check[] {
  return [
    files(kernel),
    visibility(kernel),
    rights(kernel, processes),
    yama(kernel),
    ...pressure(kernel),
    cgroup(kernel),
    clock(kernel),
  ];
}

function files({ release, hasSmapsRollup, hasPagemap, hasBuddyinfo }: KernelFacts): Check {
  const kernel = `Linux ${release}`;
  if (!hasPagemap) {
    return fail(
      "kernel",
      `${kernel} has no /proc/pid/pagemap`,
      "a walk must know which pages are resident, or it would bring them into memory: no heap is walked",
      "use a kernel with CONFIG_PROC_PAGE_MONITOR, as those of the distributions",
    );
  }
  if (!hasSmapsRollup) {
    return warn("kernel", `${kernel} has no smaps_rollup`, "no PSS, swap or huge pages by process", "use Linux 4.14 or newer");
  }
  if (!hasBuddyinfo) {
    return warn(
      "kernel",
      `${kernel} shows no /proc/buddyinfo`,
      "the host's free blocks by size, and with them its own fragmentation, stay unknown",
      "let the collector read /proc/buddyinfo: a container runtime may mask it",
    );
  }
  return good("kernel", `${kernel}: smaps_rollup, pagemap and buddyinfo are there`);
}

function visibility({ isFirstPidNamespace, hidepid, capabilities }: KernelFacts): Check {
  if (!isFirstPidNamespace) {
    return warn(
      "processes",
      "this is a pid namespace of its own: the host's other processes do not show",
      "only the processes of this container are watched, and pids are not the host's",
      "hostPID: true (Kubernetes), pidMode: host (ECS), --pid=host (Docker)",
    );
  }
  const isHidden = hidepid !== null && hidepid !== "0" && hidepid !== "off";
  if (isHidden && !capabilities.has("CAP_SYS_PTRACE")) {
    return fail(
      "processes",
      `/proc is mounted with hidepid=${hidepid}, and we lack CAP_SYS_PTRACE`,
      "other users' processes do not even show",
      UNIT_CAPABILITIES,
    );
  }
  const mount = isHidden
    ? `/proc is mounted with hidepid=${hidepid}, which CAP_SYS_PTRACE passes`
    : "every process of the host shows";
  return good("processes", mount);
}

const NEEDED = ["CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH"] as const;
export const lackingRights = (capabilities: ReadonlySet<Capability>) => NEEDED.filter((name) => !capabilities.has(name));

function rights({ uid, capabilities }: KernelFacts, { count, deniedCount, deniedExamples }: ProcessFacts): Check {
  const who = uid === 0 ? "root" : `user ${uid}`;
  const more = deniedCount > deniedExamples.length ? ", ..." : "";
  const closed = `closed to us: ${formatCount(deniedCount)} of ${formatCountOf(count, "process", "processes")} (${deniedExamples.join(", ")}${more})`;
  const lacking = lackingRights(capabilities);
  if (lacking.length > 0) {
    const denied = deniedCount === 0 ? "" : `; ${closed}`;
    const found = `${who} lacks ${lacking.join(" and ")}${denied}`;
    const why = "memory, maps and environments of other users' processes stay closed: they are counted, and get no row";
    return fail("rights", found, why, UNIT_CAPABILITIES);
  }
  if (deniedCount > 0) {
    return warn(
      "rights",
      `${closed}, although ${who} has the capabilities`,
      "they are counted and get no row: processes of another user namespace, or a security module (SELinux, AppArmor) says no",
      "look into the audit log for denials of ptrace: ausearch -m avc -c tidemark, journalctl -k | grep apparmor",
    );
  }
  const note = uid === 0 ? "; the service has fewer: ask as its user as well to know what that may see" : "";
  return good("rights", `${who} has CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH; no process is closed${note}`);
}

function yama({ ptraceScope, seccomp, lockdown }: KernelFacts): Check {
  if (ptraceScope === PTRACE_SCOPE_NOBODY) {
    return fail(
      "security",
      "kernel.yama.ptrace_scope is 3: nobody may read another process's memory, root neither",
      "no heap is walked; the kernel's own figures (RSS, PSS, mappings) still come",
      "set it to 2 or less in /etc/sysctl.d; it takes effect with the next boot",
    );
  }
  const scope = ptraceScope === null ? "no Yama" : `kernel.yama.ptrace_scope ${ptraceScope}, which CAP_SYS_PTRACE passes`;
  const filter = seccomp === SECCOMP_FILTER ? "; a seccomp filter is on, which must allow process_vm_readv" : "";
  const lock = lockdown === null || lockdown === "none" ? "" : `; lockdown=${lockdown}, which does not concern us`;
  return good("security", `${scope}${filter}${lock}`);
}

function pressure({ hasPressure }: KernelFacts): readonly Check[] {
  if (hasPressure) return [good("pressure", "/proc/pressure is there")];
  return [
    warn(
      "pressure",
      "there is no /proc/pressure",
      "how long tasks wait for memory (PSI) stays unknown: a host may thrash before anything else shows it",
      "Linux 4.20 or newer with CONFIG_PSI; where it is built but off, boot with psi=1",
    ),
  ];
}

function cgroup({ cgroup: { version, hasMemory } }: KernelFacts): Check {
  if (version === null || !hasMemory) {
    return warn(
      "cgroups",
      version === null ? "no cgroups are mounted" : `cgroups are version ${version}, without the memory controller`,
      "limits of containers and services, how close they are, and OOM kills by group stay unknown",
      "mount /sys/fs/cgroup (read-only is enough); with systemd the controller is on where MemoryAccounting=yes",
    );
  }
  return good("cgroups", `version ${version} with the memory controller`);
}

function clock({ nowMs }: KernelFacts): Check {
  const now = new Date(nowMs);
  const year = now.getUTCFullYear();
  if (year >= YEAR_MIN && year < YEAR_MAX) return good("clock", `${now.toISOString().slice(0, 16).replace("T", " ")} UTC`);
  return fail(
    "clock",
    `the clock says ${now.toISOString()}`,
    "rows would land in partitions that nobody reads, and AWS refuses signatures that are minutes off",
    "set the clock: timedatectl set-ntp true, or chrony with 169.254.169.123 on EC2",
  );
}
