// The C libraries of other Debian releases, and the C test programs made to run on all of them through their own loaders.
// It leaves getting packages to debian.ts and what to prove to test/native/foreign-*.test.ts.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { make, programPath } from "../native/target.ts";
import { type DebianTree, type DebianWish, debianTree } from "./debian.ts";

/** The oldest first: the programs are linked to its library, so they run on the others as well. */
export const releases = ["bullseye", "bookworm", "trixie", "sid"] as const;
/** glibc of each; sid goes on, so that one is whatever is newest. */
export const minorOf = { bullseye: 31, bookworm: 36, trixie: 41, sid: 43 } as const;

type Architecture = DebianWish["architecture"];
const machineOf = { amd64: "x86_64", arm64: "aarch64" } as const;
const loaderOf = { amd64: "ld-linux-x86-64.so.2", arm64: "ld-linux-aarch64.so.1" } as const;

export interface ForeignLibc {
  /** Where ld-linux-*, libc.so.6 and libpthread.so.0 are. */
  readonly folder: string;
  readonly loader: string;
}

export type Found<T> = ({ readonly kind: "found" } & T) | { readonly kind: "unavailable"; readonly reason: string };

/** A release's C library, or why there is none. */
export function foreignLibc(release: string, architecture: Architecture): Found<ForeignLibc> {
  const tree = debianTree({ release, architecture, packages: ["libc6"] });
  if (tree.kind === "unavailable") return tree;
  const triple = `${machineOf[architecture]}-linux-gnu`;
  const folders = ["usr/lib", "lib"].map((lib) => join(tree.folder, lib, triple));
  const folder = folders.find((candidate) => existsSync(join(candidate, "libc.so.6")));
  if (folder === undefined) throw new Error(`${tree.folder} holds no libc.so.6`);
  return { kind: "found", folder, loader: join(folder, loaderOf[architecture]) };
}

/** Builds the test programs for all releases and gives their folder. */
export function foreignPrograms(architecture: Architecture): Found<{ readonly folder: string }> {
  const packages = ["libc6", "libc6-dev", "linux-libc-dev"];
  const tree: DebianTree = debianTree({ release: releases[0], architecture, packages });
  if (tree.kind === "unavailable") return tree;
  const machine = machineOf[architecture];
  make("foreign-programs", `FOREIGN_MACHINE=${machine}`, `FOREIGN_SYSROOT=${tree.folder}`);
  return { kind: "found", folder: programPath(`foreign-${machine}`) };
}
