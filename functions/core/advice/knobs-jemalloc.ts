// The knobs of jemalloc. Each is shown to it with abort_conf:true by the tests: 5.2.1 and 5.3.
import { type Knob, since } from "./knob.ts";
import type { VersionRange } from "./versions.ts";

const pair = (
  name: string,
  versions: readonly VersionRange[],
  rest: Pick<Knob, "defaultValue" | "mechanics" | "sideEffects">,
): Knob => ({
  id: `jemalloc.${name}`,
  owner: "jemalloc",
  via: { kind: "malloc_conf", name },
  versions,
  source: "man 3 jemalloc, TUNING and opt.*; jemalloc's ChangeLog",
  ...rest,
});

export const jemallocKnobs: readonly Knob[] = [
  pair("background_thread", since("5.0"), {
    defaultValue: "false",
    mechanics:
      "Threads of jemalloc's own purge dirty pages when their time has come. Without it decay happens only inside malloc and free: an idle thread's memory stays.",
    sideEffects: "Up to one thread a core; a child after fork has none.",
  }),
  pair("max_background_threads", since("5.1"), {
    defaultValue: "4",
    mechanics: "At most so many of them.",
    sideEffects: null,
  }),
  pair("dirty_decay_ms", since("5.0"), {
    defaultValue: "10000",
    mechanics: "Unused dirty pages go back over about this time; 0 at once, -1 never.",
    sideEffects: "Sooner means more madvise and more page faults when the memory is wanted again.",
  }),
  pair("muzzy_decay_ms", since("5.0"), {
    defaultValue: "0 (10000 in 5.0 and 5.1)",
    mechanics: "Pages first marked MADV_FREE, which still count in RSS, go back for good over this time.",
    sideEffects: null,
  }),
  pair("narenas", since("4.0"), {
    defaultValue: "4 x cores",
    mechanics: "So many arenas; threads take turns at them.",
    sideEffects: "Fewer means less memory held apart and more waiting for locks.",
  }),
  pair("percpu_arena", since("5.0"), {
    defaultValue: "disabled",
    mechanics: "`percpu`: a thread uses the arena of the CPU it runs on; as many arenas as CPUs, not four times as many.",
    sideEffects: "Goes before narenas. Memory moves between CPUs with the threads.",
  }),
  pair("oversize_threshold", since("5.2"), {
    defaultValue: "8388608",
    mechanics: "Requests from this size on come from one arena of their own and are purged at once.",
    sideEffects: "Programs that use such blocks all the time fault them in each time.",
  }),
  pair("tcache_max", since("5.3"), {
    defaultValue: "32768",
    mechanics: "The largest size that threads keep in their caches.",
    sideEffects: null,
  }),
  pair("lg_tcache_max", since("4.0"), {
    defaultValue: "15",
    mechanics: "The same as a power of two.",
    sideEffects: null,
  }),
  pair("retain", since("5.0"), {
    defaultValue: "true on 64-bit Linux",
    mechanics: "Keeps address space instead of munmap; what it keeps is not resident.",
    sideEffects: "false splits mappings: a program may run into vm.max_map_count.",
  }),
  pair("metadata_thp", since("5.1"), {
    defaultValue: "disabled",
    mechanics: "Huge pages for its bookkeeping.",
    sideEffects: "More memory for bookkeeping.",
  }),
  pair("thp", since("5.1"), {
    defaultValue: "default",
    mechanics: "`always` or `never`: madvise of huge pages on all it maps.",
    sideEffects: "always: purged memory may come back as part of a huge page.",
  }),
  pair("abort_conf", since("5.0"), {
    defaultValue: "false",
    mechanics:
      "A pair in MALLOC_CONF that it does not know ends the program at its start. For a canary: otherwise it prints a line and goes on.",
    sideEffects: "Leave it out once the canary has started.",
  }),
  pair("prof", since("4.0"), {
    defaultValue: "false",
    mechanics: "Samples allocations; only in builds with --enable-prof.",
    sideEffects: "A build without it says so and goes on, or aborts under abort_conf.",
  }),
  pair("lg_dirty_mult", [{ from: null, until: "5.0" }], {
    defaultValue: "3",
    mechanics: "4.x: at most one part in 2^n of the active pages stay dirty; gone since 5.0, which decays by time.",
    sideEffects: null,
  }),
  {
    id: "jemalloc.purge",
    owner: "jemalloc",
    via: { kind: "code", call: 'mallctl("arena.4096.purge", NULL, NULL, NULL, 0)' },
    versions: since("5.0"),
    defaultValue: "never called",
    mechanics: "Purges the dirty pages of all arenas now (4096 is MALLCTL_ARENAS_ALL).",
    sideEffects: "Holds arenas' locks while it runs.",
    source: "man 3 jemalloc, arena.<i>.purge; jemalloc/jemalloc_macros.h",
  },
];
