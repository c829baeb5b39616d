// Reads a raw object part by part: members, lines, checked tables, and one list of everything that was not taken.
// Order, partitions and files are left to lake-files.ts.
import type { SampleKind } from "../../schema/columns.ts";
import { sampleKinds } from "../../schema/columns.ts";
import { decodeBatch } from "../../schema/decode.ts";
import type { ConvertRequest } from "./convert-message.ts";
import { gzipMembers } from "./gzip-members.ts";
import { createTablePacker, type PackedTable, type TablePacker } from "./pack-tables.ts";
import { ROW_GROUP_ROWS_MAX } from "./parquet/write.ts";
import { addReject, emptyRejects, type RejectList } from "./rejects.ts";

/** Rows of each kind, in the order in which they arrived. */
export type RawTables = Readonly<Record<SampleKind, PackedTable>>;

export interface RawObject {
  /** The tables of each part are good until the next part is asked for. */
  readonly parts: AsyncGenerator<RawTables>;
  /** Complete when the parts are done. */
  readonly rejects: RejectList;
  readonly counts: RawCounts;
}

export interface RawCounts {
  /** Of the object as it is stored. */
  bytesIn: number;
  members: number;
  damagedMembers: number;
  inflatedBytes: number;
  readonly rows: Record<SampleKind, number>;
  rejectedRows: number;
}

/**
 * What bounds the memory, whatever the object's size: a part ends with the member that brings it to one of these. One full
 * row group, or texts and lists in the size of several usual parts.
 */
const PART_ROWS = ROW_GROUP_ROWS_MAX;
const PART_INFLATED_BYTES = 128 * 1_024 * 1_024;

export function readRawObject(
  object: AsyncIterable<Uint8Array>,
  request: ConvertRequest,
  { partRows = PART_ROWS }: { readonly partRows?: number } = {},
): RawObject {
  const rejects = emptyRejects();
  const counts = {
    bytesIn: 0,
    members: 0,
    damagedMembers: 0,
    inflatedBytes: 0,
    rows: { process: 0, host: 0, collector: 0, detail: 0 },
    rejectedRows: 0,
  };
  return { parts: readParts(object, request, { rejects, counts, partRows }), rejects, counts };
}

async function* readParts(
  object: AsyncIterable<Uint8Array>,
  { key, arrivedAtMs }: ConvertRequest,
  { rejects, counts, partRows }: Omit<RawObject, "parts"> & { readonly partRows: number },
): AsyncGenerator<RawTables> {
  const packers = {
    process: createTablePacker("process"),
    host: createTablePacker("host"),
    collector: createTablePacker("collector"),
    detail: createTablePacker("detail"),
  } as const satisfies Record<SampleKind, TablePacker>;
  const begun = { rows: 0, inflatedBytes: 0 };

  for await (const member of gzipMembers(counted(object, counts))) {
    counts.members++;
    const where = { object_key: key, member: member.number };
    if (member.kind === "damaged") {
      counts.damagedMembers++;
      const { reason, value, limit } = member.damage;
      addReject(rejects, { ...where, ...wholeMember, value: `${value} at byte ${member.offset}`, limit, reason });
      continue;
    }
    counts.inflatedBytes += member.bytes.length;
    begun.inflatedBytes += member.bytes.length;
    for (const [line, text] of member.bytes.toString("utf8").split("\n").entries()) {
      if (text === "") continue;
      const decoded = decodeBatch(text, arrivedAtMs);
      counts.rejectedRows += decoded.rejectedRowCount;
      for (const reject of decoded.rejects) addReject(rejects, { ...where, line, ...reject });
      rejects.count += decoded.rejectCount - decoded.rejects.length;
      for (const kind of sampleKinds) {
        const table = decoded.tables[kind];
        if (table === undefined) continue;
        packers[kind].add(table);
        counts.rows[kind] += table.rowCount;
        begun.rows += table.rowCount;
      }
    }
    if (begun.rows < partRows && begun.inflatedBytes < PART_INFLATED_BYTES) continue;
    yield packAll(packers);
    for (const kind of sampleKinds) packers[kind].clear();
    Object.assign(begun, { rows: 0, inflatedBytes: 0 });
  }
  if (begun.rows > 0) yield packAll(packers);
}

async function* counted(object: AsyncIterable<Uint8Array>, counts: RawCounts): AsyncGenerator<Uint8Array> {
  for await (const bytes of object) {
    counts.bytesIn += bytes.length;
    yield bytes;
  }
}

const packAll = (packers: Readonly<Record<SampleKind, TablePacker>>): RawTables => ({
  process: packers.process.pack(),
  host: packers.host.pack(),
  collector: packers.collector.pack(),
  detail: packers.detail.pack(),
});

const wholeMember = { line: null, kind: null, row: null, field: null };
