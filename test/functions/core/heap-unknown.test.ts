// Every reason that the collector or the walker can give has a sentence of its own.
import { match, notEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { heapUnknownText } from "../../../functions/core/heap-unknown.ts";

const wordsIn = (path: string, pattern: RegExp): readonly string[] =>
  Array.from(readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8").matchAll(pattern), ([, word]) => word ?? "");

test("each reason of the walker, the ring and the collector is put into words", () => {
  const reasons = [
    ...wordsIn("native/walker/reason.c", /return "(\w+)"/g).filter((word) => word !== "ok"),
    ...wordsIn("collector/heap/ring-file.ts", /reason: "(\w+)"/g),
    ...wordsIn("collector/heap/ring-figures.ts", /reason: "(\w+)"/g),
    ...wordsIn("collector/watch/measure-heap.ts", /"(no_shim|shim_silent|allocator_silent)"/g),
    ...wordsIn("collector/heap/walker.ts", /reason: "(\w+)"/g),
  ];
  for (const reason of reasons) {
    const text = heapUnknownText(reason, "jemalloc");
    notEqual(text, `The collector gave this reason: ${reason}.`, reason);
    match(text, /^[A-Z].*\.$/);
  }
});

test("a reason of the future is told as it is", () => {
  match(heapUnknownText("novel", null), /novel/);
});
