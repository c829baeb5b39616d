// Running a program with libtidemark-failures.so preloaded, and the files of failures that it and who it starts leave.
// It leaves what to prove to failures*.test.ts, and the layout of the files to the collector, which reads them for real.
import { type SpawnSyncOptions, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Failures, parseFailures } from "../../collector/heap/failures.ts";
import { programPath } from "./target.ts";

export const failures = programPath("libtidemark-failures.so");
export const calls = programPath("test/failures_calls");

/** Far beyond what any of them takes on a loaded machine. */
const RUN_MS_MAX = 120_000;

export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
}

export interface Run {
  readonly pid: number;
  readonly outcome: Outcome;
  /** Oldest first. */
  readonly files: readonly Failures[];
}

const folders: string[] = [];

/** An empty folder with the mode of the real one. */
export function letterBox(): string {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-failures-"));
  chmodSync(folder, 0o1733);
  folders.push(folder);
  return folder;
}

export function removeLetterBoxes(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** Standard error is let through: what the dynamic linker does not like is said there. */
export function run(command: readonly string[], preload: readonly string[], options: SpawnSyncOptions = {}): Run {
  const folder = options.env?.["TIDEMARK_RING_FOLDER"] ?? letterBox();
  const { pid, status, signal, stdout } = spawnSync(command[0] ?? "", command.slice(1), {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: RUN_MS_MAX,
    ...options,
    env: { PATH: process.env["PATH"], TIDEMARK_RING_FOLDER: folder, LD_PRELOAD: preload.join(":"), ...options.env },
  });
  return { pid, outcome: { status, signal, stdout: stdout.toString() }, files: readAll(folder) };
}

function readAll(folder: string): Failures[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".failures"));
  return names
    .map((name) => {
      const parsed = parseFailures(readFileSync(join(folder, name)));
      if (!parsed.ok) throw new Error(`${name}: ${parsed.error}`);
      return parsed.value;
    })
    .sort((a, b) => Number(BigInt(`0x${a.header.startedHex}`) - BigInt(`0x${b.header.startedHex}`)));
}

/** Requests of these sizes, counted as the bins of tidemark_abi.h would have them. */
export function countsOf(sizes: readonly bigint[]): number[] {
  const counts: number[] = [];
  for (const size of sizes) {
    const bin = Math.min(Math.max(size.toString(2).length - 5, 0), 31);
    for (let i = counts.length; i <= bin; i++) counts.push(0);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}
