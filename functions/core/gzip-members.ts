// Takes an object of concatenated gzip members apart, so that a damaged member costs only itself.
// What the members hold is left to the caller; RFC 1952 is the format.
import { crc32, inflateRawSync } from "node:zlib";
import { err, ok, type Result } from "../../schema/result.ts";

/** A batch of BATCH_ROWS_MAX rows is about 24 MiB of JSON; more than twice that is a bomb or not ours. */
export const MEMBER_INFLATED_BYTES_MAX = 64 * 1_024 * 1_024;
/** Firehose's largest buffer, 128 MiB, at our usual ratio of 12; beyond it many small bombs would take hours. */
export const OBJECT_INFLATED_BYTES_MAX = 2_048 * 1_024 * 1_024;
/** Every damaged member costs a try; an object made of nothing but gzip magic must not cost a million. */
export const DAMAGED_MEMBERS_MAX = 1_000;

/** Value and limit are short texts for people. */
export interface Damage {
  readonly reason:
    | "gzip_header"
    | "gzip_data"
    | "gzip_truncated"
    | "gzip_crc"
    | "gzip_length"
    | "gzip_too_large"
    | "gzip_abandoned";
  readonly value: string;
  readonly limit: string;
}

export type Member =
  | { readonly kind: "inflated"; readonly number: number; readonly bytes: Buffer }
  | { readonly kind: "damaged"; readonly number: number; readonly offset: number; readonly damage: Damage };

/** Members in order, numbered from 0, damaged ones included. Trailing zeros (padding) are no member. */
export function* gzipMembers(object: Uint8Array): Generator<Member> {
  let offset = 0;
  let inflatedBytes = 0;
  let damagedCount = 0;
  for (let number = 0; offset < object.length && !isPadding(object, offset); number++) {
    const abandoned = abandonReason(inflatedBytes, damagedCount);
    if (abandoned !== null) {
      yield { kind: "damaged", number, offset, damage: abandoned };
      return;
    }
    const member = inflateMember(object, offset);
    if (member.ok) {
      yield { kind: "inflated", number, bytes: member.value.bytes };
      inflatedBytes += member.value.bytes.length;
      offset = member.value.end;
    } else {
      yield { kind: "damaged", number, offset, damage: member.error };
      if (member.error.reason === "gzip_too_large") inflatedBytes += MEMBER_INFLATED_BYTES_MAX;
      damagedCount++;
      offset = nextHeader(object, offset + 1);
    }
  }
}

function abandonReason(inflatedBytes: number, damagedCount: number): Damage | null {
  const because = (value: string, limit: string): Damage => ({ reason: "gzip_abandoned", value, limit });
  if (inflatedBytes > OBJECT_INFLATED_BYTES_MAX) {
    return because(`${inflatedBytes} bytes inflated`, `${OBJECT_INFLATED_BYTES_MAX} bytes an object`);
  }
  if (damagedCount >= DAMAGED_MEMBERS_MAX) {
    return because(`${damagedCount} damaged members`, `${DAMAGED_MEMBERS_MAX} damaged members an object`);
  }
  return null;
}

const TRAILER_BYTES = 8;
/** Batches inflate to about 100 KiB to 1 MiB; zlib's default of 16 KiB pieces would make many small copies. */
const INFLATE_CHUNK_BYTES = 512 * 1_024;

function inflateMember(object: Uint8Array, start: number): Result<{ bytes: Buffer; end: number }, Damage> {
  const damaged = (reason: Damage["reason"], value: string, limit: string) => err<Damage>({ reason, value, limit });
  const dataStart = headerEnd(object, start);
  if (dataStart === null) return damaged("gzip_header", hex(object.subarray(start, start + 4)), "1f8b08 and known flags");

  let bytes: Buffer;
  let trailer: number;
  try {
    const inflated = inflateRawSync(object.subarray(dataStart), {
      info: true,
      chunkSize: INFLATE_CHUNK_BYTES,
      maxOutputLength: MEMBER_INFLATED_BYTES_MAX,
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    bytes = inflated.buffer;
    trailer = dataStart + inflated.engine.bytesWritten;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "ERR_BUFFER_TOO_LARGE") {
      return damaged(
        "gzip_too_large",
        `more than ${MEMBER_INFLATED_BYTES_MAX} bytes`,
        `${MEMBER_INFLATED_BYTES_MAX} bytes a member`,
      );
    }
    if (code === "Z_BUF_ERROR") return damaged("gzip_truncated", `${object.length - start} bytes`, "a whole member");
    if (code.startsWith("Z_")) return damaged("gzip_data", code, "a deflate stream");
    throw error;
  }

  const end = trailer + TRAILER_BYTES;
  if (end > object.length) return damaged("gzip_truncated", `${object.length - start} bytes`, `${end - start} bytes`);
  const view = new DataView(object.buffer, object.byteOffset + trailer, TRAILER_BYTES);
  const [crcStored, lengthStored] = [view.getUint32(0, true), view.getUint32(4, true)];
  const crc = crc32(bytes);
  if (crc !== crcStored) return damaged("gzip_crc", crc.toString(16), crcStored.toString(16));
  if (bytes.length !== lengthStored) return damaged("gzip_length", `${bytes.length} bytes`, `${lengthStored} bytes`);
  return ok({ bytes, end });
}

const FLAG_CRC = 2;
const FLAG_EXTRA = 4;
const FLAG_NAME = 8;
const FLAG_COMMENT = 16;
const FLAGS_RESERVED = 0xe0;
const FIXED_HEADER_BYTES = 10;

/** Where the deflate stream of the member at `start` begins; null when no gzip header stands there. RFC 1952, 2.3. */
function headerEnd(object: Uint8Array, start: number): number | null {
  if (!isHeader(object, start)) return null;
  const flags = object[start + 3] ?? 0;
  let position = start + FIXED_HEADER_BYTES;
  if (flags & FLAG_EXTRA) position += 2 + (object[position] ?? 0) + 256 * (object[position + 1] ?? 0);
  for (const text of [FLAG_NAME, FLAG_COMMENT]) {
    if (!(flags & text)) continue;
    const terminator = object.indexOf(0, position);
    position = terminator < 0 ? object.length : terminator + 1;
  }
  if (flags & FLAG_CRC) position += 2;
  return Math.min(position, object.length);
}

const isHeader = (object: Uint8Array, at: number): boolean =>
  object[at] === 0x1f && object[at + 1] === 0x8b && object[at + 2] === 8 && ((object[at + 3] ?? 0xff) & FLAGS_RESERVED) === 0;

function nextHeader(object: Uint8Array, from: number): number {
  let at = object.indexOf(0x1f, from);
  while (at >= 0 && !isHeader(object, at)) at = object.indexOf(0x1f, at + 1);
  return at < 0 ? object.length : at;
}

function isPadding(object: Uint8Array, from: number): boolean {
  for (let at = from; at < object.length; at++) if (object[at] !== 0) return false;
  return true;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
