// Spools in folders of their own, for tests: made as the collector makes them, and their files to look at or to damage.
import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSpool, type Spool } from "../../collector/ship/spool.ts";

export const MIB = 1_024 * 1_024;

export const newFolder = () => join(mkdtempSync(join(tmpdir(), "tidemark-spool-")), "spool");

export const spoolIn = (folder: string, bytesMax = 64 * MIB): Spool => openSpool({ folder, bytesMax });

export const filesOf = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".spool"))
    .sort()
    .map((name) => join(folder, name));

/** All that waits, oldest first, as text. */
export const textsOf = (spool: Spool): string[] =>
  spool.take(Number.POSITIVE_INFINITY, true).map(({ bytes }) => Buffer.from(bytes).toString());
