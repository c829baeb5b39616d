// tidemark inspect: one process, measured now by the collector's own code, and what that says in plain words.
// The words are inspect-text.ts's and inspect-relief.ts's.

import { styleText } from "node:util";
import type { Measured } from "../collector/watch/watched.ts";
import { tables } from "../schema/columns.ts";
import { readArenas } from "./inspect-arenas.ts";
import { reliefPreview, reliefText } from "./inspect-relief.ts";
import { inspectText } from "./inspect-text.ts";
import { jsonText } from "./json-text.ts";
import { measureOnce, problemText } from "./measure-once.ts";
import { shimPath } from "./shim-path.ts";

const EXIT_FAILED = 1;
const EXIT_UNKNOWN = 3;

export interface InspectOptions {
  readonly pid: number;
  readonly json: boolean;
  /** Say as well what a relief would return, and what it would take. */
  readonly relief: boolean;
}

export async function inspect({ pid, json, relief }: InspectOptions): Promise<number> {
  const measured = await measureOnce(pid);
  if (!measured.ok) {
    process.stderr.write(`tidemark: process ${pid} ${problemText(measured.error)}\n`);
    return EXIT_FAILED;
  }
  const { row, ring, walkerPath } = measured.value;
  const preview = relief ? reliefPreview(row, ring) : null;
  if (json) {
    process.stdout.write(`${jsonText({ ...inTableOrder(row), ...(preview === null ? {} : { relief: preview }) })}\n`);
  } else {
    // Beside what a relief would return the table would fill more than a screen.
    const wantsArenas = preview === null && row.heap_source === "walk" && (row.arena_count ?? 0) > 1;
    const arenas = wantsArenas ? readArenas(walkerPath, pid) : null;
    const bold = (text: string) => styleText("bold", text, { stream: process.stdout });
    const newest = ring?.ring.ok ? ring.ring.value.records[0] : undefined;
    const heapAgeMs = newest === undefined ? null : Math.max(0, row.sampled_at - newest.sampledMs);
    const text = inspectText(row, { arenas, shimPath: shimPath(), heapAgeMs, bold });
    process.stdout.write(`${text}\n${preview === null ? "" : `\n${reliefText(preview, shimPath())}\n`}`);
  }
  return row.live_bytes == null ? EXIT_UNKNOWN : 0;
}

/** Every column of the table that a row has, in the table's order; what was not measured is null. */
function inTableOrder(row: Measured): Readonly<Record<string, unknown>> {
  const values: Readonly<Record<string, unknown>> = row;
  const names = Object.entries(tables.process).filter(([name, column]) => !("perBatch" in column) && name !== "sequence");
  return Object.fromEntries(names.map(([name]) => [name, values[name] ?? null]));
}
