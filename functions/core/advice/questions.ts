// What people ask about and Tidemark never recommends for held memory, with the reason: measured, or by how it works.
import { holdsMemory } from "./remedy.ts";
import type { Situation } from "./situation.ts";

export interface Question {
  readonly id: string;
  readonly title: string;
  /** Whether somebody with such a process would ask. */
  concerns(situation: Situation): boolean;
  readonly because: string;
}

const holdsIn =
  (...kinds: readonly string[]) =>
  (situation: Situation): boolean =>
    kinds.includes(situation.kind) && holdsMemory(situation);

export const questions: readonly Question[] = [
  {
    id: "glibc.hugetlb",
    title: "Huge pages for malloc",
    concerns: holdsIn("glibc"),
    because: "a free page would go back only with the 2 MiB around it: this heap would hold more, not less",
  },
  {
    id: "glibc.top_pad",
    title: "A larger pad at the top",
    concerns: holdsIn("glibc"),
    because: "it saves calls by holding more memory at the top of the heap, and fixes both dynamic thresholds",
  },
  {
    id: "tcmalloc.switch",
    title: "Run it with tcmalloc",
    concerns: holdsIn("glibc", "jemalloc"),
    because:
      "it is made for speed and returns free pages only while something is freed: measured, five of eight programs held 8 to 24 % more with it, the others at most 13 % less",
  },
  {
    id: "mimalloc.switch",
    title: "Run it with mimalloc",
    concerns: holdsIn("glibc", "jemalloc", "gperftools"),
    because: "it was not measured with programs that hold memory, so that nothing can be promised",
  },
  {
    id: "glibc.switch",
    title: "Run it with glibc's malloc",
    concerns: holdsIn("jemalloc"),
    because: "measured, a fragmented Redis held 13 % more with it",
  },
  {
    id: "gperftools.release_rate",
    title: "A higher release rate",
    concerns: holdsIn("gperftools"),
    because:
      "it acts when spans are freed, and after the peak nothing is: at 10, the highest, the runs measured held as much as before",
  },
  {
    id: "gperftools.max_total_thread_cache_bytes",
    title: "Smaller thread caches",
    concerns: holdsIn("gperftools"),
    because: "thread caches are 32 MiB at most by default; more than that lies in central lists, beside live objects",
  },
  {
    id: "jvm.free_ratios",
    title: "Free ratios alone",
    concerns: ({ runtime, cause }) => runtime === "jvm" && cause === "runtime_heap",
    because:
      "they count only at a collection, and after the peak there is none: measured 55 of the 230 MB that a periodic collection returned",
  },
];
