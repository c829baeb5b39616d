// Why a heap has no figures, in a sentence for people. The reasons are those of the column heap_unknown_reason.
// native/ and collector/heap decide on them; here nothing is decided.

/** `reason` and `allocator` as in a process row; null reason means that no measurement was tried, or none was due. */
export function heapUnknownText(reason: string | null, allocator: string | null): string {
  if (reason === null || reason === "") {
    return allocator === null || allocator === "unknown"
      ? "No known allocator was found in this process, so nothing is claimed about its heap."
      : `The heap of ${allocator} was not measured.`;
  }
  return texts.get(reason) ?? `The collector gave this reason: ${reason}.`;
}

const texts: ReadonlyMap<string, string> = new Map([
  ["denied", "Tidemark may not read this process: it needs CAP_SYS_PTRACE, or the same user as the process."],
  ["gone", "The process ended while it was read."],
  ["no_heap", "The process has no heap of glibc's."],
  ["layout", "The heap does not look like one that Tidemark can read, so nothing is claimed about it."],
  ["swapped", "Part of the heap is swapped out, and reading it would bring it back into memory."],
  ["changed", "The heap changed too fast to be read consistently."],
  ["budget", "Measuring the heap would have cost more CPU than its budget."],
  [
    "no_pagemap",
    "The kernel does not say which pages are resident (no /proc/pid/pagemap), and reading blindly could cost memory.",
  ],
  ["too_many_maps", "The process has more mappings than Tidemark looks through."],
  ["walker_failed", "The native walker gave no answer."],
]);
