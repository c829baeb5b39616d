// Joins the tables of many batches, as they are decoded, into columns ready for sorting and encoding.
// Checking happened in schema/decode.ts; the order of rows is sort-rows.ts, the file format is parquet/.
import type { Column, ColumnTable, ColumnType, TableName, Value } from "../../schema/columns.ts";
import { tables } from "../../schema/columns.ts";

/**
 * Numbers are unboxed, with NaN where a value is absent: no checked column can hold it. Texts are kept once each; a row
 * has 0 where a text is absent, else one more than the text's index. A column without any value takes no memory.
 */
export type PackedColumn =
  | { readonly kind: "absent" }
  | { readonly kind: "numbers"; readonly values: Float64Array }
  | { readonly kind: "texts"; readonly codes: Uint32Array; readonly texts: readonly string[] }
  | { readonly kind: "lists"; readonly values: readonly (readonly number[] | null)[] };

export interface PackedTable {
  readonly table: TableName;
  readonly rowCount: number;
  /** Every column of schema/columns.ts, also those that no part had. */
  readonly columns: Readonly<Record<string, PackedColumn>>;
}

/** Takes tables one by one, so that the decoded values of each can go before the next is decoded. */
export interface TablePacker {
  readonly add: (part: ColumnTable) => void;
  /** Rows in the order in which they came: a view, good until the next call of add or clear. */
  readonly pack: () => PackedTable;
  /** Forgets the rows and keeps the memory for others. */
  readonly clear: () => void;
}

export function createTablePacker(table: TableName): TablePacker {
  const columns = Object.entries<Column>(tables[table]);
  const named = columns.map(([name, column]) => ({ name, required: column.required === true, packer: columnPacker(column) }));
  let rowCount = 0;
  return {
    add: (part) => {
      for (const { name, required, packer } of named) {
        const values = part.columns[name] ?? null;
        if (values === null && required) throw new Error(`${table}: required column ${name} is missing`);
        packer.add(values, part.rowCount);
      }
      rowCount += part.rowCount;
    },
    pack: () => ({
      table,
      rowCount,
      columns: Object.fromEntries(named.map(({ name, packer }) => [name, packer.pack()] as const)),
    }),
    clear: () => {
      for (const { packer } of named) packer.clear();
      rowCount = 0;
    },
  };
}

export function packTable(table: TableName, columns: ColumnTable): PackedTable {
  const packer = createTablePacker(table);
  packer.add(columns);
  return packer.pack();
}

interface ColumnPacker {
  /** `values` null: absent in all `count` rows. */
  readonly add: (values: readonly Value[] | null, count: number) => void;
  readonly pack: () => PackedColumn;
  readonly clear: () => void;
}

/** Rows are only counted until one has a value: a third of the columns are of other allocators, and stay absent. */
function columnPacker({ type }: Column): ColumnPacker {
  const packer = packers[type]();
  let absentCount = 0;
  let isAbsent = true;
  return {
    add: (values, count) => {
      if (isAbsent && (values === null || values.every((value) => value === null))) {
        absentCount += count;
        return;
      }
      if (isAbsent && absentCount > 0) packer.add(null, absentCount);
      isAbsent = false;
      packer.add(values, count);
    },
    pack: () => (isAbsent ? { kind: "absent" } : packer.pack()),
    clear: () => {
      packer.clear();
      absentCount = 0;
      isAbsent = true;
    },
  };
}

const packers: Readonly<Record<ColumnType, () => ColumnPacker>> = {
  string: textPacker,
  int64: numberPacker,
  double: numberPacker,
  timestamp: numberPacker,
  "int64[]": listPacker,
};

function numberPacker(): ColumnPacker {
  let packed = new Float64Array(0);
  let size = 0;
  return {
    add: (values, count) => {
      packed = withRoom(packed, size + count, (length) => new Float64Array(length));
      if (values === null) packed.fill(Number.NaN, size, size + count);
      for (let row = 0; values !== null && row < count; row++) {
        const value = values[row];
        packed[size + row] = typeof value === "number" ? value : Number.NaN;
      }
      size += count;
    },
    pack: () => ({ kind: "numbers", values: packed.subarray(0, size) }),
    clear: () => {
      size = 0;
    },
  };
}

function textPacker(): ColumnPacker {
  const texts: string[] = [];
  const codeOf = new Map<string, number>();
  let codes = new Uint32Array(0);
  let size = 0;
  return {
    add: (values, count) => {
      codes = withRoom(codes, size + count, (length) => new Uint32Array(length));
      if (values === null) codes.fill(0, size, size + count);
      // Many columns repeat the value of the row before, and comparing is cheaper than hashing.
      let previous: Value = null;
      let code = 0;
      for (let row = 0; values !== null && row < count; row++) {
        const value = values[row] ?? null;
        if (value !== previous) {
          previous = value;
          code = typeof value === "string" ? (codeOf.get(value) ?? 0) : 0;
          if (code === 0 && typeof value === "string") {
            code = texts.push(value);
            codeOf.set(value, code);
          }
        }
        codes[size + row] = code;
      }
      size += count;
    },
    pack: () => ({ kind: "texts", codes: codes.subarray(0, size), texts }),
    clear: () => {
      texts.length = 0;
      codeOf.clear();
      size = 0;
    },
  };
}

function listPacker(): ColumnPacker {
  const packed: (readonly number[] | null)[] = [];
  return {
    add: (values, count) => {
      for (let row = 0; row < count; row++) {
        const value = values === null ? null : values[row];
        packed.push(Array.isArray(value) ? value : null);
      }
    },
    pack: () => ({ kind: "lists", values: packed }),
    clear: () => {
      packed.length = 0;
    },
  };
}

/** Room at least doubles, so that filling an array costs each value at most one copy on average. */
function withRoom<T extends Float64Array | Uint32Array>(packed: T, length: number, make: (length: number) => T): T {
  if (length <= packed.length) return packed;
  const larger = make(Math.max(length, packed.length * 2, 1_024));
  larger.set(packed);
  return larger;
}
