// What a collector holds at one moment, as /proc and the disk tell it from outside.
// How long it is watched, and what is too much, is left to the soak.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { childrenOf, statusBytes } from "../bench/collector/tree.ts";

export interface Look {
  readonly atMs: number;
  readonly rssBytes: number;
  readonly anonBytes: number;
  readonly handles: number;
  readonly walkerRssBytes: number;
  readonly walkerHandles: number;
  readonly spoolBytes: number;
  readonly blackBoxBytes: number;
  readonly ringFiles: number;
  readonly ringBytes: number;
}

export interface Places {
  readonly pid: number;
  readonly spoolFolder: string;
  readonly blackBoxFolder: string;
  readonly ringFolder: string;
}

export function lookAt({ pid, spoolFolder, blackBoxFolder, ringFolder }: Places, atMs: number): Look {
  const walker = childrenOf(pid).find((child) => commOf(child) === "tidemark-walk");
  const rings = sizes(ringFolder);
  return {
    atMs,
    rssBytes: statusBytes(pid, "VmRSS"),
    anonBytes: statusBytes(pid, "RssAnon"),
    handles: handlesOf(pid),
    walkerRssBytes: walker === undefined ? Number.NaN : statusBytes(walker, "VmRSS"),
    walkerHandles: walker === undefined ? Number.NaN : handlesOf(walker),
    spoolBytes: sum(sizes(spoolFolder)),
    blackBoxBytes: sum(sizes(blackBoxFolder)),
    ringFiles: rings.length,
    ringBytes: sum(rings),
  };
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

function handlesOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0; // It ended meanwhile.
  }
}

function commOf(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return null;
  }
}

/** Bytes of each file of a folder and those below it; files that go meanwhile are not counted. */
function sizes(folder: string): number[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
      if (!entry.isFile()) return [];
      try {
        return [statSync(join(entry.parentPath, entry.name)).size];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}
