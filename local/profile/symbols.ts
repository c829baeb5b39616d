// Names for return addresses: which file's code it is, and which function of that file.
// Reading ELF is elf.ts's. Files are opened as the process has them, in its own mount namespace, and only when they are the same.
import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
import { basename } from "node:path";
import { foreignFileSystem } from "../../collector/proc/mountinfo.ts";
import { type ElfFile, readElf } from "./elf.ts";
import { type Mapping, mappingAt } from "./mappings.ts";
import { plainName } from "./plain-name.ts";

export interface Place {
  /** Null where nothing is mapped there, or code that belongs to no file (made by a JIT compiler, or unloaded since). */
  readonly mapping: Mapping | null;
  /** As the file has it; null where it says nothing. */
  readonly symbol: string | null;
  /** For people, never empty: the function, or the file and the place in it. */
  readonly name: string;
}

export interface Symbols {
  /** Of the call before a return address. */
  placeOf(returnAddress: number): Place;
  buildIdOf(mapping: Mapping): string | null;
  close(): void;
}

export function openSymbols(pid: number, code: readonly Mapping[]): Symbols {
  const files = new Map<string, { readonly elf: ElfFile | null; readonly descriptor: number | null }>();
  const places = new Map<number, Place>();
  const elfOf = (mapping: Mapping): ElfFile | null => {
    const key = `${mapping.inode} ${mapping.path}`;
    const known = files.get(key) ?? open(pid, mapping);
    files.set(key, known);
    return known.elf;
  };
  const look = (address: number): Place => {
    const mapping = mappingAt(code, address);
    if (mapping === null) return { mapping, symbol: null, name: `unknown 0x${address.toString(16)}` };
    const fileOffset = address - mapping.start + mapping.offset;
    const elf = elfOf(mapping);
    const virtual = elf?.addressOf(fileOffset) ?? null;
    const symbol = virtual === null ? null : (elf?.functionAt(virtual) ?? null);
    return {
      mapping,
      symbol,
      name: symbol === null ? `${basename(mapping.path)}+0x${fileOffset.toString(16)}` : plainName(symbol),
    };
  };
  return {
    placeOf(returnAddress) {
      const place = places.get(returnAddress) ?? look(returnAddress - 1);
      places.set(returnAddress, place);
      return place;
    },
    buildIdOf: (mapping) => elfOf(mapping)?.buildId ?? null,
    close() {
      for (const { descriptor } of files.values()) if (descriptor !== null) closeSync(descriptor);
    },
  };
}

/** Without a file there are no names, and that is all. */
function open(pid: number, mapping: Mapping): { elf: ElfFile | null; descriptor: number | null } {
  const none = { elf: null, descriptor: null };
  if (!mapping.path.startsWith("/") || SLOW.test(foreignFileSystem(pid, mapping.path) ?? "")) return none;
  // The first link leads to the very file, replaced or deleted since, but opens to root alone.
  const range = `${mapping.start.toString(16)}-${mapping.end.toString(16)}`;
  const paths = [`/proc/${pid}/map_files/${range}`, ...(mapping.isDeleted ? [] : [`/proc/${pid}/root${mapping.path}`])];
  for (const path of paths) {
    const descriptor = openQuietly(path);
    if (descriptor === null) continue;
    const stats = fstatSync(descriptor, { bigint: true });
    const elf = stats.isFile() && String(stats.ino) === mapping.inode ? readQuietly(descriptor) : null;
    if (elf !== null) return { elf, descriptor };
    closeSync(descriptor);
  }
  return none;
}

/** A server that does not answer would hold us for as long as it likes. */
const SLOW = / lies on (nfs|cifs|smb|fuse|9p|ceph|lustre|afs)/;

/** Looked at before it is opened: opening a device can set it going. */
function openQuietly(path: string): number | null {
  try {
    if (!statSync(path).isFile()) return null;
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return null; // Gone, or not for us to see: its functions stay nameless.
  }
}

function readQuietly(descriptor: number): ElfFile | null {
  try {
    return readElf(descriptor);
  } catch {
    return null; // It cannot be read to its end.
  }
}
