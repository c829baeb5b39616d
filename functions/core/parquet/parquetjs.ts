// The parts of parquetjs that we write with: schema, envelope and thrift, imported one by one.
// The package's main module also pulls its S3 reader: 186 ms and 103 modules to load, against 43 ms and 69 for these.
import parquetTypes from "@dsnp/parquetjs/dist/gen-nodejs/parquet_types.js";
import { ParquetSchema } from "@dsnp/parquetjs/dist/lib/schema.js";
import { cloneInteger, serializeThrift } from "@dsnp/parquetjs/dist/lib/util.js";
import { ParquetEnvelopeWriter } from "@dsnp/parquetjs/dist/lib/writer.js";

export type { ParquetField, SchemaDefinition } from "@dsnp/parquetjs/dist/lib/declare.js";
export { cloneInteger, ParquetEnvelopeWriter, ParquetSchema, parquetTypes, serializeThrift };

type Int64 = parquetTypes.RowGroup["num_rows"];

/** Thrift's compact protocol takes integers up to 2^53 as plain numbers (i64ToZigzag); only its types ask for an object. */
export const int64 = (value: number): Int64 => value as unknown as Int64;
