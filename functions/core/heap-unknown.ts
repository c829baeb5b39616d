// Why a heap has no figures, in a sentence for people. The reasons are those of the column heap_unknown_reason.
// native/ and collector/heap decide on them; here nothing is decided.
import { visibleText } from "./report/text.ts";

/** `reason` and `allocator` as in a process row; null reason means that no measurement was tried, or none was due. */
export function heapUnknownText(reason: string | null, allocator: string | null): string {
  if (reason === null || reason === "") {
    return allocator === null || allocator === "unknown"
      ? "No known allocator was found in this process, so nothing is claimed about its heap."
      : `The heap of ${allocator} was not measured.`;
  }
  return texts.get(reason) ?? `The collector gave this reason: ${visibleText(reason)}.`;
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
  ["no_shim", "This allocator tells its figures only from inside, and Tidemark's shim is not loaded in the process."],
  [
    "shim_silent",
    "Tidemark's shim is loaded but leaves no figures: the process is younger than a second or was forked from one with threads, the folder for ring files is missing or full, a seccomp filter forbids it, or the allocator offers nothing to ask for.",
  ],
  ["allocator_silent", "This allocator does not tell how much of its heap is in use."],
  ["no_record", "Tidemark's shim is loaded, but has not measured yet."],
  ["stale_ring", "The last figures of Tidemark's shim are too old: the process is stopped, or its measuring thread is."],
  ["ring_deleted", "The file that Tidemark's shim writes to was removed while the process runs."],
  ["ring_denied", "Tidemark may not read the file of its shim: it needs CAP_DAC_READ_SEARCH, or the same user as the process."],
  ["ring_refused", "The file of Tidemark's shim is not as it should be, so nothing in it is believed."],
]);
