// Whether a change is what was recommended, and how it is told. Settings are strangers' text.
// Finding changes in a lake is test/local/ledger.test.ts's.
import { equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { changeText, isAsRecommended, type SettingState } from "../../../../functions/core/ledger/setting-change.ts";

const state = (tunables = "", allocator = "glibc", rest: Partial<SettingState> = {}): SettingState => ({
  allocator,
  allocator_version: "",
  tunables,
  service_version: "1",
  ...rest,
});
const JEMALLOC = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2";
const SWITCH = `loader.preload=${JEMALLOC} jemalloc.background_thread=true`;
const PRELOADED = "LD_PRELOAD=/opt/lib/libjemalloc.so.2";

const cases: readonly (readonly [string, string, SettingState, SettingState, boolean])[] = [
  ["the tunable", "glibc.arena_max=2", state(), state("GLIBC_TUNABLES=glibc.malloc.arena_max=2"), true],
  ["its older variable", "glibc.arena_max=2", state(), state("MALLOC_ARENA_MAX=2"), true],
  ["another value", "glibc.arena_max=2", state(), state("MALLOC_ARENA_MAX=4"), false],
  ["set already", "glibc.arena_max=2", state("MALLOC_ARENA_MAX=2"), state("MALLOC_ARENA_MAX=2 MALLOC_TOP_PAD_=1"), false],
  ["one of two", "glibc.arena_max=2 glibc.mmap_threshold=131072", state(), state("MALLOC_ARENA_MAX=2"), false],
  [
    "the allocator from elsewhere, with its thread",
    SWITCH,
    state(),
    state(`MALLOC_CONF=background_thread:true ${PRELOADED}`, "jemalloc"),
    true,
  ],
  ["the allocator without its thread", SWITCH, state(), state(PRELOADED, "jemalloc"), false],
  [
    "the allocator, and the shim says its thread is off",
    SWITCH,
    state(),
    state(`background_thread=false environment: ${PRELOADED}`, "jemalloc"),
    false,
  ],
  ["the allocator, of whose settings nothing is known", SWITCH, state(), state("", "jemalloc"), true],
  ["preloaded, but not what serves malloc", SWITCH, state(), state(`MALLOC_CONF=background_thread:true ${PRELOADED}`), false],
  [
    "the shim with relief",
    "loader.preload=/x/libtidemark.so tidemark.relief=1",
    state("LD_PRELOAD=/usr/lib/tidemark/libtidemark.so"),
    state("LD_PRELOAD=/usr/lib/tidemark/libtidemark.so TIDEMARK_RELIEF=1"),
    true,
  ],
  [
    "the shim alone, for its figures",
    "loader.preload=/x/libtidemark.so tidemark.relief=1",
    state(),
    state("LD_PRELOAD=/usr/lib/tidemark/libtidemark.so"),
    false,
  ],
  ["what samples cannot show", "jvm.G1PeriodicGCInterval=60000", state(), state("MALLOC_ARENA_MAX=2"), false],
  ["a knob of another catalogue", "glibc.magic=1", state(), state("MALLOC_ARENA_MAX=2"), false],
  ["no knob at all", "= =x nonsense", state(), state("MALLOC_ARENA_MAX=2"), false],
];

for (const [name, changes, before, after, expected] of cases) {
  test(`as recommended or not: ${name}`, () => equal(isAsRecommended(changes, before, after, "setting"), expected));
}

test("code is known by a new version, and by nothing else; a new version is no setting", () => {
  equal(isAsRecommended("", state(), state(), "version"), true);
  equal(isAsRecommended("", state(), state("MALLOC_ARENA_MAX=2"), "setting"), false);
  equal(isAsRecommended("glibc.arena_max=2", state(), state("MALLOC_ARENA_MAX=2"), "version"), false);
});

test("a change is told by what was added, changed and taken away", () => {
  const before = state("MALLOC_ARENA_MAX=4 MALLOC_TOP_PAD_=1");
  equal(changeText(before, state("MALLOC_ARENA_MAX=2"), "setting"), "+MALLOC_ARENA_MAX=2, -MALLOC_TOP_PAD_");
  equal(
    changeText(state(), state(`narenas=8 environment: ${PRELOADED}`, "jemalloc", { allocator_version: "5.3.0" }), "setting"),
    `allocator glibc to jemalloc 5.3.0, +${PRELOADED}`,
  );
  equal(
    changeText(state("", "glibc", { allocator_version: "2.36" }), state("", "glibc", { allocator_version: "2.41" }), "setting"),
    "glibc 2.36 to 2.41",
  );
  equal(changeText(state(), state("", "glibc", { service_version: "" }), "version"), "version 1 to unknown");
});

test("settings of any length and content are told in a line of bounded length", () => {
  const text = changeText(state(), state(`A=${"x".repeat(100_000)} <script>=1 \u0000=2`), "setting");
  ok(text.length <= 400 && text.endsWith("\u2026"));
});
