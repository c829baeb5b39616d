// The border: text from a stranger becomes checked columns, or reasons. Inside, the types are trusted.
// Inflation and storage are elsewhere; this file sees one line at a time.
import type { Column, ColumnTable, SampleKind, Value } from "./columns.ts";
import { eventTimeColumn, sampleKinds, tables } from "./columns.ts";
import { batchIdentity } from "./identity-columns.ts";
import { BATCH_ROWS_MAX, WIRE_VERSION } from "./wire.ts";

/** Service names, comm, tunables: longer text is a mistake or an attack, and would bloat every row. */
export const STRING_LENGTH_MAX = 1_024;
/** Histograms have 32 bins; room for a finer one later. */
export const LIST_LENGTH_MAX = 64;
/** Older rows than a delayed upload can explain would reopen partitions long since rolled up. */
export const ROW_AGE_MAX_MS = 30 * 86_400_000;
/** A host clock ahead by more than this is wrong. */
export const ROW_FUTURE_MAX_MS = 86_400_000;
/** A full batch gone wrong has a reason for every value, a million and more; the first of them tell what is wrong with it. */
export const REJECTS_PER_LINE_MAX = 1_000;

/** One reason why something was not taken. Value and limit are short texts for people; row and field null when it is the whole line. */
export interface Reject {
  readonly reason: "json" | "version" | "shape" | "unknown_kind" | "unknown_column" | "type" | "range" | "missing" | "time";
  readonly kind: string | null;
  readonly row: number | null;
  readonly field: string | null;
  readonly value: string;
  readonly limit: string;
}

export interface Decoded {
  readonly tables: Partial<Record<SampleKind, ColumnTable>>;
  /** The first REJECTS_PER_LINE_MAX reasons. */
  readonly rejects: readonly Reject[];
  /** All reasons, also those that are not kept. */
  readonly rejectCount: number;
  /**
   * Rows that were in the line but are not in the tables. Unknown columns cost no rows; how many a line had that is no
   * batch of this version, nobody knows, so it counts none.
   */
  readonly rejectedRowCount: number;
}

/**
 * Decodes one line of the wire format. `arrivedAtMs` (ms since 1970) bounds sampled_at. A bad row costs itself, an
 * unknown column or kind costs itself, a line that is not a batch costs the line; each leaves a Reject.
 */
export function decodeBatch(line: string, arrivedAtMs: number): Decoded {
  const rejects: Reject[] = [];
  let rejectCount = 0;
  const rejectIn =
    (kind: string | null): AddReject =>
    (reason, row, field, value, limit) => {
      if (rejectCount++ >= REJECTS_PER_LINE_MAX) return;
      rejects.push({ reason, kind, row, field: field && shorten(field), value: shorten(value), limit });
    };
  const reject = rejectIn(null);
  const whole = (reason: Reject["reason"], value: unknown, limit: string): Decoded => {
    reject(reason, null, null, value, limit);
    return { tables: {}, rejects, rejectCount, rejectedRowCount: 0 };
  };

  let batch: unknown;
  try {
    batch = JSON.parse(line);
  } catch (cause) {
    return whole("json", cause instanceof Error ? cause.message : cause, "one JSON object a line");
  }
  if (!isObject(batch)) return whole("shape", batch, "an object");
  if (batch["v"] !== WIRE_VERSION) return whole("version", batch["v"], `v is ${WIRE_VERSION}`);
  const { host, k: kinds } = batch;
  if (!isObject(host) || !isObject(kinds)) return whole("shape", Object.keys(batch).join(), "objects host and k");
  rejectUnknown(batch, (name) => batchParts.has(name), "v, host or k", reject);
  rejectUnknown(host, (name) => Object.hasOwn(batchIdentity, name), "a column that all rows share", reject);

  const decoded: Partial<Record<SampleKind, ColumnTable>> = {};
  let rejectedRowCount = 0;
  for (const [kind, section] of Object.entries(kinds)) {
    const rejectHere = rejectIn(shorten(kind));
    const rowCount = isObject(section) && isRowCount(section["n"]) ? section["n"] : null;
    if (!isSampleKind(kind)) {
      rejectHere("unknown_kind", null, null, kind, sampleKinds.join(" or "));
      rejectedRowCount += rowCount ?? 0;
      continue;
    }
    if (!isObject(section) || rowCount === null || !isObject(section["c"])) {
      const given = isObject(section) ? section["n"] : section;
      rejectHere("shape", null, null, given, `n up to ${BATCH_ROWS_MAX} and object c`);
      rejectedRowCount += rowCount ?? 0;
      continue;
    }
    rejectUnknown(section, (name) => sectionParts.has(name), "n or c", rejectHere);
    const table = decodeSection({ kind, rowCount, host, columns: section["c"], arrivedAtMs, reject: rejectHere });
    rejectedRowCount += rowCount - table.rowCount;
    if (table.rowCount > 0) decoded[kind] = table;
  }
  return { tables: decoded, rejects, rejectCount, rejectedRowCount };
}

type AddReject = (reason: Reject["reason"], row: number | null, field: string | null, value: unknown, limit: string) => void;

const batchParts: ReadonlySet<string> = new Set(["v", "host", "k"]);
const sectionParts: ReadonlySet<string> = new Set(["n", "c"]);

/** What a newer collector may send beyond what is known here: each name once, and it costs no row. */
function rejectUnknown(given: object, isKnown: (name: string) => boolean, limit: string, reject: AddReject): void {
  for (const name of Object.keys(given)) if (!isKnown(name)) reject("unknown_column", null, name, name, limit);
}

interface Section {
  readonly kind: SampleKind;
  readonly rowCount: number;
  readonly host: Record<string, unknown>;
  readonly columns: Record<string, unknown>;
  readonly arrivedAtMs: number;
  readonly reject: AddReject;
}

const NO_ROWS: ColumnTable = { rowCount: 0, columns: {} };

function decodeSection({ kind, rowCount, host, columns, arrivedAtMs, reject }: Section): ColumnTable {
  const known: Readonly<Record<string, Column>> = tables[kind];
  const isColumn = (name: string) => Object.hasOwn(known, name) && known[name]?.perBatch !== true;
  rejectUnknown(columns, isColumn, "a column of schema/columns.ts", reject);
  // What costs all rows comes first and is said once; then no value needs a look.
  if (rowCount === 0 || !isWhole({ known, rowCount, host, columns, reject })) return NO_ROWS;

  const bad = new Uint8Array(rowCount);
  // One for all columns that the batch lacks: a third of them, of other allocators.
  const absent = new Array<unknown>(rowCount).fill(null);
  const checked: Record<string, Value[]> = {};
  for (const [name, column] of Object.entries(known)) {
    if (column.perBatch) {
      checked[name] = new Array<Value>(rowCount).fill(own(host, name) as Value);
      continue;
    }
    const values = (own(columns, name) as unknown[] | null) ?? absent;
    const check = checkOf(column);
    for (let row = check.firstFault(values, 0); row < rowCount; row = check.firstFault(values, row + 1)) {
      const value = values[row];
      reject(typeof value === check.jsType ? "range" : "type", row, name, value, check.limit);
      bad[row] = 1;
    }
    for (let row = column.required ? values.indexOf(null) : -1; row >= 0; row = values.indexOf(null, row + 1)) {
      reject("missing", row, name, null, "a value");
      bad[row] = 1;
    }
    // The parsed array itself, which the engine holds unboxed: a copy would double the cost of decoding. Values that did
    // not pass stand in bad rows, and those are left out below.
    checked[name] = values as Value[];
  }

  const times = checked[eventTimeColumn[kind]] ?? [];
  const [earliestMs, latestMs] = [arrivedAtMs - ROW_AGE_MAX_MS, arrivedAtMs + ROW_FUTURE_MAX_MS];
  times.forEach((time, row) => {
    if (bad[row] || (typeof time === "number" && time >= earliestMs && time <= latestMs)) return;
    reject("time", row, eventTimeColumn[kind], time, `${earliestMs} to ${latestMs}`);
    bad[row] = 1;
  });

  const keptCount = rowCount - bad.reduce((sum, flag) => sum + flag, 0);
  if (keptCount === rowCount) return { rowCount, columns: checked };
  const kept = Object.entries(checked).map(([name, values]) => [name, values.filter((_, row) => bad[row] === 0)] as const);
  return { rowCount: keptCount, columns: Object.fromEntries(kept) };
}

/** Whether every required column is there, every column has a value for each row, and what all rows share is as it should be. */
function isWhole({
  known,
  rowCount,
  host,
  columns,
  reject,
}: Omit<Section, "kind" | "arrivedAtMs"> & { readonly known: Readonly<Record<string, Column>> }): boolean {
  let isWhole = true;
  const refuse: AddReject = (...because) => {
    reject(...because);
    isWhole = false;
  };
  for (const [name, column] of Object.entries(known)) {
    const given = own(column.perBatch ? host : columns, name);
    if (given === null) {
      if (column.required) refuse("missing", null, name, null, "a value");
    } else if (column.perBatch) {
      const { firstFault, jsType, limit } = checkOf(column);
      if (firstFault([given], 0) === 0) refuse(typeof given === jsType ? "range" : "type", null, name, given, limit);
    } else if (!Array.isArray(given) || given.length !== rowCount) {
      refuse("shape", null, name, Array.isArray(given) ? given.length : given, `an array of ${rowCount} values`);
    }
  }
  return isWhole;
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

/** First row from `from` on whose value is neither null nor of the column's type; the length when there is none. */
type FirstFault = (values: readonly unknown[], from: number) => number;

/** Nearly all columns hold counts, so these have a loop of their own, which the engine compiles without a call per value. */
const firstNonCount: FirstFault = (values, from) => {
  let row = from;
  while (row < values.length && (values[row] === null || isCount(values[row]))) row++;
  return row;
};

const firstNot =
  (passes: (value: unknown) => boolean): FirstFault =>
  (values, from) => {
    let row = from;
    while (row < values.length && (values[row] === null || passes(values[row]))) row++;
    return row;
  };

const checks: Record<Column["type"], { jsType: string; limit: string; firstFault: FirstFault }> = {
  string: {
    jsType: "string",
    limit: `text of up to ${STRING_LENGTH_MAX} characters`,
    firstFault: firstNot((value) => typeof value === "string" && value.length <= STRING_LENGTH_MAX),
  },
  int64: { jsType: "number", limit: "integer, 0 to 2^53-1", firstFault: firstNonCount },
  timestamp: { jsType: "number", limit: "milliseconds since 1970", firstFault: firstNonCount },
  double: { jsType: "number", limit: "finite number", firstFault: firstNot(Number.isFinite) },
  "int64[]": {
    jsType: "object",
    limit: `up to ${LIST_LENGTH_MAX} integers, 0 to 2^53-1`,
    firstFault: firstNot((value) => Array.isArray(value) && value.length <= LIST_LENGTH_MAX && value.every(isCount)),
  },
};

const signedList: (typeof checks)["int64[]"] = {
  jsType: "object",
  limit: `up to ${LIST_LENGTH_MAX} integers within 2^53`,
  firstFault: firstNot((value) => Array.isArray(value) && value.length <= LIST_LENGTH_MAX && value.every(Number.isSafeInteger)),
};

const checkOf = (column: Column) => (column.signed === true ? signedList : checks[column.type]);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isSampleKind = (kind: string): kind is SampleKind => (sampleKinds as readonly string[]).includes(kind);
const isRowCount = (n: unknown): n is number =>
  Number.isSafeInteger(n) && (n as number) >= 0 && (n as number) <= BATCH_ROWS_MAX;
const own = (object: Record<string, unknown>, name: string): unknown =>
  (Object.hasOwn(object, name) ? object[name] : null) ?? null;

/** Enough of a value to recognise it; rejects must not become a way to store large or secret things. */
const REJECT_VALUE_LENGTH_MAX = 80;
function shorten(value: unknown): string {
  const text = typeof value === "string" ? value : jsonOf(value);
  return text.length <= REJECT_VALUE_LENGTH_MAX
    ? text
    : `${text.slice(0, REJECT_VALUE_LENGTH_MAX)}... (${text.length} characters)`;
}

/** JSON.parse nests without end, JSON.stringify only as deep as the stack: a stranger's brackets must not end the conversion. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch (cause) {
    if (cause instanceof RangeError) return Array.isArray(value) ? "[...] nested deep" : "{...} nested deep";
    throw cause;
  }
}
