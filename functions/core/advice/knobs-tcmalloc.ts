// The knobs of gperftools' tcmalloc, of google/tcmalloc, which is another allocator by now, and of mimalloc.
import { always, type Knob, since } from "./knob.ts";

const gperftools = (variable: string, rest: Pick<Knob, "defaultValue" | "mechanics" | "sideEffects">): Knob => ({
  id: `gperftools.${variable.replace("TCMALLOC_", "").toLowerCase()}`,
  owner: "gperftools",
  via: { kind: "environment", variable },
  versions: since("2.2"),
  source: "gperftools docs/tcmalloc.html; src/static_vars.cc, src/page_heap.cc",
  ...rest,
});

export const tcmallocKnobs: readonly Knob[] = [
  gperftools("TCMALLOC_RELEASE_RATE", {
    defaultValue: "1.0",
    mechanics: "How readily a free() of large spans gives other free spans back: 0 never, 10 ten times as often as 1.",
    sideEffects: "Nothing happens while nothing is freed: after the peak it returns nothing.",
  }),
  gperftools("TCMALLOC_AGGRESSIVE_DECOMMIT", {
    defaultValue: "false",
    mechanics: "Every span that becomes free goes back to the kernel at once.",
    sideEffects: "An madvise for each free span, and page faults when it is used again: 48 % more CPU in the run measured.",
  }),
  gperftools("TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES", {
    defaultValue: "33554432",
    mechanics: "What all threads' caches may hold together.",
    sideEffects: "Less of it means more locking of the central lists.",
  }),
  gperftools("TCMALLOC_HEAP_LIMIT_MB", {
    defaultValue: "0 (none)",
    mechanics: "Above it the page heap releases before it grows; if that is not enough, allocation fails.",
    sideEffects: "Allocations fail where the limit is too low.",
  }),
  {
    id: "gperftools.release_free_memory",
    owner: "gperftools",
    via: { kind: "code", call: "MallocExtension_ReleaseFreeMemory()" },
    versions: always,
    defaultValue: "never called",
    mechanics: "Gives all free spans of the page heap back.",
    sideEffects: "Holds the page heap's lock meanwhile.",
    source: "gperftools/malloc_extension_c.h",
  },
  {
    id: "google-tcmalloc.background_release_rate",
    owner: "google-tcmalloc",
    via: { kind: "code", call: "tcmalloc::MallocExtension::SetBackgroundReleaseRate(...)" },
    versions: always,
    defaultValue: "0",
    mechanics: "Bytes a second that ProcessBackgroundActions() gives back; a thread of the program must run it.",
    sideEffects: "It has no variable of the environment for this: TCMALLOC_RELEASE_RATE is gperftools'.",
    source: "google/tcmalloc docs/tuning.md, tcmalloc/malloc_extension.h",
    isFromMemory: true,
  },
];

const mimallocSource = "mimalloc readme, Environment Options; src/options.c";

export const mimallocKnobs: readonly Knob[] = [
  {
    id: "mimalloc.purge_delay",
    owner: "mimalloc",
    via: { kind: "environment", variable: "MIMALLOC_PURGE_DELAY" },
    // mi_option_purge_delay took the place of decommit_delay in 1.8 and 2.1; Debian 12 has 2.0.9, without it.
    versions: [
      { from: "1.8", until: "2.0" },
      { from: "2.1", until: null },
    ],
    defaultValue: "10 ms in v2, 1000 to 2500 ms in v3",
    mechanics: "After so many milliseconds free pages are purged; 0 at once, -1 never.",
    sideEffects: "Sooner means more page faults when the memory is wanted again.",
    source: mimallocSource,
  },
  {
    id: "mimalloc.decommit_delay",
    owner: "mimalloc",
    via: { kind: "environment", variable: "MIMALLOC_DECOMMIT_DELAY" },
    versions: [{ from: "2.0", until: "2.1" }],
    defaultValue: "25 ms",
    mechanics: "What purge_delay is called in 2.0.",
    sideEffects: null,
    source: mimallocSource,
  },
  {
    id: "mimalloc.collect",
    owner: "mimalloc",
    via: { kind: "code", call: "mi_collect(true)" },
    versions: always,
    defaultValue: "never called",
    mechanics: "Frees what the calling thread's heap keeps and purges.",
    sideEffects: "The caches of other threads stay.",
    source: "mimalloc.h",
  },
];
