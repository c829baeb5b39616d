// Delivery to a folder laid out like the bucket: what Firehose does on AWS, for one machine.
// An object appears whole or not at all, also after a crash or a power cut.
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { rawKey } from "../../schema/keys.ts";
import { makeFolder } from "./make-folder.ts";
import type { Delivery } from "./outbox.ts";

/** `name` must differ between collectors that write to the same folder. */
export function folderDelivery(options: { readonly folder: string; readonly name: string; nowMs(): number }): Delivery {
  let objectCount = 0;
  return {
    async deliver(records) {
      const nowMs = options.nowMs();
      const name = `${options.name}-${new Date(nowMs).toISOString().replaceAll(":", "-")}-${objectCount++}`;
      const path = join(options.folder, rawKey(nowMs, name));
      const folder = dirname(path);
      makeFolder(folder);
      const unfinished = join(folder, `.${name}.tmp`);
      const file = openSync(unfinished, "wx", 0o640);
      try {
        for (const record of records) writeAll(file, record);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(unfinished, path);
      syncFolder(folder);
      return null;
    },
  };
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
}

/** The new name itself must survive a power cut. man 2 fsync. */
function syncFolder(folder: string): void {
  const file = openSync(folder, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
