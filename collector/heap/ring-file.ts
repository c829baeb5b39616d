// Opens and reads the files that our preloaded libraries leave, after making sure that each is what its process has mapped.
// A process may lie about itself and may try to make us touch other files; what the bytes say is ring.ts's and failures.ts's.
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { basename } from "node:path";
import { err, ok, type Result } from "../../schema/result.ts";
import type { MappedRing } from "../proc/maps.ts";
import { foreignFileSystem } from "../proc/mountinfo.ts";
import { FAILURES_BYTES, type Failures, parseFailures } from "./failures.ts";
import { parseRing, RING_BYTES, type Ring } from "./ring.ts";
import type { Header } from "./ring-header.ts";

/** Why a file gives no figures; `reason` is one of the column heap_unknown_reason. */
export interface RingFault {
  readonly reason: "ring_deleted" | "ring_denied" | "ring_refused";
  /** For people: what was found. */
  readonly detail: string;
}

/** Who maps the file. */
export interface RingOwner {
  readonly pid: number;
  /** Its pid as it sees it itself, null when not known. */
  readonly ownPid: number | null;
  readonly uids: readonly number[];
}

export const readRing = (owner: RingOwner, file: MappedRing): Result<Ring, RingFault> =>
  withRing(owner, file, "read", (descriptor) => {
    // Twice, so that the sequence locks can be compared: see parseRing.
    const bytes = readBytes(descriptor, RING_BYTES);
    const ring = named(file.path, parseRing(bytes, readBytes(descriptor, RING_BYTES)));
    return ring.ok ? made(owner, file.path, ring.value) : ring;
  });

/** Of the whole family: whose row it belongs in is watch/families.ts's. */
export const readFailures = (owner: RingOwner, file: MappedRing): Result<Failures, RingFault> =>
  withRing(owner, file, "read", (descriptor) => named(file.path, parseFailures(readBytes(descriptor, FAILURES_BYTES))));

/** What `use` makes of the open file; it is closed afterwards. */
export function withRing<T>(
  owner: RingOwner,
  file: MappedRing,
  access: "read" | "write",
  use: (descriptor: number) => Result<T, RingFault>,
): Result<T, RingFault> {
  if (file.isDeleted) return err({ reason: "ring_deleted", detail: `${file.path} was deleted` });
  const problem = foreignFileSystem(owner.pid, file.path);
  if (problem !== null) return err({ reason: "ring_refused", detail: problem });
  // A process in a chroot may have opened its file before it went there: then the path is one of ours.
  let last = attempt(`/proc/${owner.pid}/root${file.path}`, owner, file, access, use);
  if (!last.ok && last.error.reason === "ring_deleted") last = attempt(file.path, owner, file, access, use);
  return last;
}

function attempt<T>(
  path: string,
  owner: RingOwner,
  file: MappedRing,
  access: "read" | "write",
  use: (descriptor: number) => Result<T, RingFault>,
): Result<T, RingFault> {
  const flags = constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
  let descriptor: number;
  try {
    descriptor = openSync(path, flags | (access === "write" ? constants.O_RDWR : constants.O_RDONLY));
  } catch (cause) {
    return err(faultOf(file.path, cause));
  }
  try {
    const problem = refusal(fstatSync(descriptor, { bigint: true }), owner, file);
    return problem === null ? use(descriptor) : err(problem);
  } catch (cause) {
    return err(faultOf(file.path, cause));
  } finally {
    closeSync(descriptor);
  }
}

/** Null when the open file is the one that the process has mapped, and safe to read. */
function refusal(stats: BigIntStats, { uids }: RingOwner, file: MappedRing): RingFault | null {
  const refused = (detail: string): RingFault => ({ reason: "ring_refused", detail: `${file.path} ${detail}` });
  // The inode alone: maps and stat name different devices on btrfs and overlayfs. The header's own name is compared as well.
  if (String(stats.ino) !== file.inode) return { reason: "ring_deleted", detail: `${file.path} is another file by now` };
  if (!stats.isFile()) return refused("is no regular file");
  if (stats.size !== BigInt(file.kind === "ring" ? RING_BYTES : FAILURES_BYTES)) return refused(`has ${stats.size} bytes`);
  if (stats.uid !== 0n && !uids.includes(Number(stats.uid))) return refused(`belongs to user ${stats.uid}`);
  if ((stats.mode & 0o077n) !== 0n) return refused(`has mode ${(stats.mode & 0o777n).toString(8)}, others may touch it`);
  return null;
}

/** A file under another file's name tells about another process. */
function named<T extends { readonly header: Header }>(path: string, parsed: Result<T, string>): Result<T, RingFault> {
  if (!parsed.ok) return err({ reason: "ring_refused", detail: `${path}: ${parsed.error}` });
  const { pid, startedHex } = parsed.value.header;
  const [namedPid, namedStart] = basename(path).replace(/\..*$/, "").split("-");
  const isSame = Number(namedPid) === pid && namedStart?.replace(/^0+(?=.)/, "") === startedHex;
  return isSame ? ok(parsed.value) : err({ reason: "ring_refused", detail: `${path} is the file of ${pid}-${startedHex}` });
}

/** Rings are not inherited: one that names another pid tells about another process. */
function made({ ownPid }: RingOwner, path: string, ring: Ring): Result<Ring, RingFault> {
  const { pid } = ring.header;
  return (ownPid ?? pid) === pid ? ok(ring) : err({ reason: "ring_refused", detail: `${path} is the ring of process ${pid}` });
}

export function readBytes(descriptor: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(descriptor, bytes, 0, length, 0));
}

function faultOf(path: string, cause: unknown): RingFault {
  const { code } = cause as NodeJS.ErrnoException;
  switch (code) {
    case undefined:
      throw new Error(`cannot use ${path}`, { cause });
    case "ENOENT":
    case "ESRCH":
      return { reason: "ring_deleted", detail: `${path} is not there` };
    case "EACCES":
    case "EPERM":
      return { reason: "ring_denied", detail: `${path}: ${code}` };
    default:
      return { reason: "ring_refused", detail: `${path}: ${code}` };
  }
}
