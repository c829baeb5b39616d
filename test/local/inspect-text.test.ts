// The screen of tidemark inspect over rows captured from real processes (Debian 12, x86-64). How it looks is in fixtures/inspect;
// TIDEMARK_UPDATE_SNAPSHOTS=1 writes them anew, for somebody to read.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import type { Measured } from "../../collector/watch/watched.ts";
import { parseArenas } from "../../local/inspect-arenas.ts";
import { inspectText, type Surroundings, wrap } from "../../local/inspect-text.ts";
import { fixture } from "../support/fixtures.ts";

interface Capture {
  readonly row: Measured;
  /** Output of the walker. */
  readonly arenas?: string;
}

const captured = (name: string): Capture => JSON.parse(fixture(`inspect/${name}.json`));
const around = (values: Partial<Surroundings> = {}): Surroundings => ({
  arenas: null,
  shimPath: "/usr/lib/tidemark/libtidemark.so",
  heapAgeMs: 3_200,
  bold: (text) => text,
  ...values,
});
const screen = (name: string, changes: Partial<Measured> = {}, values: Partial<Surroundings> = {}): string => {
  const { row, arenas } = captured(name);
  return inspectText({ ...row, ...changes }, around({ arenas: parseArenas(arenas ?? ""), ...values }));
};

const names = ["fragmented", "arenas", "jemalloc", "tcmalloc", "mimalloc", "no-shim"] as const;

for (const name of names) {
  test(`the screen of a captured process: ${name}`, () => {
    const text = `${screen(name)}\n`;
    const file = new URL(`../fixtures/inspect/${name}.txt`, import.meta.url);
    if (process.env["TIDEMARK_UPDATE_SNAPSHOTS"] === "1") writeFileSync(file, text);
    equal(
      text,
      fixture(`inspect/${name}.txt`),
      'if this is meant: TIDEMARK_UPDATE_SNAPSHOTS=1 node --test "test/local/inspect-text.test.ts"',
    );
  });
}

test("no line is wider than a terminal of 100 columns, but for what is to be pasted", () => {
  for (const name of names) {
    for (const line of screen(name, { tunables: "A=1 ".repeat(256), service: "s".repeat(255) }).split("\n")) {
      ok(line.length <= 96 || line.startsWith("  LD_PRELOAD="), line);
    }
  }
});

test("it fits one screen", () => {
  for (const name of names) ok(screen(name).split("\n").length <= 45, name);
});

test("from 80 % of the allowed mappings on there is a warning", () => {
  match(
    screen("fragmented", { vma_count: 52_424, vma_count_limit: 65_530 }),
    /52,424 of 65,530 \(80 %\) WARNING: at the limit mmap and malloc fail/,
  );
  ok(!screen("fragmented", { vma_count: 52_000, vma_count_limit: 65_530 }).includes("WARNING"));
});

test("failures of allocation are told when they are counted, and named as not known when not", () => {
  match(screen("fragmented", { alloc_failure_count: 7 }), /^failures {4}7 allocations failed since it started$/m);
  match(
    screen("fragmented"),
    /^ {2}failures: libtidemark-failures.so not loaded, or counted in the process that forked this one$/m,
  );
});

test("a heap that is little of the anonymous memory is said to be so", () => {
  match(screen("fragmented", { anon_bytes: 4_000_000_000 }), /But glibc's heap is only 1\.\d % of the anonymous memory/);
  ok(!screen("fragmented").includes("But glibc's heap"));
});

test("where chunks lie in fastbins, or may, a trim returns at least what is told", () => {
  const least =
    /would return at least 16 KiB: how much more cannot be told, for it joins 900\s+KiB of\s+chunks in fastbins first/;
  match(screen("fragmented", { fastbin_bytes: 900 * 1_024 }), least);
  ok(!screen("fragmented", { fastbin_bytes: 400 * 1_024 }).includes("at least"), "one part in a hundred of what is free");
  const unknown = { fastbin_bytes: null, fastbin_chunk_count: null };
  for (const version of ["2.36", "2.9", null])
    match(screen("fragmented", { ...unknown, allocator_version: version }), /at least/);
  for (const version of ["2.43", "3.0"])
    ok(!screen("fragmented", { ...unknown, allocator_version: version }).includes("at least"), "it has none");
});

test("names of strangers do not drive the terminal", () => {
  const text = screen("fragmented", { service: "a\u001b[31mb", comm: "x\u009by", tunables: "A=\u202e1" });
  deepEqual(text.match(/(?!\n)\p{C}/gu), null);
});

test("what is unknown for want of leave comes with the line that helps", () => {
  const denied = screen("no-shim", { heap_unknown_reason: "denied", allocator: "glibc" });
  match(denied, /Fragmented\? Unknown\. Tidemark may not read this process/);
  match(denied, /^ {2}sudo npm run tidemark -- inspect \d+$/m);
  match(screen("no-shim"), /^ {2}LD_PRELOAD=\/usr\/lib\/tidemark\/libtidemark\.so$/m);
});

test("a row without anything still makes a screen", () => {
  const text = inspectText({ sampled_at: 0, pid: 1, process_key: "k", service: "s" }, around());
  match(text, /Fragmented\? Unknown\. No known allocator/);
  match(text, /RSS unknown, PSS unknown/);
});

test("only the verdict is emphasised", () => {
  const text = screen("fragmented", {}, { bold: (line) => `<${line}>` });
  deepEqual(text.match(/<.*>/g)?.length, 1);
  match(text, /^<Fragmented\? Yes: .*>$/m);
});

test("lines break at spaces, long words where they must, and indented lines nowhere", () => {
  deepEqual(wrap("aaa bbb ccc", 7), ["aaa bbb", "ccc"]);
  deepEqual(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
  deepEqual(wrap("  abcdefghij", 4), ["  abcdefghij"]);
  deepEqual(wrap(""), [""]);
});
