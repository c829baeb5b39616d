// What the collector has promised: every row that was ever in a file of its spool, read from outside while it runs.
// Whether promises were kept is invariants.ts's.
import { closeSync, fstatSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isIntact } from "../../collector/ship/spool-record.ts";
import { nextRecord, readPayload } from "../../collector/ship/spool-segment.ts";
import { type RowId, rowsIn } from "./rows.ts";

export interface Promises {
  readonly rows: ReadonlySet<RowId>;
  /** The highest sequence among them. */
  newest(): number;
  /** Takes in what has come since. A collector gives a file up at 256 KiB: it must be looked at before. */
  look(): void;
  /** Rows in the spool that are not marked as delivered. */
  waiting(): number;
}

/** Another folder is looked at from then on where `folder` answers with another. */
export function watchPromises(folder: () => string): Promises {
  const rows = new Set<RowId>();
  let newest = 0;
  /** Up to where each file has been read; a name can be used again after a file of that name has gone. */
  const readTo = new Map<string, number>();

  function look(): void {
    for (const path of spoolFiles(folder())) {
      eachRecord(path, (file, ino) => {
        const key = `${path} ${ino}`;
        const { size } = fstatSync(file);
        for (let at = readTo.get(key) ?? 0; at < size; ) {
          const found = nextRecord(file, at, size);
          // The rest of it is still being written.
          if (found === null || found.offset !== at) break;
          const payload = readPayload(file, found.offset, found.header);
          if (!isIntact(found.header, payload)) break;
          for (const { id, sequence } of rowsIn(payload)) {
            rows.add(id);
            newest = Math.max(newest, sequence);
          }
          at = found.end;
          readTo.set(key, at);
        }
      });
    }
  }

  function waiting(): number {
    let count = 0;
    for (const path of spoolFiles(folder())) {
      eachRecord(path, (file) => {
        const { size } = fstatSync(file);
        for (let at = 0; at < size; ) {
          const found = nextRecord(file, at, size);
          if (found === null) break;
          if (!found.header.isDelivered) count += found.header.rowCount;
          at = found.end;
        }
      });
    }
    return count;
  }

  return { rows, newest: () => newest, look, waiting };
}

function spoolFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".spool"))
      .map((name) => join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** The collector may have given the file up since it was listed. */
function eachRecord(path: string, visit: (file: number, ino: number) => void): void {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  try {
    visit(file, fstatSync(file).ino);
  } finally {
    closeSync(file);
  }
}
