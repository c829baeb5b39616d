// What it means that a walk of a quiet heap is exact: glibc's own mallinfo and the walker differ by nothing.
// It leaves starting programs and walkers to the tests.
import assert from "node:assert/strict";
import { type Fields, numberOf } from "./target.ts";

/** From 2.43 on glibc's own count of mmapped bytes grows by 16 too many with each mremap (mremap_chunk in malloc.c). */
const miscountedBytes = 16;
const remapsMax = 16;

/** Each byte of the heaps is accounted for, as glibc itself counts it. Fastbins are free to mallinfo and live to a walk. */
export function assertExact(fields: Fields, truth: Fields, minor: number): void {
  assert.equal(fields.get("status"), "ok", `reason=${fields.get("reason")}`);
  const walked = (name: string): number => numberOf(fields, name);
  const said = (name: string): number => numberOf(truth, name);
  const live = walked("live_bytes") - walked("mmapped_bytes");
  const figures = {
    heap: walked("heap_bytes"),
    accounted: live + walked("free_bytes") + walked("metadata_bytes"),
    used: live + walked("metadata_bytes"),
    free: walked("free_bytes"),
    freeChunks: walked("free_chunk_count"),
    walked: walked("walked_bytes"),
    mmappedCount: walked("mmapped_count"),
  };
  assert.deepEqual(figures, {
    heap: said("arena"),
    accounted: said("arena"),
    used: said("used") + said("fastbin_bytes"),
    free: said("free") - said("fastbin_bytes"),
    freeChunks: said("free_chunks"),
    walked: said("arena"),
    mmappedCount: said("mmapped_count"),
  });
  const miscounted = said("mmapped") - walked("mmapped_bytes");
  const allowed = minor >= 43 ? miscountedBytes * remapsMax : 0;
  assert.ok(
    miscounted >= 0 && miscounted <= allowed && miscounted % miscountedBytes === 0,
    `mmapped is ${miscounted} bytes off`,
  );
  if (said("largest") !== 0) assert.ok(walked("free_chunk_bytes_max") >= said("largest"));
}

/** What tcache and the fastbins hold is told apart; the program knows what it put there. */
export function assertParkedExact(fields: Fields, truth: Fields, minor: number): void {
  const pairs = [
    ["tcache_chunk_count", "tcache_chunks"],
    ["tcache_bytes", "tcache_bytes"],
    ["fastbin_chunk_count", "fastbins"],
    ["fastbin_bytes", "fastbin_bytes"],
  ] as const;
  // In 2.26 a thread that ends leaves its cache behind, full as it was (glibc bug 22111): the walk sees that one as well.
  for (const [walked, said] of pairs) {
    if (minor === 26) assert.ok(numberOf(fields, walked) >= numberOf(truth, said), walked);
    else assert.equal(numberOf(fields, walked), numberOf(truth, said), walked);
  }
  assert.ok(numberOf(truth, "tcache_chunks") > 0, "the test needs some");
}

/** Unknown with this reason, or one of these, and without a single figure of the heap. */
export function assertNoFigures(fields: Fields, ...reasons: string[]): void {
  assert.equal(fields.get("status"), "unknown", JSON.stringify([...fields]));
  assert.ok(reasons.includes(fields.get("reason") ?? ""), `reason=${fields.get("reason")}`);
  assert.equal(fields.has("heap_bytes"), false, "unknown must not carry figures");
}
