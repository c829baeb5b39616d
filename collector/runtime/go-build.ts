// Whether a program was built by Go, and by which version: from what the linker left in its file. 64-bit ELF, man 5 elf.
// Source of the form: Go's src/debug/buildinfo/buildinfo.go (version inline since Go 1.18). A file may hold anything: all reads are bounded.

/** Bytes of the file from there on, at most so many; fewer at its end. */
export type ReadAt = (position: number, length: number) => Buffer;

export interface GoBuild {
  /** For example `1.26.8`; null where the file is older than Go 1.18 or says it in a form of its own. */
  readonly version: string | null;
}

const ELF_HEADER_BYTES = 64;
const SECTION_HEADER_BYTES = 64;
/** Go programs have some 25 sections, with C in them some 40. */
const SECTIONS_MAX = 256;
const SECTION_NAMES_BYTES_MAX = 64 * 1_024;
const SECTION = ".go.buildinfo";
const MAGIC = "\xff Go buildinf:";
/** Magic, pointer size and flags, padded; then the version, its length before it. */
const VERSION_OFFSET = 32;
const FLAG_INLINE = 2;
const VERSION_BYTES_MAX = 127;

/** Null where the file is no Go program, or no ELF file of this machine's byte order. */
export function goBuildOf(readAt: ReadAt): GoBuild | null {
  const offset = sectionOffset(readAt);
  if (offset === null) return null;
  const bytes = readAt(offset, VERSION_OFFSET + 1 + VERSION_BYTES_MAX);
  if (bytes.toString("latin1", 0, MAGIC.length) !== MAGIC) return null;
  return { version: versionIn(bytes) };
}

function sectionOffset(readAt: ReadAt): number | null {
  const header = readAt(0, ELF_HEADER_BYTES);
  const isElf64 = header.length === ELF_HEADER_BYTES && header.toString("latin1", 0, 6) === "\x7fELF\x02\x01";
  if (!isElf64 || header.readUInt16LE(58) !== SECTION_HEADER_BYTES) return null;
  const count = Math.min(header.readUInt16LE(60), SECTIONS_MAX);
  const sections = readAt(Number(header.readBigUInt64LE(40)), count * SECTION_HEADER_BYTES);
  const names = namesOf(sections, header.readUInt16LE(62), readAt);
  for (let at = 0; at + SECTION_HEADER_BYTES <= sections.length; at += SECTION_HEADER_BYTES) {
    const name = sections.readUInt32LE(at);
    if (names.startsWith(`${SECTION}\0`, name)) return Number(sections.readBigUInt64LE(at + 24));
  }
  return null;
}

function namesOf(sections: Buffer, index: number, readAt: ReadAt): string {
  const at = index * SECTION_HEADER_BYTES;
  if (at + SECTION_HEADER_BYTES > sections.length) return "";
  const length = Math.min(Number(sections.readBigUInt64LE(at + 32)), SECTION_NAMES_BYTES_MAX);
  return readAt(Number(sections.readBigUInt64LE(at + 24)), length).toString("latin1");
}

/** `go1.26.8` and, with experiments switched on, words behind it. */
function versionIn(bytes: Buffer): string | null {
  if (bytes.length <= VERSION_OFFSET || ((bytes[MAGIC.length + 1] ?? 0) & FLAG_INLINE) === 0) return null;
  // A length beyond 127 would take a second byte; no version is that long.
  const length = bytes[VERSION_OFFSET] ?? 0;
  const text = bytes.toString("latin1", VERSION_OFFSET + 1, VERSION_OFFSET + 1 + length);
  return /^go(\d+(?:\.\d+)*(?:rc\d+|beta\d+)?)(?= |$)/.exec(text)?.[1] ?? null;
}
