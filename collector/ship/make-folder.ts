// Makes a folder with all that is missing above it, or says why not; it always ends.
// What lies in the folder is its callers'.
import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Throws where it cannot be made. In place of mkdirSync with `recursive`, and its promise, which never end where mkdir fails
 * with ENOENT below a folder that is there: in /proc, and in a working folder that was removed (Node 24.21).
 */
export function makeFolder(folder: string): void {
  if (isFolder(folder)) return;
  const parent = dirname(folder);
  if (parent !== folder) makeFolder(parent);
  try {
    mkdirSync(folder);
  } catch (cause) {
    // Somebody else may have made it meanwhile.
    if (!isFolder(folder)) throw new Error(`cannot make the folder ${folder}`, { cause });
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
