// A recorded trace as rows of a process: NDJSON, a header line and then one row for each moment, compressed or not.
// Only measured columns are taken: what a trace knows about its own cause is not for the lake.
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { type Column, type ProcessSample, processColumns } from "../../schema/columns.ts";
import { err, ok, type Result } from "../../schema/result.ts";

export type Measured = Partial<ProcessSample>;

export interface Trace {
  /** Name of the service that it is replayed as. */
  readonly name: string;
  /** In the order of their time. */
  readonly rows: readonly { readonly offsetMs: number; readonly measured: Measured }[];
}

/** Inflated text of one trace may be this large: a week of minutes of one process is a tenth of it. */
const TEXT_BYTES_MAX = 128 * 1_024 * 1_024;

/** Paths of the traces of a folder, by name. */
export const traceFiles = (folder: string): readonly string[] =>
  globSync(["*.ndjson", "*.ndjson.gz", "*.ndjson.zst"], { cwd: folder })
    .sort()
    .map((name) => join(folder, name));

/** Text of a trace, inflated where its name says that it is compressed. Throws with the path where it is not. */
export function readTraceText(path: string): string {
  try {
    const bytes = readFileSync(path);
    const limit = { maxOutputLength: TEXT_BYTES_MAX };
    if (path.endsWith(".gz")) return gunzipSync(bytes, limit).toString("utf8");
    if (path.endsWith(".zst")) return zstdDecompressSync(bytes, limit).toString("utf8");
    return bytes.toString("utf8");
  } catch (cause) {
    throw new Error(`${path} cannot be read`, { cause });
  }
}

/** An estimate made from malloc_info, in the place of the figure that only the walker knows; where both are, that one counts. */
const aliases: Readonly<Record<string, string>> = { reclaimable_bytes_estimate: "reclaimable_bytes" };
const allocators = new Set(["glibc", "jemalloc", "tcmalloc", "mimalloc", "unknown"]);
const counted = new Set(
  Object.entries<Column>(processColumns)
    .filter(([, { type, unit, perBatch }]) => type === "int64" && unit !== null && !perBatch)
    .map(([name]) => name),
);

/** `path` names the trace where its header does not. The error says which line is wrong. */
export function parseTrace(text: string, path: string): Result<Trace, string> {
  const numbered = text.split("\n").map((line, at) => ({ line, number: at + 1 }));
  const [header, ...lines] = numbered.filter(({ line }) => line.trim() !== "");
  const head = header === undefined ? null : parseObject(header.line);
  if (head === null || Object.hasOwn(head, "offset_ms")) {
    return err(`line ${header?.number ?? 1} is not a header: a JSON object without offset_ms is expected there`);
  }
  const rows: { offsetMs: number; measured: Measured }[] = [];
  for (const { line, number } of lines) {
    const row = parseObject(line);
    const offsetMs = row?.["offset_ms"];
    if (row === null || typeof offsetMs !== "number" || !Number.isFinite(offsetMs) || offsetMs < 0) {
      return err(`line ${number} is not a row with offset_ms, milliseconds from 0 on`);
    }
    rows.push({ offsetMs, measured: measuredOf(row) });
  }
  if (rows.length === 0) return err("it has no rows");
  const id = head["id"];
  return ok({
    name: typeof id === "string" && id !== "" ? id : basename(path).replace(/\.ndjson(\.gz|\.zst)?$/, ""),
    rows: rows.sort((one, other) => one.offsetMs - other.offsetMs),
  });
}

/** Of a row the figures that the columns of a process know, and its allocator; anything else is left out. */
export function measuredOf(row: Readonly<Record<string, unknown>>): Measured {
  const measured: Record<string, number | string> = {};
  for (const [name, value] of Object.entries(row)) {
    const column = aliases[name] ?? name;
    if (column !== name && typeof row[column] === "number") continue;
    if (counted.has(column) && typeof value === "number" && Number.isSafeInteger(value) && value >= 0) measured[column] = value;
  }
  const { allocator } = row;
  if (typeof allocator === "string" && allocators.has(allocator)) measured["allocator"] = allocator;
  return measured;
}

/** Null where a line is no JSON object. */
export function parseObject(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
