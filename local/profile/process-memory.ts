// Reads pieces of another process's memory by /proc/pid/mem, which opens to who may trace it, and takes no lock there for long.
// What is read, and whether to believe it, is its callers'. Source: man 5 proc_pid_mem.
import { closeSync, openSync, readSync } from "node:fs";

export interface ProcessMemory {
  /** Null when not all of it is mapped. */
  read(address: number, length: number): Buffer | null;
  close(): void;
}

/** Throws where the process is gone or closed to us. */
export function openMemory(pid: number): ProcessMemory {
  const descriptor = openSync(`/proc/${pid}/mem`, "r");
  return {
    read(address, length) {
      const bytes = Buffer.alloc(length);
      let done = 0;
      try {
        while (done < length) {
          const got = readSync(descriptor, bytes, done, length - done, BigInt(address) + BigInt(done));
          if (got === 0) return null;
          done += got;
        }
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // EIO is how it says that nothing is mapped there; ENXIO and EINVAL, that nothing can be.
        if (code === "EIO" || code === "ENXIO" || code === "EINVAL" || code === "EFAULT") return null;
        throw error;
      }
      return bytes;
    },
    close: () => closeSync(descriptor),
  };
}
