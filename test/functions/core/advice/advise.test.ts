// What is recommended in which situation, what is not and why, and what it is worth.
// Whether it is the best that was measured is ranking.test.ts's, whether the knobs exist real-*.test.ts's.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { advise } from "../../../../functions/core/advice/advise.ts";
import { knobOf, presenceOf } from "../../../../functions/core/advice/catalogue.ts";
import { firstStepOf } from "../../../../functions/core/advice/first-step.ts";
import { inputOfFinding } from "../../../../functions/core/advice/inputs.ts";
import { type AdviceInput, type Figures, situationOf, versionOf } from "../../../../functions/core/advice/situation.ts";
import { input, MIB } from "./inputs.ts";

const held = (mib: number, reclaimableMib: number, rest: Figures = {}): Figures => ({
  live_bytes: 20 * MIB,
  free_bytes: mib * MIB,
  free_resident_bytes: mib * MIB,
  reclaimable_bytes: reclaimableMib * MIB,
  ...rest,
});
const ids = (given: AdviceInput) => advise(given).recommendations.map(({ id }) => id);
const whyNot = (given: AdviceInput, id: string) => advise(given).notAdvised.find((one) => one.id === id)?.because;

test("thresholds are not recommended against pages below the top, and are where the top holds them", () => {
  const pinned = input("fragmentation", held(100, 2, { top_bytes: MIB }));
  match(whyNot(pinned, "glibc.trim_threshold") ?? "", /tops of the arenas are 1 MiB \(1 %\) only/);
  const atTop = input("retention", held(100, 90, { top_bytes: 88 * MIB, arena_count_over_1mib: 1 }));
  const { recommendations } = advise(atTop);
  equal(recommendations[0]?.id, "glibc.trim_threshold");
  equal(recommendations[0]?.effect?.likely, 88 * MIB - 131_072);
  equal(recommendations[0]?.setting, "MALLOC_TRIM_THRESHOLD_=131072");
  const fixed = { ...atTop, tunables: "MALLOC_TRIM_THRESHOLD_=131072" };
  match(whyNot(fixed, "glibc.trim_threshold") ?? "", /is 128 KiB already/);
});

test("an arena limit is not recommended when one arena holds all, when it is set, or when the threads peaked together", () => {
  const spread = { arena_count_over_1mib: 16, non_main_free_bytes: 90 * MIB };
  const bloat = (rest: Figures, more: Partial<AdviceInput> = {}) =>
    input("arena_bloat", held(100, 5, { ...spread, ...rest }), more);
  ok(ids(bloat({ live_bytes_peak: 30 * MIB })).includes("glibc.arena_max"));
  match(whyNot(bloat({ arena_count_over_1mib: 1 }), "glibc.arena_max") ?? "", /1 arena holds the memory/);
  match(whyNot(bloat({ non_main_free_bytes: MIB }), "glibc.arena_max") ?? "", /main arena holds nearly all/);
  match(whyNot(bloat({ live_bytes_peak: 118 * MIB }), "glibc.arena_max") ?? "", /threads peaked together: 118 MiB/);
  match(
    whyNot(bloat({ live_bytes_peak: 30 * MIB }, { tunables: "MALLOC_ARENA_MAX=1" }), "glibc.arena_max") ?? "",
    /is 1 already/,
  );
});

test("decay is not recommended against pages that live objects pin", () => {
  const given = (dirty: number) =>
    input("fragmentation", held(100, dirty, { dirty_bytes: dirty * MIB, bin_waste_bytes: 95 * MIB }), {
      allocator: "jemalloc",
      allocator_version: "5.3.0",
      heap_source: "shim",
    });
  match(whyNot(given(2), "jemalloc.decay") ?? "", /only 2 MiB of 100 MiB is dirty/);
  equal(ids(given(60))[0], "jemalloc.decay");
});

test("a knob that the detected version does not have is never recommended, and without a version its condition is said", () => {
  const g1 = (runtime_version: string | null) =>
    input(
      "runtime_heap",
      { runtime_heap_bytes: 400 * MIB, runtime_heap_used_bytes: 100 * MIB },
      { runtime: "jvm", runtime_version },
    );
  equal(ids(g1("17.0.15"))[0], "jvm.g1_periodic");
  match(whyNot(g1("11.0.20"), "jvm.g1_periodic") ?? "", /jvm 11\.0\.20 does not have it: 12 and later/);
  ok(!ids(g1("11.0.20")).includes("jvm.g1_periodic"));
  match(advise(g1(null)).recommendations[0]?.condition ?? "", /only with jvm 12 and later/);
  const mimalloc = (allocator_version: string | null) =>
    advise(input("retention", {}, { allocator: "mimalloc", allocator_version, heap_source: "shim" })).recommendations[0];
  equal(mimalloc("2.0.9")?.setting, "MIMALLOC_DECOMMIT_DELAY=0");
  equal(mimalloc("3.0.1")?.setting, "MIMALLOC_PURGE_DELAY=0");
  match(mimalloc(null)?.condition ?? "", /only with mimalloc 1\.8 to before 2\.0, or 2\.1 and later/);
  const old = { allocator: "jemalloc", allocator_version: "4.5.0", heap_source: "shim" };
  deepEqual(ids(input("retention", held(100, 90, { dirty_bytes: 90 * MIB }), old)), ["relief"]);
});

test("a setting that is in effect is not recommended again", () => {
  const given = input("retention", held(100, 90, { dirty_bytes: 90 * MIB }), {
    allocator: "jemalloc",
    allocator_version: "5.3.0",
    tunables: "background_thread=true dirty_decay_ms=1000 muzzy_decay_ms=0",
  });
  match(whyNot(given, "jemalloc.decay") ?? "", /^set already: jemalloc\.background_thread=true/);
});

test("google/tcmalloc gets code, not a variable of gperftools", () => {
  const given = input("retention", held(100, 90), { allocator: "tcmalloc", allocator_version: null, heap_source: "shim" });
  const [first] = advise(given).recommendations.filter(({ id }) => id.startsWith("google"));
  match(first?.forms.map(({ text }) => text).join("") ?? "", /SetBackgroundReleaseRate/);
  ok(!ids(given).some((id) => id.startsWith("gperftools")));
});

test("musl and Go get no library preloaded", () => {
  for (const more of [{ libc: "musl" }, { runtime: "go" }])
    ok(!ids(input("retention", held(100, 90), more)).includes("jemalloc.switch"), JSON.stringify(more));
});

test("mappings: the limit first, then the setting that makes them", () => {
  const figures = { vma_count: 60_000, vma_count_limit: 65_530, mmapped_count: 58_000, mmapped_bytes: 400 * MIB };
  deepEqual(ids(input("mapping_growth", figures, { tunables: "MALLOC_MMAP_THRESHOLD_=4096" })), [
    "kernel.max_map_count",
    "glibc.mmap_threshold",
  ]);
  deepEqual(ids(input("mapping_growth", { ...figures, mmapped_count: 0 })), ["kernel.max_map_count"]);
});

test("more memory is recommended only where the need is live", () => {
  const limit = (live: number, free: number) =>
    input(
      "alloc_failure",
      held(free, free, { live_bytes: live * MIB, live_bytes_peak: live * MIB, cgroup_limit_bytes: 512 * MIB }),
    );
  ok(ids(limit(480, 8)).includes("platform.memory_limit"));
  match(whyNot(limit(100, 380), "platform.memory_limit") ?? "", /give held memory back first/);
  const host = (live: number, free: number) => input("low_memory", held(free, free, { live_bytes: live * MIB }));
  ok(ids(host(4_000, 8)).includes("platform.instance_type"));
  match(whyNot(host(1_000, 900), "platform.instance_type") ?? "", /900 MiB is held free: that comes first/);
});

test("a heap limit of a JVM above the container's share is lowered, one below is left", () => {
  const jvm = (heapMib: number) =>
    input(
      "alloc_failure",
      { runtime_heap_limit_bytes: heapMib * MIB, cgroup_limit_bytes: 1_024 * MIB },
      { runtime: "jvm", runtime_version: "17.0.15" },
    );
  equal(advise(jvm(1_000)).recommendations[0]?.setting, "java -Xmx768m ...");
  match(whyNot(jvm(512), "jvm.max_heap") ?? "", /512 MiB, 50 % of the container's limit/);
});

test("an effect is scaled to the fleet by what is held, and priced by the instance's family", () => {
  const fleet = { excess_bytes: 8 * 2 ** 30, host_count: 4, process_count: 80 };
  const [first] = advise(input("retention", held(100, 90), { fleet, instance_type: "m7g.2xlarge" })).recommendations;
  equal(first?.effect?.likely, 90 * MIB);
  equal(first?.bytesFleet, Math.round(0.9 * 8 * 2 ** 30));
  equal(first?.bytesPerHost, Math.round(1.8 * 2 ** 30));
  const { least = 0, most = 0, price } = first?.dollarsPerMonth ?? {};
  deepEqual([least.toFixed(2), most.toFixed(2), price?.family, price?.isAssumed], ["15.15", "53.61", "m7g", false]);
});

test("the first step is one line, with what it brings", () => {
  equal(
    firstStepOf(
      advise(
        input("retention", held(100, 90, { dirty_bytes: 90 * MIB }), { allocator: "jemalloc", allocator_version: "5.3.0" }),
      ),
    ),
    "Purge sooner, and when idle: MALLOC_CONF=background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0 (about 90 MiB back in a process)",
  );
  equal(firstStepOf(advise(input("none"))), null);
  const finding = {
    found_at: 1,
    finding_id: "f",
    service: "billing",
    cause: "retention",
    since: 0,
    host_count: 2,
    process_count: 4,
    excess_bytes: 400 * MIB,
    evidence: "",
  };
  equal(
    firstStepOf(advise(inputOfFinding(finding, { ...held(100, 90), allocator: "glibc", allocator_version: "2.36" }))),
    "Give memory back after the peak (relief): LD_PRELOAD=/usr/lib/tidemark/libtidemark.so TIDEMARK_RELIEF=1; tidemark relief <pid> --timeout 5m (about 90 MiB back in a process, 360 MiB in all)",
  );
  equal(firstStepOf(advise(inputOfFinding(finding, null))), null);
});

const values = [null, 0, 1, 4_096, MIB, 100 * MIB, 3 * 2 ** 30, 2 ** 53] as const;
const causes = [
  "leak",
  "fragmentation",
  "retention",
  "arena_bloat",
  "cache_growth",
  "runtime_heap",
  "mapping_growth",
  "file_growth",
  "alloc_failure",
  "cgroup_limit",
  "low_memory",
  "swap_growth",
  "memory_pressure",
  "kernel_fragmentation",
  "host_silent",
  "none",
  "__proto__",
  "moon_phase",
];
const versions = [
  null,
  "",
  "2.17",
  "2.26",
  "2.36",
  "2.43",
  "4.5.0",
  "5.0.1",
  "5.3.0",
  "gperftools 2.10",
  "2.0.9",
  "3.0.1",
  "x",
];
const runtimes = [null, "jvm", "node", "python", "ruby", "go", "php"];
const runtimeVersions = [null, "1.8.0_392", "11.0.2", "17.0.5", "21.0.3", "3.12", "3.13", "20.1", "1.17"];

test("whatever the figures, advice is given without a fault, by knobs of the version, with effects within what is held", () => {
  // A small generator of its own (Lehmer's), so that a failure comes again.
  let state = 20_261_123;
  const pick = <T>(list: readonly T[]): T => {
    state = (state * 48_271) % 2_147_483_647;
    return list[state % list.length] as T;
  };
  const figureNames = Object.keys({
    ...held(1, 1),
    rss_bytes: 0,
    anon_bytes: 0,
    free_chunk_count: 0,
    free_chunk_bytes_max: 0,
    top_bytes: 0,
    arena_count_over_1mib: 0,
    non_main_free_bytes: 0,
    mmapped_count: 0,
    mmapped_bytes: 0,
    dirty_bytes: 0,
    live_bytes_peak: 0,
    runtime_heap_bytes: 0,
    runtime_heap_used_bytes: 0,
    runtime_heap_limit_bytes: 0,
    cgroup_limit_bytes: 0,
    vma_count: 0,
    vma_count_limit: 0,
    host_dirty_bytes: 0,
    host_memory_bytes: 0,
    tcache_chunk_count: 0,
  });
  let count = 0;
  for (let round = 0; round < 4_000; round++) {
    const given = input(pick(causes), Object.fromEntries(figureNames.map((name) => [name, pick(values)])), {
      allocator: pick([null, "glibc", "jemalloc", "tcmalloc", "mimalloc", "unknown"]),
      allocator_version: pick(versions),
      heap_source: pick([null, "walk", "shim"]),
      runtime: pick(runtimes),
      runtime_version: pick(runtimeVersions),
      tunables: pick([
        null,
        "MALLOC_ARENA_MAX=1",
        "GLIBC_TUNABLES=glibc.malloc.arena_max=1",
        "environment: LD_PRELOAD=/a /b",
        "\u0000=",
      ]),
      fleet: pick([null, { excess_bytes: 2 ** 40, host_count: 0, process_count: 0 }]),
    });
    const situation = situationOf(given);
    const most = Math.max(situation.heldBytes ?? 0, situation.outsideBytes ?? 0, given.figures.runtime_heap_bytes ?? 0);
    const { recommendations, notAdvised } = advise(given);
    const named = [...recommendations, ...notAdvised].map(({ id }) => id);
    equal(new Set(named).size, named.length, "nothing is both advised and not");
    for (const { id, changes, effect, why, dollarsPerMonth } of recommendations) {
      count++;
      const about = `${id} ${JSON.stringify(given)}`;
      for (const { knob } of changes) {
        const { owner } = knobOf(knob);
        const presence = presenceOf(knobOf(knob), versionOf(situation, owner));
        ok(presence.kind !== "absent", about);
      }
      ok(
        why.every((sentence) => sentence.length > 10 && !sentence.includes("undefined") && !sentence.includes("NaN")),
        about,
      );
      if (effect === null) continue;
      ok(0 <= effect.least && effect.least <= effect.likely && effect.likely <= effect.most && effect.most <= most, about);
      ok((dollarsPerMonth?.least ?? -1) >= 0, about);
    }
  }
  ok(count > 2_000, `${count} recommendations`);
});
