// What an ELF file says about its own code: build id, where its segments are loaded, and the functions in its symbol tables.
// Opening the right file is symbols.ts's. Source: man 5 elf, System V ABI; 64 bits, little-endian, as the hosts are.
import { readSync } from "node:fs";

export interface ElfFile {
  /** Hexadecimal; null where the linker left none. */
  readonly buildId: string | null;
  /** Virtual address of a place in the file that is loaded as code, or null. */
  addressOf(fileOffset: number): number | null;
  /** Name of the function that holds the virtual address, or null. */
  functionAt(address: number): string | null;
}

/** A symbol table of Chromium is 150 MB; what is larger was made to fill our memory. */
const TABLE_BYTES_MAX = 256 * 1_024 * 1_024;
const SECTIONS_MAX = 4_096;
const NOTES_BYTES_MAX = 64 * 1_024;
const NAME_LENGTH_MAX = 2_048;
const SYMBOL_BYTES = 24;
const [PT_LOAD, PT_NOTE, SHT_SYMTAB, SHT_DYNSYM] = [1, 4, 2, 11];
/** Of st_info: functions, and those that are chosen at load time. */
const FUNCTION_TYPES = [2, 10];
const NT_GNU_BUILD_ID = 3;

/** Null when it is no such file. Never throws for what stands in it, only for a file that cannot be read. */
export function readElf(descriptor: number): ElfFile | null {
  const head = piece(descriptor, 0, 64);
  if (head === null || head.toString("latin1", 0, 6) !== "\x7fELF\x02\x01") return null;
  const programs = table(descriptor, number(head, 32), head.readUInt16LE(54), head.readUInt16LE(56), 56);
  const loads = programs
    .filter((entry) => entry.readUInt32LE(0) === PT_LOAD && (entry.readUInt32LE(4) & 1) !== 0)
    .map((entry) => ({ offset: number(entry, 8), address: number(entry, 16), bytes: number(entry, 32) }));
  let functions: Functions | null = null;
  return {
    buildId: buildIdOf(
      descriptor,
      programs.filter((entry) => entry.readUInt32LE(0) === PT_NOTE),
    ),
    addressOf(fileOffset) {
      const load = loads.find(({ offset, bytes }) => fileOffset >= offset && fileOffset < offset + bytes);
      return load === undefined ? null : fileOffset - load.offset + load.address;
    },
    functionAt(address) {
      functions ??= functionsOf(descriptor, head);
      return functions.at(address);
    },
  };
}

interface Functions {
  at(address: number): string | null;
}

/** Of .symtab where there is one, which has the local functions too, else of .dynsym; names are read when they are asked for. */
function functionsOf(descriptor: number, head: Buffer): Functions {
  const sections = table(descriptor, number(head, 40), head.readUInt16LE(58), head.readUInt16LE(60), 64);
  const typed = (type: number) => sections.find((section) => section.readUInt32LE(4) === type);
  const section = typed(SHT_SYMTAB) ?? typed(SHT_DYNSYM);
  const strings = section === undefined ? undefined : sections[section.readUInt32LE(40)];
  const symbols = section === undefined ? null : piece(descriptor, number(section, 24), number(section, 32));
  if (symbols === null || strings === undefined) return { at: () => null };
  const starts: { address: number; at: number }[] = [];
  for (let at = 0; at + SYMBOL_BYTES <= symbols.length; at += SYMBOL_BYTES) {
    const isFunction = FUNCTION_TYPES.includes(symbols.readUInt8(at + 4) & 0xf);
    const address = number(symbols, at + 8);
    // Section 0 means that it lies elsewhere.
    if (isFunction && address > 0 && symbols.readUInt16LE(at + 6) !== 0) starts.push({ address, at });
  }
  // Of several names for one place the one that came first: aliases differ in nothing that we know.
  starts.sort((one, other) => one.address - other.address || other.at - one.at);
  const [stringsOffset, stringsBytes] = [number(strings, 24), number(strings, 32)];
  return {
    at(address) {
      let [low, high] = [0, starts.length];
      while (low < high) {
        const middle = (low + high) >>> 1;
        if ((starts[middle]?.address ?? 0) <= address) low = middle + 1;
        else high = middle;
      }
      const found = starts[low - 1];
      if (found === undefined) return null;
      const bytes = number(symbols, found.at + 16);
      // Assembler may leave no size: then it reaches to the next one.
      if (bytes > 0 && address >= found.address + bytes) return null;
      const nameOffset = symbols.readUInt32LE(found.at);
      if (nameOffset === 0 || nameOffset >= stringsBytes) return null;
      const name = piece(descriptor, stringsOffset + nameOffset, Math.min(NAME_LENGTH_MAX, stringsBytes - nameOffset));
      const end = name?.indexOf(0) ?? -1;
      return name === null || end === 0 ? null : name.toString("utf8", 0, end === -1 ? name.length : end);
    },
  };
}

function buildIdOf(descriptor: number, notes: readonly Buffer[]): string | null {
  for (const entry of notes) {
    const bytes = piece(descriptor, number(entry, 8), Math.min(number(entry, 32), NOTES_BYTES_MAX));
    for (let at = 0; bytes !== null && at + 12 <= bytes.length; ) {
      const [nameBytes, contentBytes, type] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at + 8)];
      const content = at + 12 + align(nameBytes);
      if (content + contentBytes > bytes.length) break;
      if (type === NT_GNU_BUILD_ID && bytes.toString("latin1", at + 12, at + 16) === "GNU\0" && contentBytes <= 64)
        return bytes.toString("hex", content, content + contentBytes);
      at = content + align(contentBytes);
    }
  }
  return null;
}

const align = (bytes: number): number => Math.ceil(bytes / 4) * 4;

/** A 64-bit word; what exceeds 2^53 is no place in a file. */
function number(bytes: Buffer, at: number): number {
  const value = bytes.readBigUInt64LE(at);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : Number.MAX_SAFE_INTEGER;
}

function table(descriptor: number, offset: number, entryBytes: number, count: number, bytesMin: number): readonly Buffer[] {
  if (entryBytes < bytesMin || count > SECTIONS_MAX) return [];
  const bytes = piece(descriptor, offset, entryBytes * count);
  if (bytes === null) return [];
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * entryBytes, (at + 1) * entryBytes));
}

/** Null when the file does not have all of it. */
function piece(descriptor: number, offset: number, length: number): Buffer | null {
  if (length > TABLE_BYTES_MAX || !Number.isSafeInteger(offset + length)) return null;
  const bytes = Buffer.alloc(length);
  return readSync(descriptor, bytes, 0, length, offset) === length ? bytes : null;
}
