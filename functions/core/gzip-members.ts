// Takes a stream of concatenated gzip members apart, so that a damaged member costs only itself.
// What the members hold is left to the caller; RFC 1952 is the format.
import { crc32, inflateRawSync } from "node:zlib";
import { err, ok, type Result } from "../../schema/result.ts";
import { AHEAD_BYTES_MAX, ByteWindow } from "./byte-window.ts";

/** A batch of BATCH_ROWS_MAX rows is about 24 MiB of JSON; more than twice that is a bomb or not ours. */
export const MEMBER_INFLATED_BYTES_MAX = 64 * 1_024 * 1_024;
/** Firehose takes no larger record than 1,000 KiB, and a record is a member; what needs twice that is not ours. */
const MEMBER_BYTES_MAX = AHEAD_BYTES_MAX;
/** RAW_OBJECT_BYTES_MAX at our usual ratio of 12; beyond it many small bombs would outlast the function. */
export const OBJECT_INFLATED_BYTES_MAX = 12 * 1_024 * 1_024 * 1_024;
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

/**
 * Members in order, numbered from 0, damaged ones included; their offsets are those of the object. Trailing zeros
 * (padding) are no member. The bytes of a member are good until the next one is asked for.
 */
export async function* gzipMembers(object: AsyncIterable<Uint8Array>): AsyncGenerator<Member> {
  const window = new ByteWindow(object);
  let inflatedBytes = 0;
  let damagedCount = 0;
  try {
    for (let number = 0; ; number++) {
      await window.fill(MEMBER_BYTES_MAX);
      const { offset } = window;
      if (await skipZeros(window)) return;
      const abandoned = abandonReason(inflatedBytes, damagedCount);
      if (abandoned !== null) {
        yield { kind: "damaged", number, offset, damage: abandoned };
        return;
      }
      const member = window.offset === offset ? inflateMember(window.ahead, window.hasEnded) : err(zerosBetween);
      if (member.ok) {
        yield { kind: "inflated", number, bytes: member.value.bytes };
        inflatedBytes += member.value.bytes.length;
        window.skip(member.value.end);
      } else {
        yield { kind: "damaged", number, offset, damage: member.error };
        if (member.error.reason === "gzip_too_large") inflatedBytes += MEMBER_INFLATED_BYTES_MAX;
        damagedCount++;
        if (window.offset === offset) window.skip(1);
        await skipToHeader(window);
      }
    }
  } finally {
    await window.close();
  }
}

const zerosBetween: Damage = { reason: "gzip_header", value: "00000000", limit: "1f8b08 and known flags" };

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

/** The member at the start of `ahead`, which is all that is left of the object, or more than a member can have. */
function inflateMember(ahead: Uint8Array, isAllLeft: boolean): Result<{ bytes: Buffer; end: number }, Damage> {
  const damaged = (reason: Damage["reason"], value: string, limit: string) => err<Damage>({ reason, value, limit });
  const cut = (needed: string) =>
    isAllLeft
      ? damaged("gzip_truncated", `${ahead.length} bytes`, needed)
      : damaged(
          "gzip_too_large",
          `more than ${ahead.length} compressed bytes`,
          `${MEMBER_BYTES_MAX} compressed bytes a member`,
        );
  const dataStart = headerEnd(ahead);
  if (dataStart === null) return damaged("gzip_header", hex(ahead.subarray(0, 4)), "1f8b08 and known flags");

  let bytes: Buffer;
  let trailer: number;
  try {
    const inflated = inflateRawSync(ahead.subarray(dataStart), {
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
    if (code === "Z_BUF_ERROR") return cut("a whole member");
    if (code.startsWith("Z_")) return damaged("gzip_data", code, "a deflate stream");
    throw error;
  }

  const end = trailer + TRAILER_BYTES;
  if (end > ahead.length) return cut(`${end} bytes`);
  const view = new DataView(ahead.buffer, ahead.byteOffset + trailer, TRAILER_BYTES);
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
/** Of them, those by which a header is recognised. */
const RECOGNISED_BYTES = 4;

/** Where the deflate stream of the member at the start of `ahead` begins; null when no gzip header stands there. RFC 1952, 2.3. */
function headerEnd(ahead: Uint8Array): number | null {
  if (!isHeader(ahead, 0)) return null;
  const flags = ahead[3] ?? 0;
  let position = FIXED_HEADER_BYTES;
  if (flags & FLAG_EXTRA) position += 2 + (ahead[position] ?? 0) + 256 * (ahead[position + 1] ?? 0);
  for (const text of [FLAG_NAME, FLAG_COMMENT]) {
    if (!(flags & text)) continue;
    const terminator = ahead.indexOf(0, position);
    position = terminator < 0 ? ahead.length : terminator + 1;
  }
  if (flags & FLAG_CRC) position += 2;
  return Math.min(position, ahead.length);
}

const isHeader = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === 0x1f && bytes[at + 1] === 0x8b && bytes[at + 2] === 8 && ((bytes[at + 3] ?? 0xff) & FLAGS_RESERVED) === 0;

/** Goes to the next place that looks like a header, or to the end. */
async function skipToHeader(window: ByteWindow): Promise<void> {
  for (;;) {
    await window.fill(MEMBER_BYTES_MAX);
    const { ahead } = window;
    let at = ahead.indexOf(0x1f);
    // A header that is cut by the window's end is looked at again with what follows it.
    while (at >= 0 && at + RECOGNISED_BYTES <= ahead.length && !isHeader(ahead, at)) at = ahead.indexOf(0x1f, at + 1);
    const isCut = at >= 0 && at + RECOGNISED_BYTES > ahead.length;
    if (at >= 0 && !isCut) return window.skip(at);
    window.skip(isCut && !window.hasEnded ? at : ahead.length);
    if (window.hasEnded) return;
  }
}

/** Whether nothing but zeros, or nothing at all, is left of the object. */
async function skipZeros(window: ByteWindow): Promise<boolean> {
  for (;;) {
    const { ahead } = window;
    const used = ahead.findIndex((byte) => byte !== 0);
    window.skip(used < 0 ? ahead.length : used);
    if (used >= 0) return false;
    if (window.hasEnded) return true;
    await window.fill(MEMBER_BYTES_MAX);
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
