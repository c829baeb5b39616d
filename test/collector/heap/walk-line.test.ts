// The line between the native walker and the collector.
import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "node:test";
import { parseWalkLine } from "../../../collector/heap/walk-line.ts";
import { fixture } from "../../support/fixtures.ts";

test("a line of the walker gives the heap columns", () => {
  const walk = parseWalkLine(fixture("walk-line"));
  if (!walk.ok || walk.value.kind !== "figures") throw new Error("expected figures");
  const { figures } = walk.value;
  equal(walk.value.allocator, "glibc");
  equal(walk.value.vma_count, 25);
  equal(figures.live_bytes, 2_810_080);
  equal(figures.free_chunk_count, 5_840);
  deepEqual(figures.pinned_bytes_by_size, [0, 0, 0, 1_269_008, 9_475_895, 8_114_697]);
});

test("parked chunks are told apart where the walker knows them, and absent where it does not", () => {
  const parked = (name: string) => {
    const walk = parseWalkLine(fixture(name));
    if (!walk.ok || walk.value.kind !== "figures") throw new Error("expected figures");
    const { tcache_bytes, tcache_chunk_count, fastbin_bytes, fastbin_chunk_count } = walk.value.figures;
    return [tcache_bytes, tcache_chunk_count, fastbin_bytes, fastbin_chunk_count];
  };
  deepEqual(parked("walk-line-with-tcache"), [107_184, 231, 0, 0]);
  deepEqual(parked("walk-line"), [null, null, null, null]);
});

test("a figure that the walker left out is null, an empty list is empty", () => {
  const walk = parseWalkLine("pid=7 status=ok allocator=glibc heap_bytes=4096 free_bytes_by_size=- walk_cpu_us=3");
  if (!walk.ok || walk.value.kind !== "figures") throw new Error("expected figures");
  equal(walk.value.figures.live_bytes, null);
  deepEqual(walk.value.figures.free_bytes_by_size, []);
  equal(walk.value.figures.pinned_bytes_by_size, null);
});

test("unknown carries its reason and its cost", () => {
  const walk = parseWalkLine("pid=7 status=unknown reason=swapped walk_cpu_us=31 vma_count=9");
  deepEqual(walk, { ok: true, value: { kind: "unknown", reason: "swapped", pid: 7, walk_cpu_us: 31, vma_count: 9 } });
});

test("lines that are no answer are refused, each with what is wrong", () => {
  const cases = [
    ["", /word without/],
    ["status=ok", /no pid/],
    ["pid=x status=ok", /no pid/],
    ["pid=7 status=fine", /status is fine/],
    ["pid=7", /status is missing/],
  ] as const;
  for (const [line, problem] of cases) {
    const walk = parseWalkLine(line);
    match(walk.ok ? "parsed" : walk.error, problem);
  }
});

test("numbers that are no counts become null rather than nonsense", () => {
  const walk = parseWalkLine("pid=7 status=ok live_bytes=-5 free_bytes=1e9 free_bytes_by_size=1,,2");
  if (!walk.ok || walk.value.kind !== "figures") throw new Error("expected figures");
  deepEqual(
    [walk.value.figures.live_bytes, walk.value.figures.free_bytes, walk.value.figures.free_bytes_by_size],
    [null, null, null],
  );
});
