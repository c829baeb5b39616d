// Which allocator, and which glibc.
import { deepEqual, equal, match } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { type Allocator, allocatorOf, needsShim, servedBy } from "../../../collector/heap/allocator.ts";
import { findVersion, glibcVersion } from "../../../collector/heap/glibc-version.ts";
import { parseMaps } from "../../../collector/proc/maps.ts";
import { readAndParse } from "../../../collector/proc/read.ts";
import { fixture } from "../../support/fixtures.ts";

const libc = "/usr/lib/x86_64-linux-gnu/libc.so.6";

test("a preloaded allocator wins over the libc that is always mapped; without either the allocator is unknown", () => {
  const cases: readonly [readonly string[], string, string | null][] = [
    [
      ["/usr/bin/redis-server", libc, "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"],
      "jemalloc",
      "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
    ],
    [["/bin/x", "/usr/lib/libtcmalloc_minimal.so.4", libc], "tcmalloc", "/usr/lib/libtcmalloc_minimal.so.4"],
    [["/bin/x", "/opt/libmimalloc.so.2.1", libc], "mimalloc", "/opt/libmimalloc.so.2.1"],
    [["/bin/x", libc], "glibc", libc],
    [["/bin/x", "/lib/x86_64-linux-gnu/libc-2.31.so"], "glibc", "/lib/x86_64-linux-gnu/libc-2.31.so"],
    [["/bin/x", "/lib/ld-musl-x86_64.so.1"], "unknown", null],
    [["/bin/libcurl.so.6"], "unknown", null],
    [[], "unknown", null],
  ];
  for (const [paths, allocator, libraryPath] of cases)
    deepEqual(allocatorOf(paths), { allocator, libraryPath, hasShim: false });
});

test("our shim among the libraries is no allocator, but it is noticed", () => {
  const maps = parseMaps(fixture("proc/maps-with-shim"), "maps");
  const { allocator, hasShim } = allocatorOf(maps.ok ? maps.value.executablePaths : []);
  deepEqual([allocator, hasShim], ["jemalloc", true]);
  equal(allocatorOf(["/usr/lib/tidemark/libtidemark-failures.so", libc]).hasShim, false);
});

test("what the shim found out comes before the names of libraries; when it could not tell, they count", () => {
  const hint = allocatorOf(["/usr/lib/libjemalloc.so.2", libc]);
  equal(servedBy(hint, null), "jemalloc");
  equal(servedBy(hint, "glibc"), "glibc");
  equal(servedBy(hint, "unknown"), "jemalloc");
  equal(servedBy(allocatorOf([libc]), "mimalloc"), "mimalloc");
  deepEqual(
    ["glibc", "jemalloc", "tcmalloc", "mimalloc", "unknown"].map((name) => needsShim(name as Allocator)),
    [false, true, true, true, false],
  );
});

test("the version of this process's glibc is what getconf says", () => {
  const maps = readAndParse("/proc/self/maps", parseMaps);
  if (!maps.ok) throw new Error("no maps of our own");
  const hint = allocatorOf(maps.value.executablePaths);
  if (hint.allocator !== "glibc" || hint.libraryPath === null) throw new Error(`Node runs on ${hint.allocator}`);
  const expected = execFileSync("getconf", ["GNU_LIBC_VERSION"], { encoding: "utf8" }).trim();
  equal(`glibc ${glibcVersion(process.pid, hint.libraryPath)}`, expected);
});

test("a library that is gone or says nothing has no version", () => {
  equal(glibcVersion(process.pid, "/nonexistent/libc.so.6"), null);
  equal(glibcVersion(process.pid, "/etc/hostname"), null);
  // The kernel opens this one and then refuses to read it (EINVAL): the loopback device has no speed.
  equal(glibcVersion(process.pid, "/sys/class/net/lo/speed"), null);
  equal(findVersion(Buffer.from("GNU C Library (someone's own) of no version")), null);
  match(String(findVersion(Buffer.from("xx GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\n"))), /^2\.36$/);
});
