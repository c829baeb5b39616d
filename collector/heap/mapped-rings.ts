// Which ring files any process of this host has mapped: the only way to know that a file's process lives.
// What becomes of the others is ring-folder.ts's.
import { readdirSync, statSync } from "node:fs";
import { basename } from "node:path";
import { ringsOf } from "../proc/maps.ts";
import { readKernelFile } from "../proc/read.ts";
import type { MappedFiles } from "./ring-folder.ts";

/** Inode of the first pid namespace: PROC_PID_INIT_INO of the kernel's include/linux/proc_ns.h. */
const FIRST_PID_NAMESPACE = 0xef_ff_ff_fc;

/** One reading of maps per process: milliseconds for a usual host, so the sweep that asks for it is rare. */
export function mappedRings(proc = "/proc"): MappedFiles {
  const names = new Set<string>();
  const inodes = new Set<string>();
  // In a pid namespace of our own, and with hidepid, there are processes that we do not even see.
  let isComplete = isFirstPidNamespace(proc) && readKernelFile(`${proc}/1/maps`).ok;
  for (const pid of readdirSync(proc).filter((name) => /^\d+$/.test(name))) {
    const maps = readKernelFile(`${proc}/${pid}/maps`);
    if (!maps.ok) isComplete &&= maps.error.kind === "gone";
    for (const { path, inode } of maps.ok ? ringsOf(maps.value) : []) {
      names.add(basename(path));
      inodes.add(inode);
    }
  }
  return { names, inodes, isComplete };
}

/** False in a container that has pids of its own, where the host's other processes do not show. */
export function isFirstPidNamespace(proc = "/proc"): boolean {
  try {
    return statSync(`${proc}/self/ns/pid`).ino === FIRST_PID_NAMESPACE;
  } catch {
    return false;
  }
}
