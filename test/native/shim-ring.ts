// Starting processes with the shim preloaded, and reading the ring files that they leave.
// It leaves what to prove to shim*.test.ts, and the layout of a ring to the collector, which reads it for real.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseRing, type Ring, type RingRecord } from "../../collector/heap/ring.ts";
import { skipReason } from "../support/need.ts";
import { programPath, startTarget, type Target } from "./target.ts";

export const shim = programPath("libtidemark.so");
export const peer = programPath("test/shim_peer");
export const jemalloc = "libjemalloc.so.2";
export const tcmalloc = "libtcmalloc.so.4";
export const tcmallocMinimal = "libtcmalloc_minimal.so.4";
export const mimalloc = "libmimalloc.so.2";
export const allocators = [jemalloc, tcmalloc, tcmallocMinimal, mimalloc];

/** So that a test waits for records a tenth of a second, not ten. */
const INTERVAL_MS = 100;
const WAIT_MS_MAX = 60_000;

const folders: string[] = [];

/** An empty folder of rings with the mode of the real one. */
export function ringFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-rings-"));
  chmodSync(folder, 0o1733);
  folders.push(folder);
  return folder;
}

export function removeRingFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** The environment of a process with these libraries, the shim among them or not. */
export const shimEnv = (folder: string, ...libraries: string[]): Record<string, string> => ({
  LD_PRELOAD: libraries.join(" "),
  TIDEMARK_RING_FOLDER: folder,
  TIDEMARK_INTERVAL_MS: String(INTERVAL_MS),
});

/** False when all can be preloaded, otherwise the reason to skip. */
export function missingLibrary(...libraries: string[]): string | false {
  const { stderr } = spawnSync("/bin/true", { env: { LD_PRELOAD: libraries.join(" ") }, encoding: "utf8" });
  return stderr.includes("cannot be preloaded") ? skipReason(`this machine has not all of ${libraries.join(", ")}`) : false;
}

export interface Peer extends Target {
  readonly folder: string;
}

/** shim_peer under an allocator (none is glibc's) with the shim, and a folder of rings of its own. */
export async function startPeer(allocator: string | null, env: Record<string, string> = {}): Promise<Peer> {
  const folder = env["TIDEMARK_RING_FOLDER"] ?? ringFolder();
  const libraries = allocator === null ? [shim] : [shim, allocator];
  return { ...(await startTarget(peer, [], { ...shimEnv(folder, ...libraries), ...env })), folder };
}

export const ringNames = (folder: string, pid?: number): readonly string[] =>
  readdirSync(folder)
    .filter((name) => pid === undefined || name.startsWith(`${pid}-`))
    .sort();

/** Looks again until there is something to see. */
export async function until<T>(what: string, look: () => T | null | false | undefined): Promise<T> {
  const givenUpAt = Date.now() + WAIT_MS_MAX;
  for (;;) {
    const seen = look();
    if (seen) return seen;
    if (Date.now() > givenUpAt) throw new Error(`waited ${WAIT_MS_MAX} ms in vain: ${what}`);
    await pause(5);
  }
}

/** The newest ring of a process, or null while there is none that is valid. */
export function ringOf(folder: string, pid: number): Ring | null {
  const name = ringNames(folder, pid).at(-1);
  if (name === undefined) return null;
  const path = join(folder, name);
  const ring = parseRing(readFileSync(path), readFileSync(path));
  return ring.ok ? ring.value : null;
}

export const ringSeen = (folder: string, pid: number): Promise<Ring> =>
  until(`a ring of ${pid} in ${folder}`, () => ringOf(folder, pid));

/** A record that was begun after this call. */
export async function freshRecord(folder: string, pid: number): Promise<RingRecord> {
  const before = (await ringSeen(folder, pid)).records[0]?.number ?? 0;
  // The next one may have been under way already.
  return until(`a fresh record of ${pid}`, () => ringOf(folder, pid)?.records.find((record) => record.number >= before + 2));
}
