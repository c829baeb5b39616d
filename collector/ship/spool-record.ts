// A record in a file of the spool: a header that vouches for itself and for what follows, found again behind damage.
// Files, their order and their bound are spool.ts's.
import { crc32 } from "node:zlib";
import { RECORD_BYTES_MAX } from "../../schema/wire.ts";

/** `TMR1`, little-endian like every number here. Another layout takes another word, and is skipped as damage by this one. */
const MAGIC = 0x31524d54;
const MAGIC_BYTES = Buffer.from("TMR1");
export const HEADER_BYTES = 24;
/** Offset of the word that is overwritten in place once the record is delivered; no checksum covers it. */
export const STATE_OFFSET = 4;
const STATE_WAITS = 0;
/** Every other value counts as waiting: a mark that is damaged costs a repetition, never a row. */
const STATE_DELIVERED = 0x454e4f44;
/** Beyond it a length is damage: nothing larger could be delivered. */
const LENGTH_MAX = RECORD_BYTES_MAX;
/** Host with more rows than this in one record would have been split long before. */
const ROWS_MAX = 1_000_000;

/** magic, state, length, rows, CRC-32 of what follows, CRC-32 of the header without the state. */
export interface RecordHeader {
  readonly isDelivered: boolean;
  readonly length: number;
  readonly rowCount: number;
  readonly payloadCrc: number;
}

export function recordBytes(payload: Uint8Array, rowCount: number): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(STATE_WAITS, STATE_OFFSET);
  bytes.writeUInt32LE(payload.length, 8);
  bytes.writeUInt32LE(rowCount, 12);
  bytes.writeUInt32LE(crc32(payload), 16);
  bytes.writeUInt32LE(headerCrc(bytes), 20);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

export function deliveredMark(): Buffer {
  const mark = Buffer.alloc(4);
  mark.writeUInt32LE(STATE_DELIVERED);
  return mark;
}

/** Null when these bytes are not the header of a record. */
export function parseHeader(bytes: Buffer): RecordHeader | null {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32LE(0) !== MAGIC || bytes.readUInt32LE(20) !== headerCrc(bytes))
    return null;
  const [length, rowCount] = [bytes.readUInt32LE(8), bytes.readUInt32LE(12)];
  if (length > LENGTH_MAX || rowCount > ROWS_MAX) return null;
  const isDelivered = bytes.readUInt32LE(STATE_OFFSET) === STATE_DELIVERED;
  return { isDelivered, length, rowCount, payloadCrc: bytes.readUInt32LE(16) };
}

export const isIntact = (header: RecordHeader, payload: Uint8Array): boolean =>
  payload.length === header.length && crc32(payload) === header.payloadCrc;

/** Where in these bytes the next header is, from `from` on; null when there is none. */
export function nextHeader(bytes: Buffer, from: number): number | null {
  for (let at = bytes.indexOf(MAGIC_BYTES, from); at >= 0; at = bytes.indexOf(MAGIC_BYTES, at + 1)) {
    if (parseHeader(bytes.subarray(at, at + HEADER_BYTES)) !== null) return at;
  }
  return null;
}

const headerCrc = (bytes: Buffer): number => crc32(bytes.subarray(8, 20), crc32(bytes.subarray(0, 4)));
