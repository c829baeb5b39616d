// Which ring files any process of this host has mapped: the only way to know that a file's process lives.
// What becomes of the others is ring-folder.ts's.
import { readdirSync, statSync } from "node:fs";
import { basename } from "node:path";
import { ok, type Result } from "../../schema/result.ts";
import { ringsOf } from "../proc/maps.ts";
import { malformed, type ProcError, readKernelFile } from "../proc/read.ts";
import { parseStatus } from "../proc/status.ts";
import type { MappedFiles } from "./ring-folder.ts";

/** Inode of the first pid namespace: PROC_PID_INIT_INO of the kernel's include/linux/proc_ns.h. */
const FIRST_PID_NAMESPACE = 0xef_ff_ff_fc;

/** One reading of maps per process: milliseconds for a usual host, so the sweep that asks for it is rare. */
export function mappedRings(proc = "/proc"): MappedFiles {
  const names = new Set<string>();
  const inodes = new Set<string>();
  const unasked = new Set<number>();
  // In a pid namespace of our own, and with hidepid, there are processes that we do not even see.
  let seesAll = isFirstPidNamespace(proc) && ownPidOf("1", proc).ok;
  for (const pid of readdirSync(proc).filter((name) => /^\d+$/.test(name))) {
    const maps = readKernelFile(`${proc}/${pid}/maps`);
    if (!maps.ok && maps.error.kind !== "gone") {
      // Some security modules refuse even root a process or two.
      const ownPid = ownPidOf(pid, proc);
      if (ownPid.ok) unasked.add(ownPid.value);
      else seesAll &&= ownPid.error.kind === "gone";
    }
    for (const { path, inode } of maps.ok ? ringsOf(maps.value) : []) {
      names.add(basename(path));
      inodes.add(inode);
    }
  }
  return { names, inodes, unaskedPids: seesAll ? unasked : null };
}

/** Its pid as it sees it itself, by which its file is named. Everybody may read it, unlike maps. */
function ownPidOf(pid: string, proc: string): Result<number, ProcError> {
  const path = `${proc}/${pid}/status`;
  const text = readKernelFile(path);
  const status = text.ok ? parseStatus(text.value, path) : text;
  if (!status.ok) return status;
  return status.value.ownPid === null ? malformed(path, "no NSpid") : ok(status.value.ownPid);
}

/** False in a container that has pids of its own, where the host's other processes do not show. */
export function isFirstPidNamespace(proc = "/proc"): boolean {
  try {
    return statSync(`${proc}/self/ns/pid`).ino === FIRST_PID_NAMESPACE;
  } catch {
    return false;
  }
}
