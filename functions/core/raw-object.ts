// Reads a raw object whole: members, lines, checked tables, and one list of everything that was not taken.
// Order, partitions and files are left to lake-files.ts.
import type { SampleKind } from "../../schema/columns.ts";
import { sampleKinds } from "../../schema/columns.ts";
import { decodeBatch } from "../../schema/decode.ts";
import type { ConvertRequest } from "./convert-message.ts";
import { gzipMembers } from "./gzip-members.ts";
import { createTablePacker, type PackedTable } from "./pack-tables.ts";
import { addReject, emptyRejects, type RejectList } from "./rejects.ts";

export interface RawObject {
  /** All rows of each kind, in the order in which they arrived. */
  readonly tables: Readonly<Record<SampleKind, PackedTable>>;
  readonly rejects: RejectList;
  readonly counts: RawCounts;
}

export interface RawCounts {
  readonly members: number;
  readonly damagedMembers: number;
  readonly inflatedBytes: number;
  readonly rows: Readonly<Record<SampleKind, number>>;
  readonly rejectedRows: number;
}

export function readRawObject(object: Uint8Array, { key, arrivedAtMs }: ConvertRequest): RawObject {
  const rejects = emptyRejects();
  const packers = {
    process: createTablePacker("process"),
    host: createTablePacker("host"),
    collector: createTablePacker("collector"),
  } as const satisfies Record<SampleKind, unknown>;
  const rows = { process: 0, host: 0, collector: 0 };
  let members = 0;
  let damagedMembers = 0;
  let inflatedBytes = 0;
  let rejectedRows = 0;

  for (const member of gzipMembers(object)) {
    members++;
    const where = { object_key: key, member: member.number };
    if (member.kind === "damaged") {
      damagedMembers++;
      const { reason, value, limit } = member.damage;
      addReject(rejects, { ...where, ...wholeMember, value: `${value} at byte ${member.offset}`, limit, reason });
      continue;
    }
    inflatedBytes += member.bytes.length;
    for (const [line, text] of member.bytes.toString("utf8").split("\n").entries()) {
      if (text === "") continue;
      const decoded = decodeBatch(text, arrivedAtMs);
      rejectedRows += decoded.rejectedRowCount;
      for (const reject of decoded.rejects) addReject(rejects, { ...where, line, ...reject });
      for (const kind of sampleKinds) {
        const table = decoded.tables[kind];
        if (table === undefined) continue;
        packers[kind].add(table);
        rows[kind] += table.rowCount;
      }
    }
  }
  const tables = { process: packers.process.pack(), host: packers.host.pack(), collector: packers.collector.pack() };
  return { tables, rejects, counts: { members, damagedMembers, inflatedBytes, rows, rejectedRows } };
}

const wholeMember = { line: null, kind: null, row: null, field: null };
