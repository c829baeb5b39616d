// /proc/pid/mountinfo: on which kind of file system a path of a process lies. man 5 proc_pid_mountinfo.
// Asked before we open what a stranger names: a server that does not answer would hold us in open(2) for as long as it likes.
import { readKernelFile } from "./read.ts";

/** Those that answer by themselves, and that programs keep their files on. A server of anybody's stands behind fuse, 9p and nfs. */
const LOCAL = /^(tmpfs|ramfs|ext[234]|xfs|btrfs|zfs|f2fs|bcachefs|squashfs|erofs|overlay)$/;

/** Some 20,000 mounts: hosts of containers have thousands. Whoever has more in a namespace of its own keeps us busy. */
const MOUNTS_BYTES_MAX = 4 * 1_024 * 1_024;

/** What is wrong with the file system under the path, as the process has mounted it; null when it is a local one. */
export function foreignFileSystem(pid: number, path: string): string | null {
  const mounts = readKernelFile(`/proc/${pid}/mountinfo`, MOUNTS_BYTES_MAX);
  // The process is gone or closed to us, which opening will tell better.
  if (!mounts.ok) return mounts.error.kind === "unreadable" ? `${path} lies below too many mounts` : null;
  let [longest, type] = ["", ""];
  for (const [, point = "", found = ""] of mounts.value.matchAll(MOUNT)) {
    const isAbove = point === "/" || path === point || path.startsWith(`${point}/`);
    // The last mount on a place is the one that is seen.
    if (isAbove && point.length >= longest.length) [longest, type] = [point, found];
  }
  return type === "" || LOCAL.test(type) ? null : `${path} lies on ${type}`;
}

/** `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw`: fields 5 and 9. */
const MOUNT = /^\S+ \S+ \S+ \S+ (\S+) [^\n]*? - (\S+) /gm;
