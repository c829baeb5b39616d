// Joining the tables of batches, where a batch may lack what another one has.
// What the columns become in a file is parquet/write.test.ts's.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { createTablePacker } from "../../../functions/core/pack-tables.ts";
import { tables } from "../../../schema/columns.ts";

const required = Object.fromEntries(
  Object.entries<{ type: string; required?: true }>(tables.host)
    .filter(([, column]) => column.required)
    .map(([name, { type }]) => [name, type === "string" ? "a" : 1]),
);
const rows = (count: number, columns: Readonly<Record<string, readonly (number | null)[]>>) => ({
  rowCount: count,
  columns: {
    ...Object.fromEntries(Object.entries(required).map(([name, value]) => [name, Array(count).fill(value)])),
    ...columns,
  },
});

test("a column that only a later batch has is absent in the rows before, and absent as a whole once they are forgotten", () => {
  const packer = createTablePacker("host");
  packer.add(rows(2, {}));
  packer.add(rows(2, { mem_total_bytes: [null, null] }));
  deepEqual(packer.pack().columns["mem_total_bytes"], { kind: "absent" });
  packer.add(rows(2, { mem_total_bytes: [null, 7] }));
  packer.add(rows(1, {}));
  const absent = Number.NaN;
  deepEqual(packer.pack().columns["mem_total_bytes"], {
    kind: "numbers",
    values: Float64Array.of(absent, absent, absent, absent, absent, 7, absent),
  });
  packer.clear();
  packer.add(rows(1, {}));
  equal(packer.pack().rowCount, 1);
  deepEqual(packer.pack().columns["mem_total_bytes"], { kind: "absent" });
});
