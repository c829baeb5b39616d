// The Parquet schema of each table, derived from schema/columns.ts alone.
// Encodings are chosen per column chunk (chunk.ts); the ones that parquetjs would note here are for its own row writer.
import type { Column, ColumnType, TableName } from "../../../schema/columns.ts";
import { tables } from "../../../schema/columns.ts";
import { ParquetSchema, type SchemaDefinition } from "./parquetjs.ts";

type Definition = SchemaDefinition[string];

/** Built once per table, because it is constant. */
const built = new Map<TableName, ParquetSchema>();

export function parquetSchema(table: TableName): ParquetSchema {
  const known = built.get(table);
  if (known !== undefined) return known;
  const definition: SchemaDefinition = {};
  for (const [name, column] of Object.entries<Column>(tables[table])) {
    definition[name] = { ...definitionOf[column.type](), optional: column.required !== true };
  }
  const schema = new ParquetSchema(definition);
  built.set(table, schema);
  return schema;
}

const definitionOf: Record<ColumnType, () => Definition> = {
  string: () => ({ type: "UTF8" }),
  int64: () => ({ type: "INT64" }),
  double: () => ({ type: "DOUBLE" }),
  timestamp: () => ({ type: "TIMESTAMP_MILLIS" }),
  // The standard three levels, so that every reader sees a list; an element is never null, so it is required.
  "int64[]": () => ({ type: "LIST", fields: { list: { repeated: true, fields: { element: { type: "INT64" } } } } }),
};
