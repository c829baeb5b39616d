// The footer: schema, row groups and the order of values, in thrift.
// parquetjs would write one too, but without column orders, and then readers may not use min and max (parquet.thrift).
import { int64, type ParquetField, type ParquetSchema, parquetTypes, serializeThrift } from "./parquetjs.ts";

const { ColumnOrder, ConvertedType, FieldRepetitionType, FileMetaData, SchemaElement, Type, TypeDefinedOrder } = parquetTypes;

const MAGIC = "PAR1";
const FORMAT_VERSION = 1;
const CREATED_BY = "tidemark version 0.1.0";

export function encodeFooter(schema: ParquetSchema, rowGroups: parquetTypes.RowGroup[], rowCount: number): Buffer {
  const root = new SchemaElement();
  root.name = "root";
  root.num_children = Object.keys(schema.fields).length;
  const leaves = schema.fieldList.filter((field) => !field.isNested);

  const metadata = new FileMetaData();
  metadata.version = FORMAT_VERSION;
  metadata.schema = [root, ...schema.fieldList.map(schemaElement)];
  metadata.num_rows = int64(rowCount);
  metadata.row_groups = rowGroups;
  metadata.created_by = CREATED_BY;
  metadata.column_orders = leaves.map(() => new ColumnOrder({ TYPE_ORDER: new TypeDefinedOrder() }));

  const encoded = serializeThrift(metadata);
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32LE(encoded.length);
  return Buffer.concat([encoded, length, Buffer.from(MAGIC)]);
}

function schemaElement(field: ParquetField): parquetTypes.SchemaElement {
  const element = new SchemaElement();
  element.name = field.name;
  element.repetition_type = FieldRepetitionType[field.repetitionType];
  if (field.isNested) element.num_children = field.fieldCount ?? 0;
  else element.type = Type[field.primitiveType as keyof typeof Type];
  if (field.originalType) element.converted_type = ConvertedType[field.originalType as keyof typeof ConvertedType];
  return element;
}
