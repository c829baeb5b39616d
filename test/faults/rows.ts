// Which rows lie in a record or in a raw object, read without the code under test: gzip and JSON alone.
// What has become of them in the lake is evidence.ts's.
import { gunzipSync, inflateRawSync } from "node:zlib";

/** `host boot sequence`: what names a row once and for all, whatever its kind. */
export type RowId = string;

export interface SentRow {
  readonly id: RowId;
  readonly sequence: number;
  readonly kind: string;
  readonly line: number;
  /** Its place among the rows of its kind in the line. */
  readonly row: number;
}

interface Line {
  readonly host: { readonly host_id: string; readonly boot_id: string };
  readonly k: Readonly<Record<string, { readonly c: { readonly sequence: readonly number[] } }>>;
}

export const rowId = (host: string, boot: string, sequence: number | string): RowId => `${host} ${boot} ${sequence}`;

/** Rows of one or more gzip members of undamaged batches. */
export const rowsIn = (members: Uint8Array): readonly SentRow[] =>
  gunzipSync(members)
    .toString()
    .split("\n")
    .flatMap((text, line) => (text === "" ? [] : rowsOfLine(JSON.parse(text) as Line, line)));

const rowsOfLine = ({ host, k }: Line, line: number): readonly SentRow[] =>
  Object.entries(k).flatMap(([kind, { c }]) =>
    c.sequence.map((sequence, row) => ({ id: rowId(host.host_id, host.boot_id, sequence), sequence, kind, line, row })),
  );

/** zlib writes ten bytes of header and eight of trailer, and no names. RFC 1952, 2.3. */
const HEADER_BYTES = 10;
const TRAILER_BYTES = 8;

/** The members of an undamaged object. */
export function membersOf(object: Uint8Array): readonly Uint8Array[] {
  const members: Uint8Array[] = [];
  for (let at = 0; at < object.length; ) {
    const { engine } = inflateRawSync(object.subarray(at + HEADER_BYTES), { info: true }) as unknown as {
      engine: { bytesWritten: number };
    };
    const end = at + HEADER_BYTES + engine.bytesWritten + TRAILER_BYTES;
    members.push(object.subarray(at, end));
    at = end;
  }
  return members;
}
