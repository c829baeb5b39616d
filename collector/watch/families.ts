// Which process of a family tells how many allocations failed: they all add to one file, and its sum must stand in one row.
// Reading that file is heap/ring-file.ts's; looking for the members is its callers'.
import type { MappedRing } from "../proc/maps.ts";

/** A living process, and the files of our preloaded libraries that it has mapped. */
export interface Member {
  readonly identity: { readonly pid: number; readonly startTicks: number };
  readonly rings: readonly MappedRing[];
}

/** Pid of the process that tells, by family; at most as many entries as there were members. */
export type Tellers = ReadonlyMap<string, number>;

/** One a process: who maps more of them means to keep us busy. */
export const failuresFileOf = (rings: readonly MappedRing[]): MappedRing | undefined =>
  rings.find(({ kind }) => kind === "failures");

/** By device and inode as maps tells them: a mapping and its copies after fork agree in both, and nobody can choose them. */
export const familyOf = ({ device, inode }: MappedRing): string => `${device} ${inode}`;

/**
 * The member that started first. Not the one whose pid the file names: that may have ended, as the maker of a daemon does,
 * and its pid may be another's by now, or that of a process in another pid namespace.
 */
export function tellersOf(members: Iterable<Member>): Tellers {
  const first = new Map<string, Member["identity"]>();
  for (const { identity, rings } of members) {
    const file = failuresFileOf(rings);
    if (file === undefined) continue;
    const known = first.get(familyOf(file));
    if (known === undefined || isBefore(identity, known)) first.set(familyOf(file), identity);
  }
  return new Map(Array.from(first, ([family, { pid }]) => [family, pid]));
}

/** Within one tick a parent has the lower pid, unless the kernel began anew with them; what counts is that one comes first. */
function isBefore(one: Member["identity"], other: Member["identity"]): boolean {
  return one.startTicks === other.startTicks ? one.pid < other.pid : one.startTicks < other.startTicks;
}
