// All knobs, whether a version has one, and the names that are often copied although nothing reads them.
import type { Knob, Owner } from "./knob.ts";
import { glibcKnobs } from "./knobs-glibc.ts";
import { jemallocKnobs } from "./knobs-jemalloc.ts";
import { jvmKnobs, otherRuntimeKnobs } from "./knobs-runtimes.ts";
import { systemKnobs } from "./knobs-system.ts";
import { mimallocKnobs, tcmallocKnobs } from "./knobs-tcmalloc.ts";
import { isInRange, rangeText, type VersionRange, versionNumbers } from "./versions.ts";

export const catalogue: readonly Knob[] = [
  ...glibcKnobs,
  ...jemallocKnobs,
  ...tcmallocKnobs,
  ...mimallocKnobs,
  ...jvmKnobs,
  ...otherRuntimeKnobs,
  ...systemKnobs,
];

const byId: ReadonlyMap<string, Knob> = new Map(catalogue.map((knob) => [knob.id, knob]));

/** Throws for a name that is not in the catalogue: nothing may be recommended past it. */
export function knobOf(id: string): Knob {
  const knob = byId.get(id);
  if (knob === undefined) throw new Error(`the catalogue has no knob ${id}`);
  return knob;
}

/** The oldest version of each that is supported; a knob in all from here on needs no version to be recommended. */
const oldestSupported: Readonly<Record<Owner, string>> = {
  glibc: "2.26",
  jemalloc: "4.0",
  gperftools: "2.2",
  "google-tcmalloc": "0",
  mimalloc: "1.6",
  jvm: "8.0.191",
  node: "12",
  python: "3.6",
  go: "1.18",
  tidemark: "0",
  loader: "0",
  kernel: "4.14",
  platform: "0",
};

export type Presence =
  | { readonly kind: "present" }
  | { readonly kind: "absent"; readonly because: string }
  /** The version is not known, and not every supported one has it. */
  | { readonly kind: "conditional"; readonly condition: string };

/** Whether a version, as its owner spells it, has the knob; null where the version is not known. */
export function presenceOf(knob: Knob, version: string | null): Presence {
  const ranges = knob.versions.map(rangeText).join(", or ");
  const numbers = version === null ? null : versionNumbers(version);
  if (numbers !== null) {
    if (knob.versions.some((range) => isInRange(numbers, range))) return { kind: "present" };
    return { kind: "absent", because: `${knob.owner} ${numbers.join(".")} does not have it: ${ranges}` };
  }
  if (isInAllSupported(knob)) return { kind: "present" };
  return { kind: "conditional", condition: `only with ${knob.owner} ${ranges}; which version this is, is not known` };
}

function isInAllSupported({ owner, versions }: Knob): boolean {
  const oldest = versionNumbers(oldestSupported[owner]) ?? [];
  return versions.some((range: VersionRange) => range.until === null && isInRange(oldest, range));
}

export interface UnrealKnob {
  readonly name: string;
  readonly owner: Owner;
  /** What was meant, or what became of it. */
  readonly truth: string;
}

/** Often copied from page to page; the allocators ignore or refuse them. */
export const unrealKnobs: readonly UnrealKnob[] = [
  { name: "lg_tcache_gc_sweep", owner: "jemalloc", truth: "gone since 3.0" },
  { name: "tcache_gc_interval", owner: "jemalloc", truth: "never was: tcache_gc_incr_bytes (5.3) is nearest" },
  { name: "arenas", owner: "jemalloc", truth: "the option is narenas" },
  { name: "prof_log_level", owner: "jemalloc", truth: "never was; prof_log is a switch (5.2 and later)" },
  { name: "prof_output", owner: "jemalloc", truth: "never was: prof_prefix names the files" },
  { name: "HEAP_PROFILE_ENABLE", owner: "gperftools", truth: "never was: HEAPPROFILE names the file and switches it on" },
  { name: "HEAP_PROFILE_OUTPUT", owner: "gperftools", truth: "never was: HEAPPROFILE" },
  {
    name: "MALLOC_ARENA_MAX_",
    owner: "glibc",
    truth: "MALLOC_ARENA_MAX has no underscore at its end; the thresholds have one",
  },
  { name: "MALLOC_TRIM_THRESHOLD", owner: "glibc", truth: "MALLOC_TRIM_THRESHOLD_, with an underscore at its end" },
  { name: "MALLOC_MMAP_THRESHOLD", owner: "glibc", truth: "MALLOC_MMAP_THRESHOLD_, with an underscore at its end" },
  { name: "MALLOC_TCACHE_COUNT", owner: "glibc", truth: "only as GLIBC_TUNABLES=glibc.malloc.tcache_count" },
];
