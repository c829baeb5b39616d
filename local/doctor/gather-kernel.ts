// Facts about kernel and rights, from /proc and /sys. Reads only; each question that is not answered is null or false.
// What they mean is judge-kernel.ts's.
import { accessSync, constants, statSync } from "node:fs";
import { release } from "node:os";
import { isFirstPidNamespace } from "../../collector/heap/mapped-rings.ts";
import { parseByteCount } from "../../collector/proc/cgroup-memory.ts";
import { readAndParse, readKernelFile } from "../../collector/proc/read.ts";
import type { Capability, KernelFacts } from "./facts.ts";

/** Bits of the kernel's include/uapi/linux/capability.h. */
const capabilityBits: Readonly<Record<Capability, bigint>> = {
  CAP_DAC_READ_SEARCH: 2n,
  CAP_FOWNER: 3n,
  CAP_SYS_PTRACE: 19n,
};

export function gatherKernel(nowMs: number): KernelFacts {
  const status = textOf("/proc/self/status") ?? "";
  const mapCountLimit = readAndParse("/proc/sys/vm/max_map_count", parseByteCount);
  return {
    release: release(),
    uid: process.geteuid?.() ?? 0,
    capabilities: capabilitiesOf(status),
    isFirstPidNamespace: isFirstPidNamespace(),
    hidepid: hidepidOf(textOf("/proc/self/mountinfo") ?? ""),
    ptraceScope: numberOf(textOf("/proc/sys/kernel/yama/ptrace_scope")),
    lockdown: lockdownOf(textOf("/sys/kernel/security/lockdown")),
    seccomp: numberOf(/^Seccomp:\t(\d+)$/m.exec(status)?.[1] ?? null),
    hasSmapsRollup: isReadable("/proc/self/smaps_rollup"),
    hasPagemap: isReadable("/proc/self/pagemap"),
    hasPressure: textOf("/proc/pressure/memory") !== null,
    hasBuddyinfo: isReadable("/proc/buddyinfo"),
    cgroup: cgroupOf(),
    mapCountLimit: mapCountLimit.ok ? mapCountLimit.value : null,
    nowMs,
  };
}

/** `CapEff:\t000001ffffffffff`. man 5 proc_pid_status. */
export function capabilitiesOf(status: string): ReadonlySet<Capability> {
  const mask = BigInt(`0x${/^CapEff:\t([0-9a-f]{1,16})$/m.exec(status)?.[1] ?? "0"}`);
  const names = Object.keys(capabilityBits) as Capability[];
  return new Set(names.filter((name) => (mask & (1n << capabilityBits[name])) !== 0n));
}

/**
 * The last mount on /proc is the one that is seen; its own options stand behind the dash. Also what ProtectProc= of a systemd
 * unit sets. Source: man 5 proc, man 5 proc_pid_mountinfo.
 */
export function hidepidOf(mountinfo: string): string | null {
  const options = Array.from(
    mountinfo.matchAll(/^\S+ \S+ \S+ \S+ \/proc .* - proc \S+ (\S+)$/gm),
    (match) => match[1] ?? "",
  ).at(-1);
  return /(?:^|,)hidepid=(\w+)/.exec(options ?? "")?.[1] ?? null;
}

/** `none [integrity] confidentiality`: the one in brackets. */
export const lockdownOf = (text: string | null): string | null => /\[(\w+)\]/.exec(text ?? "")?.[1] ?? null;

function cgroupOf(): KernelFacts["cgroup"] {
  const controllers = textOf("/sys/fs/cgroup/cgroup.controllers");
  if (controllers !== null) return { version: 2, hasMemory: controllers.split(/\s/).includes("memory") };
  // Version 1, also where systemd has the second one beside it without controllers.
  if (isFolder("/sys/fs/cgroup/memory")) return { version: 1, hasMemory: true };
  return { version: isFolder("/sys/fs/cgroup/systemd") ? 1 : null, hasMemory: false };
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
const numberOf = (text: string | null): number | null => (text !== null && /^\d+\s*$/.test(text) ? Number(text) : null);

function textOf(path: string): string | null {
  const text = readKernelFile(path);
  return text.ok ? text.value : null;
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
