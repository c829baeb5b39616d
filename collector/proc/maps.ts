// /proc/pid/maps: how many mappings, how many small ones, which libraries, and which files its runtime and we left. man 5 proc_pid_maps.
// Heaps are found in it by native/, which reads it for itself.
import { ok, type Result } from "../../schema/result.ts";
import { malformed, type ProcError } from "./read.ts";

/** A file that a process has mapped. */
export interface MappedFile {
  /** As the process sees it, or as we do where it sees less than we (chroot). */
  readonly path: string;
  /** Major and minor number as maps tells them, which need not be what stat tells. */
  readonly device: string;
  /** Decimal digits: an inode number may exceed 2^53. */
  readonly inode: string;
  readonly isDeleted: boolean;
}

/** One mapped shared under the name that our preloaded libraries give theirs. */
export interface MappedRing extends MappedFile {
  readonly kind: "ring" | "failures";
}

export interface Maps {
  readonly vma_count: number;
  readonly small_mapping_count: number;
  readonly small_mapping_bytes: number;
  /** Paths of mapped files with executable pages, without repeats, in address order. */
  readonly executablePaths: readonly string[];
  readonly rings: readonly MappedRing[];
  /** Where a JVM writes its figures, for jstat and for us; null where none is mapped. */
  readonly perfData: MappedFile | null;
}

/** Of a mapping's line, behind its address and its rights. */
const FILE = /^ [0-9a-f]+ ([0-9a-f]+:[0-9a-f]+) (\d+) +(\/.*?)( \(deleted\))?$/;
const EXECUTABLE_FILE = /^ [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ \d+ +(\/.*)$/;
/** The names are native/abi/tidemark_abi.h's. */
const RING_NAME = /\/\d+-[0-9a-f]+\.(ring|failures)$/;
/** The name is the JVM's: os/posix/perfMemory_posix.cpp of HotSpot. */
const PERF_DATA_NAME = /\/hsperfdata_[^/]+\/\d+$/;
/** One of each is usual; whoever maps more means to keep us busy. */
const RINGS_MAX = 4;
/** Smaller than what malloc asks the kernel for at once, its own heaps and thresholds raised by use apart. */
const SMALL_BYTES = 1_024 * 1_024;
/** Private memory that belongs to no file. What a process names itself (PR_SET_VMA_ANON_NAME) stands behind. */
const ANONYMOUS = " 00000000 00:00 0 ";

export function parseMaps(text: string, path: string): Result<Maps, ProcError> {
  if (text !== "" && !/^[0-9a-f]+-[0-9a-f]+ /.test(text)) return malformed(path, text);
  const executablePaths = new Set<string>();
  const rings: MappedRing[] = [];
  let perfData: MappedFile | null = null;
  let [vma_count, small_mapping_count, small_mapping_bytes] = [0, 0, 0];
  let at = 0;
  // A scattered heap has 60,000 of these lines: they are looked at where they lie, and few are cut out.
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", at)) {
    const rights = text.indexOf(" ", at) + 1;
    vma_count++;
    if (text[rights + 2] === "x") {
      const executable = EXECUTABLE_FILE.exec(text.slice(rights + 4, end))?.[1];
      if (executable !== undefined) executablePaths.add(executable);
    }
    if (text[rights + 3] === "s") {
      const file = fileOf(text.slice(rights + 4, end));
      const ring = file === null ? null : ringOf(file);
      if (ring !== null && rings.length < RINGS_MAX) rings.push(ring);
      if (file !== null && PERF_DATA_NAME.test(file.path)) perfData ??= file;
    } else if (isAnonymous(text, rights, end)) {
      const bytes = bytesOf(text, at, rights - 1);
      if (bytes >= 0 && bytes < SMALL_BYTES) {
        small_mapping_count++;
        small_mapping_bytes += bytes;
      }
    }
    at = end + 1;
  }
  const executables = [...executablePaths];
  return ok({ vma_count, small_mapping_count, small_mapping_bytes, executablePaths: executables, rings, perfData });
}

/** The rings of `parseMaps`, for those who want nothing else. */
export function ringsOf(text: string): readonly MappedRing[] {
  const maps = parseMaps(text, "maps");
  return maps.ok ? maps.value.rings : [];
}

function fileOf(line: string): MappedFile | null {
  const [, device = "", inode = "", path = "", deleted] = FILE.exec(line) ?? [];
  if (path === "") return null;
  return { path: Buffer.from(path, "latin1").toString("utf8"), device, inode, isDeleted: deleted !== undefined };
}

function ringOf(file: MappedFile): MappedRing | null {
  const kind = RING_NAME.exec(file.path)?.[1];
  return kind === undefined ? null : { kind: kind === "ring" ? "ring" : "failures", ...file };
}

/** Not what may be neither read nor written: guard pages, and what malloc has reserved for later. */
function isAnonymous(text: string, rights: number, end: number): boolean {
  if (text.startsWith("--", rights) || !text.startsWith(ANONYMOUS, rights + 4)) return false;
  const name = rights + 4 + ANONYMOUS.length;
  return name >= end || text.startsWith("[anon:", text.indexOf("[", name));
}

/** Of `7f00-7f08 `, from its first digit to the blank. */
function bytesOf(text: string, start: number, blank: number): number {
  const dash = text.indexOf("-", start);
  return Number.parseInt(text.slice(dash + 1, blank), 16) - Number.parseInt(text.slice(start, dash), 16);
}
