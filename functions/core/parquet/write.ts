// Writes a table to a Parquet file straight from its columns: one chunk after the other, no row is ever built.
// How a chunk becomes bytes is chunk.ts; sorting and partitioning happened before.
import type { ColumnTable, TableName } from "../../../schema/columns.ts";
import { type PackedTable, packTable } from "../pack-tables.ts";
import { everyRow } from "../sort-rows.ts";
import { encodeChunk } from "./chunk.ts";
import { encodeFooter } from "./footer.ts";
import { cloneInteger, int64, ParquetEnvelopeWriter, type ParquetField, parquetTypes } from "./parquetjs.ts";
import { parquetSchema } from "./schema.ts";
import { createScratch, type Scratch } from "./scratch.ts";

/** DuckDB's own group size: large enough for good dictionaries, small enough to skip and to read in parallel. */
export const ROW_GROUP_ROWS_MAX = 122_880;

/** The Parquet file of a small table as it stands; a nullable column that the table lacks is NULL. */
export const writeParquet = (table: TableName, columns: ColumnTable): Buffer => writePacked(packTable(table, columns));

/**
 * The Parquet file of a table. `rows` gives the row numbers to write, in order; without it all rows as they stand.
 * The same input always gives the same bytes.
 */
export function writePacked(
  packed: PackedTable,
  { rows = everyRow(packed.rowCount), groupRowsMax = ROW_GROUP_ROWS_MAX }: { rows?: Uint32Array; groupRowsMax?: number } = {},
): Buffer {
  const schema = parquetSchema(packed.table);
  const parts: Buffer[] = [];
  const keep = (part: Buffer) => {
    parts.push(part);
  };
  const envelope = new ParquetEnvelopeWriter(schema, keep, () => {}, cloneInteger(int64(0)), NO_PAGE_INDEX);
  const scratch = createScratch();
  envelope.writeHeader();
  for (let start = 0; start < rows.length; start += groupRowsMax) {
    envelope.rowGroups.push(writeRowGroup(envelope, packed, rows.subarray(start, start + groupRowsMax), scratch));
  }
  envelope.writeSection(encodeFooter(schema, envelope.rowGroups, rows.length));
  return Buffer.concat(parts);
}

/** parquetjs writes a wrong index when a page is all null, and readers then lose rows. */
const NO_PAGE_INDEX = { pageIndex: false };

function writeRowGroup(
  envelope: ParquetEnvelopeWriter,
  { columns }: PackedTable,
  rows: Uint32Array,
  scratch: Scratch,
): parquetTypes.RowGroup {
  const start = envelope.offset.valueOf();
  const chunks: parquetTypes.ColumnChunk[] = [];
  let uncompressedBytes = 0;
  for (const [name, column] of Object.entries(columns)) {
    const place = { offset: envelope.offset.valueOf(), scratch };
    const chunk = encodeChunk(leafOf(envelope.schema.findField(name)), column, rows, place);
    envelope.writeSection(chunk.bytes);
    chunks.push(chunk.metadata);
    uncompressedBytes += chunk.uncompressedBytes;
  }
  return Object.assign(new parquetTypes.RowGroup(), {
    columns: chunks,
    total_byte_size: int64(uncompressedBytes),
    num_rows: int64(rows.length),
    file_offset: int64(start),
    total_compressed_size: int64(envelope.offset.valueOf() - start),
  });
}

/** The field that holds values: of a list, the element two levels down. */
function leafOf(field: ParquetField): ParquetField {
  const child = Object.values(field.fields ?? {})[0];
  return child === undefined ? field : leafOf(child);
}
