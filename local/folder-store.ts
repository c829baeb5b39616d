// A folder in the place of the bucket: keys are paths below it.
// Like S3, an object appears whole or not at all, and the last writer wins.
import { open, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join, normalize, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { makeFolder } from "../collector/ship/make-folder.ts";
import type { ObjectStore } from "../functions/edges.ts";

const READ_BYTES = 1_024 * 1_024;

export function folderStore(folder: string): ObjectStore {
  let writes = 0;
  const pathOf = (key: string): string => {
    if (key === "" || key.startsWith("/") || normalize(key) !== key || key.split(sep).includes("..")) {
      throw new Error(`key ${JSON.stringify(key)} does not name an object below ${folder}`);
    }
    return join(folder, key);
  };
  return {
    async get(key) {
      return readFile(pathOf(key)).catch(absentAsNull);
    },
    async open(key) {
      const file = await open(pathOf(key)).catch(absentAsNull);
      return file === null ? null : file.createReadStream({ highWaterMark: READ_BYTES });
    },
    async put(key, bytes) {
      const path = pathOf(key);
      makeFolder(dirname(path));
      const unfinished = join(dirname(path), `.${process.pid}-${writes++}.tmp`);
      const file = await open(unfinished, "w");
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(unfinished, path);
    },
    async *list(prefix) {
      // Like S3, a prefix may end within a name; folders are walked from the last slash on.
      const parent = prefix.slice(0, prefix.lastIndexOf("/") + 1);
      for await (const key of listBelow(folder, parent)) if (key.startsWith(prefix)) yield key;
    },
    async copy(from, to) {
      const bytes = await this.get(from);
      if (bytes === null) throw new Error(`no object ${from} below ${folder} to copy`);
      await this.put(to, bytes);
    },
    async link(key) {
      return pathToFileURL(resolve(pathOf(key))).href;
    },
    async delete(key) {
      await rm(pathOf(key), { force: true });
    },
  };
}

function absentAsNull(cause: NodeJS.ErrnoException): null {
  if (cause.code === "ENOENT") return null;
  throw cause;
}

/** Keys below a folder, in order; unfinished files (leading dot) are not objects yet. */
async function* listBelow(folder: string, prefix: string): AsyncGenerator<string> {
  const entries = await readdir(join(folder, prefix), { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return [];
    throw cause;
  });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith(".")) continue;
    if (entry.isDirectory()) yield* listBelow(folder, `${prefix}${entry.name}/`);
    else if (entry.isFile()) yield `${prefix}${entry.name}`;
  }
}
