// Proves the parts that make a profile readable: weights, jemalloc's text, mappings, names, the tree, the page and its escaping.
// It leaves true samples to test/native/profile.test.ts, and pprof's own reading to pprof.test.ts.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { howToEnable } from "../../../local/profile/enable.ts";
import { flamePage } from "../../../local/profile/flame-page.ts";
import { type FlameNode, flameTree, type NamedStack } from "../../../local/profile/flame-tree.ts";
import { beginningAtCallers, growthBetween, profileOf, weightOf } from "../../../local/profile/heap-profile.ts";
import { parseHeapText } from "../../../local/profile/heap-text.ts";
import { executable, mappingAt, parseMappings } from "../../../local/profile/mappings.ts";
import { plainName } from "../../../local/profile/plain-name.ts";

const about = { source: "wrapper", meanBytes: 524_288, droppedCount: 0 } as const;

test("a sample stands for mean / size blocks when it is small, and for itself alone when it is large", () => {
  ok(Math.abs(weightOf(64, 524_288) - 8_192.5) < 0.1);
  ok(Math.abs(weightOf(524_288, 524_288) - 1.582) < 0.001);
  equal(weightOf(1 << 30, 524_288), 1);
  ok(Number.isFinite(weightOf(0, 524_288)));
});

test("samples of one stack are one, by bytes; what was freed since is no growth", () => {
  const large = 1 << 28;
  const before = profileOf(
    [
      { frames: [1, 2], count: 1, bytes: large },
      { frames: [3], count: 1, bytes: large },
    ],
    about,
  );
  const after = profileOf(
    [
      { frames: [1, 2], count: 2, bytes: 2 * large },
      { frames: [1, 2], count: 1, bytes: large },
      { frames: [4], count: 1, bytes: large },
      { frames: [5], count: 0, bytes: 0 },
    ],
    about,
  );
  deepEqual(after.stacks[0], { frames: [1, 2], bytes: 3 * large, blocks: 3 });
  equal(after.sampleCount, 4);
  deepEqual(
    growthBetween(before, after).stacks.map(({ frames, bytes }) => [frames, bytes / large]),
    [
      [[1, 2], 2],
      [[4], 1],
    ],
  );
});

test("frames of the allocator on top are left out, and stacks that differ in nothing else are one", () => {
  const profile = profileOf(
    [
      { frames: [901, 900, 1], count: 1, bytes: 1 << 28 },
      { frames: [902, 1], count: 1, bytes: 1 << 28 },
      { frames: [1, 900], count: 1, bytes: 1 << 28 },
      { frames: [900], count: 1, bytes: 1 << 27 },
    ],
    about,
  );
  const { stacks } = beginningAtCallers(profile, (frame) => frame >= 900);
  deepEqual(
    stacks.map(({ frames, bytes }) => [frames, bytes]),
    [
      [[1], 1 << 29],
      [[1, 900], 1 << 28],
      [[], 1 << 27],
    ],
  );
});

test("jemalloc's text: live blocks by stack, without its totals and without its threads", () => {
  const text = [
    "heap_v2/524288",
    "  t*: 199: 204953 [0: 0]",
    "  t0: 199: 204953 [0: 0]",
    "@ 0x7ff9776a2630 0x563c42c772cb",
    "  t*: 198: 202752 [0: 0]",
    "  t0: 198: 202752 [0: 0]",
    "@ 0xffffffffff600000 0x10 nonsense",
    "  t*: 1: 82338 [0: 0]",
    "@ 0x20",
    "  t*: -1: 5 [0: 0]",
    "",
    "MAPPED_LIBRARIES:",
    "@ 0x30",
    "  t*: 7: 7 [0: 0]",
  ].join("\n");
  deepEqual(parseHeapText(text), {
    ok: true,
    value: {
      meanBytes: 524_288,
      samples: [
        { frames: [0x7ff9776a2630, 0x563c42c772cb], count: 198, bytes: 202_752 },
        { frames: [0x10], count: 1, bytes: 82_338 },
      ],
    },
  });
});

test("what is no heap_v2 is refused, whatever it is", () => {
  for (const text of ["", "heap_v2/0", "heap_v2/-5", "heap_v2/99999999999999", "heap profile: 1: 2 [3: 4] @ heapprofile", "\0"])
    equal(parseHeapText(text).ok, false, JSON.stringify(text));
});

test("mappings: the file behind an address; a gap, a name with blanks, a file that is gone", () => {
  const mappings = parseMappings(
    [
      "55d000000000-55d000002000 r--p 00000000 fe:00 10 /usr/bin/a b",
      "55d000002000-55d000003000 r-xp 00002000 fe:00 10 /usr/bin/a b",
      "7f0000000000-7f0000001000 r-xp 00000000 fe:00 12 /tmp/gone.so (deleted)",
      "7ffd00000000-7ffd00001000 r-xp 00000000 00:00 0                          [vdso]",
      "7ffe00000000-7ffe00001000 rw-p 00000000 00:00 0 ",
      "nonsense",
    ].join("\n"),
  );
  const code = executable(mappings);
  equal(mappings.length, 4);
  equal(mappingAt(code, 0x55d000002fff)?.path, "/usr/bin/a b");
  equal(mappingAt(code, 0x55d000003000), null);
  equal(mappingAt(code, 0x55d000001000), null);
  deepEqual([mappingAt(code, 0x7f0000000010)?.path, mappingAt(code, 0x7f0000000010)?.isDeleted], ["/tmp/gone.so", true]);
  equal(mappingAt(code, Number.MAX_SAFE_INTEGER), null);
});

test("names of C++ and Rust that are paths are written as paths; all others are left alone", () => {
  const names: Readonly<Record<string, string>> = {
    malloc: "malloc",
    _Z3foov: "foo",
    _ZN3foo3barEv: "foo::bar",
    _ZNK5Cache3getEi: "Cache::get",
    _ZN5CacheC1Ev: "Cache::Cache",
    _ZN5CacheD2Ev: "Cache::~Cache",
    _ZN4core3ptr13drop_in_place17h0123456789abcdefE: "core::ptr::drop_in_place",
    _ZNSt6vectorIiSaIiEE9push_backEOi: "_ZNSt6vectorIiSaIiEE9push_backEOi",
    _ZN3foo99barEv: "_ZN3foo99barEv",
    _Znwm: "_Znwm",
    _Z: "_Z",
    _ZN: "_ZN",
  };
  for (const [symbol, name] of Object.entries(names)) equal(plainName(symbol), name);
});

const stack = (bytes: number, ...names: string[]): NamedStack => ({
  places: names.map((name) => ({ name, file: "/usr/bin/p" })),
  bytes,
  blocks: 1,
});

test("the tree grows from main, and equal callers are one box", () => {
  const { children, bytes } = flameTree([stack(30, "a", "main"), stack(10, "b", "main"), stack(2, "c", "start")]);
  equal(bytes, 42);
  const shape = (node: FlameNode): unknown[] => [node.name, node.bytes, ...node.children.map(shape)];
  deepEqual(children.map(shape), [
    ["main", 40, ["a", 30], ["b", 10]],
    ["start", 2, ["c", 2]],
  ]);
});

test("a hundred thousand stacks and endless recursion make a page of bounded size", async () => {
  const many = Array.from({ length: 100_000 }, (_, at) => stack(1_000 - (at % 900), `f${at}`, `g${at % 500}`, "main"));
  const deep = stack(1e9, ...Array.from({ length: 5_000 }, (_, at) => `r${at}`));
  const page = await flamePage({ title: "t", about: [], tree: flameTree([...many, deep]), stacks: many });
  ok(page.length < 1_500_000, String(page.length));
});

test("names of strangers are text on the page, and nothing but its own script may run", async () => {
  const hostile = `"><script>alert(1)</script>'\u202e${"x".repeat(5_000)}`;
  const stacks = [stack(100, hostile, "main"), { ...stack(50, "b"), places: [{ name: "b", file: hostile }] }];
  const page = await flamePage({ title: hostile, about: [hostile], tree: flameTree(stacks), stacks });
  equal(page.includes("<script>alert"), false);
  equal(page.includes("\u202e"), false);
  equal(page.match(/<script>/g)?.length, 1);
  const script = /<script>([\s\S]*?)<\/script>/.exec(page)?.[1] ?? "";
  ok(page.includes(`script-src 'sha256-${createHash("sha256").update(script).digest("base64")}'`));
  match(page, /default-src 'none'/);
  equal(/\b(?:src|href)=/.test(page), false);
  ok(page.length < 100_000, String(page.length));
});

test("an empty profile has a page too", async () => {
  match(await flamePage({ title: "t", about: [], tree: flameTree([]), stacks: [] }), /Nothing was sampled/);
});

test("how to enable names the real variables, for each allocator, and says what cannot be had", () => {
  const context = { runtime: null, shimPath: "/s.so", wrapperPath: "/w.so", reason: null };
  match(howToEnable({ ...context, allocator: "glibc" }), /^ {2}LD_PRELOAD=\/w\.so$/m);
  match(
    howToEnable({ ...context, allocator: "jemalloc" }),
    /^ {2}LD_PRELOAD=\/s\.so TIDEMARK_PROFILE=1 MALLOC_CONF=prof:true,/m,
  );
  match(howToEnable({ ...context, allocator: "jemalloc", reason: "unsupported" }), /--enable-prof/);
  match(howToEnable({ ...context, allocator: "tcmalloc" }), /TCMALLOC_SAMPLE_PARAMETER=524288$/m);
  match(howToEnable({ ...context, allocator: "tcmalloc", reason: "unsupported" }), /SnapshotCurrent/);
  match(howToEnable({ ...context, allocator: "mimalloc" }), /keeps no samples/);
  match(howToEnable({ ...context, allocator: "unknown", runtime: "jvm" }), /GC\.heap_dump/);
});
