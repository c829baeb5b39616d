// The knobs of glibc's malloc. Versions were checked against ld.so of 2.31, 2.36, 2.41 and 2.43.
import { type Knob, since } from "./knob.ts";

const manual = "glibc manual, Memory Allocation Tunables; man 3 mallopt; elf/dl-tunables.list";

const fixesThresholds =
  "Setting any of trim_threshold, top_pad, mmap_threshold and mmap_max switches off the dynamic thresholds, which otherwise follow the largest mmapped chunk freed (128 KiB to 32 MiB).";

const tunable = (name: string, alias: string | null, rest: Pick<Knob, "defaultValue" | "mechanics" | "sideEffects">): Knob => ({
  id: `glibc.${name}`,
  owner: "glibc",
  via: { kind: "glibc_tunable", name: `glibc.malloc.${name}`, alias },
  // Amazon Linux 2 has 2.26, the first with malloc's tunables (and tcache); older systems are not supported.
  versions: since("2.26"),
  source: manual,
  ...rest,
});

export const glibcKnobs: readonly Knob[] = [
  tunable("arena_max", "MALLOC_ARENA_MAX", {
    defaultValue: "8 x cores on 64 bit",
    mechanics: "At most so many arenas: threads share them, so that the memory one thread frees is there for the next.",
    sideEffects: "Threads that allocate at the same time wait for each other's lock.",
  }),
  tunable("arena_test", "MALLOC_ARENA_TEST", {
    defaultValue: "8 on 64 bit",
    mechanics: "So many arenas are made before the limit by cores is worked out; arena_max goes before it.",
    sideEffects: null,
  }),
  tunable("trim_threshold", "MALLOC_TRIM_THRESHOLD_", {
    defaultValue: "128 KiB, dynamic up to 64 MiB",
    mechanics:
      "When free() leaves more than this at the very top of an arena, the top goes back to the kernel. It never looks below the topmost live chunk.",
    sideEffects: fixesThresholds,
  }),
  tunable("mmap_threshold", "MALLOC_MMAP_THRESHOLD_", {
    defaultValue: "128 KiB, dynamic up to 32 MiB",
    mechanics: "A request of at least this size gets a mapping of its own, which free() gives back at once.",
    sideEffects: `${fixesThresholds} Each such pair of calls costs an mmap, page faults and a munmap (350 KB: 34 to 142-162 us), and a mapping each of vm.max_map_count.`,
  }),
  tunable("mmap_max", "MALLOC_MMAP_MAX_", {
    defaultValue: "65536",
    mechanics: "At most so many chunks with a mapping of their own; the rest comes from the arenas.",
    sideEffects: fixesThresholds,
  }),
  tunable("top_pad", "MALLOC_TOP_PAD_", {
    defaultValue: "128 KiB",
    mechanics: "So much more than asked is taken from the kernel when a heap grows, and so much is left when it is trimmed.",
    sideEffects: `${fixesThresholds} More of it means more memory held, for fewer calls.`,
  }),
  tunable("tcache_count", null, {
    defaultValue: "7, more in newer versions",
    mechanics:
      "Each thread keeps so many freed chunks of each size for itself; to the heap they look live. 0 switches tcache off.",
    sideEffects:
      "Without tcache each malloc and free of a small size takes the arena's lock: slower, most of all with threads.",
  }),
  tunable("tcache_max", null, {
    defaultValue: "1032 bytes on 64 bit",
    mechanics: "The largest size that tcache keeps.",
    sideEffects: null,
  }),
  tunable("tcache_unsorted_limit", null, {
    defaultValue: "0 (no limit)",
    mechanics: "So many chunks of the unsorted list are looked at while filling tcache.",
    sideEffects: null,
  }),
  {
    ...tunable("mxfast", null, {
      defaultValue: "128 bytes on 64 bit",
      mechanics: "The largest size kept in fastbins, whose chunks are not joined with free neighbours until a consolidation.",
      sideEffects: "From 2.43 on there are no fastbins: the tunable is still listed and does nothing.",
    }),
    versions: [{ from: "2.30", until: "2.43" }],
  },
  {
    ...tunable("hugetlb", null, {
      defaultValue: "0",
      mechanics: "1: madvise(MADV_HUGEPAGE) on the heap; 2: reserved huge pages for large requests.",
      sideEffects:
        "A free page goes back only with the 2 MiB around it: a heap with survivors scattered over it keeps more, not less.",
    }),
    versions: since("2.35"),
  },
  {
    id: "glibc.malloc_trim",
    owner: "glibc",
    via: { kind: "code", call: "malloc_trim(0)" },
    versions: since("2.8"),
    defaultValue: "never called",
    mechanics:
      "Gives every whole free page inside the arenas back to the kernel, wherever it lies, and the top of the main arena; not the tops of the other arenas.",
    sideEffects:
      "Holds one arena's lock after another meanwhile: 170 ms for 1 GB, up to about 1 s for 32 GB (openjdk/jdk#10085).",
    source: "man 3 malloc_trim; malloc/malloc.c, mtrim",
  },
];
