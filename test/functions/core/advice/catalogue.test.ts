// The catalogue against itself: names, versions, and what is said when a version is not known.
// Whether the real allocators agree is real-allocators.test.ts's and real-runtimes.test.ts's.
import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { test } from "node:test";
import { catalogue, knobOf, presenceOf, unrealKnobs } from "../../../../functions/core/advice/catalogue.ts";
import { compareVersions, rangeText, versionNumbers } from "../../../../functions/core/advice/versions.ts";

test("every knob has one entry, with a source and what it does", () => {
  const ids = catalogue.map(({ id }) => id);
  equal(new Set(ids).size, ids.length);
  for (const knob of catalogue) {
    ok(knob.mechanics.length > 10 && knob.source.length > 5 && knob.defaultValue !== "", knob.id);
    ok(knob.versions.length > 0, knob.id);
    for (const limit of knob.versions.flatMap(({ from, until }) => [from, until]))
      ok(limit === null || versionNumbers(limit) !== null, `${knob.id} ${limit}`);
  }
  throws(() => knobOf("jemalloc.lg_tcache_gc_sweep"), /the catalogue has no knob/);
});

test("names that nothing reads are not in the catalogue", () => {
  const names = new Set(
    catalogue.flatMap(({ via }) => {
      switch (via.kind) {
        case "environment":
          return [via.variable];
        case "glibc_tunable":
          return [via.name, via.alias ?? via.name];
        default:
          return "name" in via ? [via.name] : [];
      }
    }),
  );
  for (const { name } of unrealKnobs) ok(!names.has(name), name);
});

test("versions are read as their owners write them", () => {
  const cases = [
    ["gperftools 2.10", [2, 10]],
    ["5.3.0-0-g54eaed1d8b56b1aa528be3bdd1877e59c56fa90c", [5, 3, 0]],
    ["v20.20.2", [20, 20, 2]],
    ["17.0.15+6-Debian-1deb12u1", [17, 0, 15]],
    ["1.8.0_392", [8, 0, 392]],
    ["1.8", [1, 8]],
    ["2.36", [2, 36]],
    ["", null],
    ["unknown", null],
  ] as const;
  for (const [text, numbers] of cases) deepEqual(versionNumbers(text), numbers, text);
  ok(compareVersions([2, 9], [2, 10]) < 0);
  equal(compareVersions([2, 10], [2, 10, 0]), 0);
  equal(rangeText({ from: "2.0", until: "2.1" }), "2.0 to before 2.1");
});

test("a version has a knob from its first to before its last", () => {
  const cases = [
    ["glibc.hugetlb", "2.34", "absent"],
    ["glibc.hugetlb", "2.35", "present"],
    ["glibc.mxfast", "2.43", "absent"],
    ["glibc.arena_max", "2.26", "present"],
    ["jemalloc.oversize_threshold", "5.1.0", "absent"],
    ["jemalloc.lg_dirty_mult", "4.5.0", "present"],
    ["jemalloc.lg_dirty_mult", "5.0.0", "absent"],
    ["mimalloc.purge_delay", "1.8.2", "present"],
    ["mimalloc.purge_delay", "2.0.9", "absent"],
    ["mimalloc.decommit_delay", "2.0.9", "present"],
    ["jvm.TrimNativeHeapInterval", "17.0.10", "absent"],
    ["jvm.TrimNativeHeapInterval", "17.0.15", "present"],
    ["jvm.TrimNativeHeapInterval", "18.0.2", "absent"],
    ["jvm.TrimNativeHeapInterval", "21.0.2", "absent"],
    ["jvm.TrimNativeHeapInterval", "25", "present"],
    ["python.PYTHONMALLOC_mimalloc", "3.12.1", "absent"],
    ["python.PYTHONMALLOC_mimalloc", "3.13.0", "present"],
  ] as const;
  for (const [id, version, kind] of cases) equal(presenceOf(knobOf(id), version).kind, kind, `${id} ${version}`);
});

test("with the version unknown, only what all supported versions have is taken without a condition", () => {
  equal(presenceOf(knobOf("glibc.arena_max"), null).kind, "present");
  equal(presenceOf(knobOf("gperftools.aggressive_decommit"), null).kind, "present");
  deepEqual(presenceOf(knobOf("jemalloc.background_thread"), null), {
    kind: "conditional",
    condition: "only with jemalloc 5.0 and later; which version this is, is not known",
  });
  equal(presenceOf(knobOf("jvm.G1PeriodicGCInterval"), "no version").kind, "conditional");
});
