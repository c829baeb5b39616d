// Proves that the benchmarks' runner tells what got worse from what is noise, by the pages that were committed.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { pageOf, type Section } from "./page.ts";
import { regressions } from "./regressions.ts";
import { alone, type BenchRow } from "./row.ts";

const beside = (ratio: number): BenchRow => ({
  name: "walk (of 12 ms)",
  value: 10,
  unit: "ms",
  peer: "mallinfo2",
  peer_value: 10 * ratio,
  ratio,
  target: null,
});
const section = (...rows: BenchRow[]): Section[] => [{ title: "native: walk", rows }];
const page = (...rows: BenchRow[]) => pageOf(section(...rows));
const MACHINE = "Machine: ";
const worseOf = (fresh: BenchRow, pages: readonly string[]) =>
  regressions(section(fresh), pages, MACHINE).map(({ name, what, before, now }) => [name, what, before, now]);

test("a ratio that fell beyond the least noise is worse, also when its name says another figure on the way", () => {
  deepEqual(worseOf({ ...beside(1.5), name: "walk (of 14 ms)" }, [page(beside(2))]), [["walk (of 14 ms)", "ratio", 2, 1.5]]);
  deepEqual(worseOf(beside(1.8), [page(beside(2))]), []);
  deepEqual(worseOf(beside(4), [page(beside(2))]), []);
});

test("committed runs that lie far apart make the noise", () => {
  const pages = [page(beside(2)), page(beside(1.2))];
  deepEqual(worseOf(beside(1.5), pages), []);
  deepEqual(worseOf(beside(0.9), pages), [["walk (of 12 ms)", "ratio", 2, 0.9]]);
});

test("figures alone are better when less, speeds when more", () => {
  deepEqual(worseOf(alone("CPU", "% of a core", 0.5), [page(alone("CPU", "% of a core", 0.3))]), [["CPU", "value", 0.3, 0.5]]);
  deepEqual(worseOf(alone("CPU", "% of a core", 0.1), [page(alone("CPU", "% of a core", 0.3))]), []);
  deepEqual(worseOf(alone("rows", "rows/CPU s", 1_000), [page(alone("rows", "rows/CPU s", 2_500))]), [
    ["rows", "value", 2_500, 1_000],
  ]);
});

test("another machine's page, a figure that was not there, and one that was not measured say nothing", () => {
  equal(regressions(section(beside(1)), [page(beside(2))], "Machine: 64 x other").length, 0);
  deepEqual(worseOf(alone("new", "ms", 5), [page(beside(2))]), []);
  deepEqual(worseOf({ ...alone("CPU", "ms", 5), value: null }, [page(alone("CPU", "ms", 1))]), []);
});
