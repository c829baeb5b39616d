// The first bytes of every file that our preloaded libraries leave: who wrote it, for which process, under which settings.
// Layout: struct tidemark_header of native/abi/tidemark_abi.h. What follows it is read by ring.ts and failures.ts.
import { err, ok, type Result } from "../../schema/result.ts";
import { wordsOf } from "./words.ts";

const MAGIC = "TIDEMARK";
const ABI_VERSION = 1;
export const RING_KIND = 1;
export const FAILURES_KIND = 2;

const allocators = ["unknown", "glibc", "jemalloc", "tcmalloc", "mimalloc"] as const;
export type RingAllocator = (typeof allocators)[number];

/** A day: whoever measures more seldom does not measure. */
const INTERVAL_MS_MAX = 86_400_000;
const VERSION_OFFSET = 64;
const VERSION_LENGTH = 64;
const TUNABLES_OFFSET = 128;
const TUNABLES_LENGTH = 1_024;

export interface Header {
  /** In the pid namespace of the process. */
  readonly pid: number;
  /** Nanoseconds since 1970, in hexadecimal, as in the file's name. */
  readonly startedHex: string;
  readonly allocator: RingAllocator;
  readonly allocator_version: string | null;
  /** What the allocator says is in effect; null when it says nothing. */
  readonly tunables: string | null;
  /** Between records when all is well; null when the file says nothing that could be one. */
  readonly intervalMs: number | null;
  readonly reliefIsAllowed: boolean;
  readonly profileIsAllowed: boolean;
}

/** Sizes that a file of that kind has; any others belong to another layout. */
export interface Layout {
  readonly kind: number;
  readonly file_bytes: number;
  readonly header_bytes?: number;
  readonly record_bytes?: number;
  readonly record_count?: number;
}

/** The bytes must be at least those of the layout's smallest file. */
export function headerOf(bytes: Buffer, layout: Layout): Result<Header, string> {
  const magic = bytes.toString("latin1", 0, MAGIC.length);
  if (magic !== MAGIC) return err("no ring file of Tidemark");
  const version = bytes.readUInt32LE(8);
  if (version !== ABI_VERSION) return err(`version ${version} of the layout, not ${ABI_VERSION}`);
  const found = {
    kind: bytes.readUInt32LE(12),
    file_bytes: bytes.readUInt32LE(16),
    header_bytes: bytes.readUInt32LE(20),
    record_bytes: bytes.readUInt32LE(24),
    record_count: bytes.readUInt32LE(28),
  };
  for (const name of ["kind", "file_bytes", "header_bytes", "record_bytes", "record_count"] as const) {
    const expected = layout[name];
    if (expected !== undefined && found[name] !== expected) return err(`${name} is ${found[name]}, not ${expected}`);
  }
  const allocator = allocators[bytes.readUInt32LE(36)];
  if (allocator === undefined) return err(`no allocator has the number ${bytes.readUInt32LE(36)}`);
  const interval = wordsOf(bytes, 0).count(48);
  return ok({
    pid: bytes.readUInt32LE(32),
    startedHex: bytes.readBigUInt64LE(40).toString(16),
    allocator,
    allocator_version: textOf(bytes, VERSION_OFFSET, VERSION_LENGTH),
    tunables: textOf(bytes, TUNABLES_OFFSET, TUNABLES_LENGTH),
    intervalMs: interval !== null && interval >= 1 && interval <= INTERVAL_MS_MAX ? interval : null,
    reliefIsAllowed: bytes.readUInt32LE(56) === 1,
    profileIsAllowed: bytes.readUInt32LE(60) === 1,
  });
}

/** Up to the first NUL; null when there is none, or nothing before it, or it is not UTF-8. Control characters are left out. */
function textOf(bytes: Buffer, offset: number, length: number): string | null {
  const end = bytes.subarray(offset, offset + length).indexOf(0);
  if (end <= 0) return null;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(offset, offset + end));
    return text.replace(/\p{C}/gu, "").trim() || null;
  } catch {
    return null;
  }
}
