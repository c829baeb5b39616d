// The text column `tunables` as settings, in the spellings of the shim and of the collector.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { bytesOf, parseTunables } from "../../../../functions/core/advice/tunables.ts";

const knobs = (text: string | null) => Object.fromEntries(parseTunables(text).byKnob);

test("settings are found by the name of their knob, whoever set them", () => {
  const cases = [
    ["MALLOC_ARENA_MAX=2", { "glibc.arena_max": "2" }],
    [
      "GLIBC_TUNABLES=glibc.malloc.tcache_count=0:glibc.malloc.arena_max=1",
      { "glibc.tcache_count": "0", "glibc.arena_max": "1" },
    ],
    ["MALLOC_ARENA_MAX=8 GLIBC_TUNABLES=glibc.malloc.arena_max=1:glibc.cpu.x=2", { "glibc.arena_max": "1" }],
    ["MALLOC_CONF=background_thread:true,narenas:2", { "jemalloc.background_thread": "true", "jemalloc.narenas": "2" }],
    ["_RJEM_MALLOC_CONF=narenas:2", { "jemalloc.narenas": "2" }],
    [
      "background_thread=false narenas=8 environment: LD_PRELOAD=/a.so /b.so MALLOC_CONF=narenas:9",
      // What jemalloc says of itself counts before what was asked of it.
      { "jemalloc.background_thread": "false", "jemalloc.narenas": "8" },
    ],
    ["aggressive_memory_decommit=1 heap_limit_mb=0", { "gperftools.aggressive_decommit": "1" }],
    [
      "TCMALLOC_RELEASE_RATE=10 max_total_thread_cache_bytes=3",
      {
        "gperftools.max_total_thread_cache_bytes": "3",
        "gperftools.release_rate": "10",
      },
    ],
    ["purge_delay=10", { "mimalloc.purge_delay": "10" }],
    [
      "JAVA_TOOL_OPTIONS=-Xmx2g -XX:+UseZGC -XX:ZUncommitDelay=60",
      {
        "jvm.Xmx": "2g",
        "jvm.UseZGC": "true",
        "jvm.ZUncommitDelay": "60",
      },
    ],
    ["NODE_OPTIONS=--max-old-space-size=512", { "node.max-old-space-size": "512" }],
    ["PYTHONMALLOC=malloc", { "python.PYTHONMALLOC": "malloc" }],
    ["", {}],
    [null, {}],
    ["= == =x GLIBC_TUNABLES=: MALLOC_CONF=,:, MALLOC_ARENA_MAX", {}],
  ] as const;
  for (const [text, expected] of cases) deepEqual(knobs(text), expected, String(text));
});

test("a list with spaces belongs to its variable", () => {
  const { variables, isKnown } = parseTunables(
    "LD_PRELOAD=/usr/lib/libjemalloc.so.2 /usr/lib/libtidemark.so MALLOC_ARENA_MAX=2",
  );
  deepEqual(
    [variables.get("LD_PRELOAD"), variables.get("MALLOC_ARENA_MAX")],
    ["/usr/lib/libjemalloc.so.2 /usr/lib/libtidemark.so", "2"],
  );
  equal(isKnown, true);
  equal(parseTunables(null).isKnown, false);
});

test("bytes are read as allocators write them", () => {
  const cases = [
    ["131072", 131_072],
    ["0x20000", 131_072],
    ["128k", 131_072],
    ["1G", 2 ** 30],
    ["-1", null],
    ["many", null],
    [undefined, null],
  ] as const;
  for (const [text, bytes] of cases) equal(bytesOf(text), bytes, String(text));
});
