// CPU and memory of a process and all that descend from it, as /proc tells them from outside.
// Who they are, and when to look, is the benchmarks'.
import { readFileSync } from "node:fs";

/** Milliseconds of a clock tick: USER_HZ is 100 on x86-64 and arm64. */
const TICK_MS = 10;
/** utime, stime, cutime and cstime: fields 14 to 17 of man 5 proc_pid_stat, of which the state is the third. */
const CPU_FIELDS = [11, 15] as const;

export const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);

/** User and system time of a process and of those of its children that it has waited for, ms. */
export function ownCpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(...CPU_FIELDS).reduce((sum, field) => sum + Number(field), 0) * TICK_MS;
}

/** The same with that of all living descendants. */
export const treeCpuMs = (pid: number): number => treeOf(pid).reduce((sum, one) => sum + ownCpuMs(one), 0);

export const treeRssBytes = (pid: number): number => treeOf(pid).reduce((sum, one) => sum + statusBytes(one, "VmRSS"), 0);

/** A line of /proc/pid/status that counts in kB. */
export const statusBytes = (pid: number, name: "VmRSS" | "VmHWM" | "RssAnon"): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1_024;

const treeOf = (pid: number): number[] => [pid, ...childrenOf(pid).flatMap(treeOf)];
