// Picks the values of one row group from a column, in the order of the rows, and writes down where values are absent.
// Levels follow Parquet's nesting (parquet-format README, "Nested Encoding"); encoding the values is values.ts.
import type { Scratch } from "./scratch.ts";

/** Levels of `levelCount` entries; the first `valueCount` of `values` are the entries that are present, the rest is scratch. */
export interface Gathered<Values> {
  readonly values: Values;
  readonly valueCount: number;
  readonly levelCount: number;
  /** One per level entry, highest where a value is present; null where all are, which is the usual case. */
  readonly definitions: Uint8Array | null;
  /** Lists only: 0 where a row begins. */
  readonly repetitions: Uint8Array | null;
}

/** Of a column without any value. */
export const gatherAbsent = (isList: boolean, levelCount: number): Gathered<null> => ({
  values: null,
  valueCount: 0,
  levelCount,
  definitions: new Uint8Array(levelCount),
  repetitions: isList ? new Uint8Array(levelCount) : null,
});

/** NaN is absent (pack-tables.ts). */
export function gatherNumbers(column: Float64Array, rows: Uint32Array, scratch: Scratch): Gathered<Float64Array> {
  const values = scratch.numbers(rows.length);
  let definitions: Uint8Array | null = null;
  let valueCount = 0;
  for (let at = 0; at < rows.length; at++) {
    const value = column[rows[at] as number] as number;
    if (Number.isNaN(value)) {
      definitions ??= new Uint8Array(rows.length).fill(1, 0, at);
    } else {
      values[valueCount++] = value;
      if (definitions !== null) definitions[at] = 1;
    }
  }
  return { values, valueCount, levelCount: rows.length, definitions, repetitions: null };
}

/** The distinct texts of the group in the order of their first appearance, and for each value which one it is. */
export interface NumberedTexts {
  readonly texts: readonly string[];
  readonly indices: Uint32Array;
}

/** Code 0 is absent, any other one more than the text's index in the column (pack-tables.ts). */
export function gatherTexts(
  column: { readonly codes: Uint32Array; readonly texts: readonly string[] },
  rows: Uint32Array,
  scratch: Scratch,
): Gathered<NumberedTexts> {
  const texts: string[] = [];
  const indices = scratch.indices(rows.length);
  // Number within the group by code, counted from 1; 0 says that the group has not seen the text yet.
  const numbers = scratch.slots(column.texts.length + 1).fill(0, 0, column.texts.length + 1);
  let definitions: Uint8Array | null = null;
  let valueCount = 0;
  for (let at = 0; at < rows.length; at++) {
    const code = column.codes[rows[at] as number] as number;
    if (code === 0) {
      definitions ??= new Uint8Array(rows.length).fill(1, 0, at);
      continue;
    }
    if (numbers[code] === 0) numbers[code] = texts.push(column.texts[code - 1] as string);
    indices[valueCount++] = (numbers[code] as number) - 1;
    if (definitions !== null) definitions[at] = 1;
  }
  return { values: { texts, indices }, valueCount, levelCount: rows.length, definitions, repetitions: null };
}

/** Definition 0: no list, 1: empty list, 2: an element (elements are never null). */
export function gatherLists(
  column: readonly (readonly number[] | null)[],
  rows: Uint32Array,
  scratch: Scratch,
): Gathered<Float64Array> {
  let levelCount = 0;
  let elementCount = 0;
  for (const row of rows) {
    const length = column[row]?.length ?? 0;
    levelCount += Math.max(length, 1);
    elementCount += length;
  }

  const values = scratch.numbers(elementCount);
  const definitions = new Uint8Array(levelCount);
  const repetitions = new Uint8Array(levelCount);
  let valueCount = 0;
  let level = 0;
  for (const row of rows) {
    const list = column[row];
    if (list === null || list === undefined || list.length === 0) {
      definitions[level++] = list ? 1 : 0;
      continue;
    }
    for (let element = 0; element < list.length; element++) {
      values[valueCount++] = list[element] as number;
      repetitions[level] = element === 0 ? 0 : 1;
      definitions[level++] = 2;
    }
  }
  return { values, valueCount, levelCount, definitions, repetitions };
}
