// Proves that the walker, from outside, says of real programs to the byte what glibc itself says inside them.
// It leaves heaps made for the purpose to walker.test.ts, and what a trim gives back to trim.test.ts.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { missing } from "../support/need.ts";
import { commandsOf, type ProgramName } from "../support/programs.ts";
import { type Measured, measureAtRest, startAsked } from "./glibc-figures.ts";
import { type Fields, make, numberOf } from "./target.ts";

before(() => make("build/tidemark-walk", "test-programs"));

/** Every figure that both sides tell. */
interface Comparison {
  readonly heap_bytes: number;
  readonly arena_count: number;
  readonly arena_bytes_max: number;
  readonly arena_count_over_1mib: number;
  readonly non_main_arena_bytes: number;
  readonly non_main_free_bytes: number;
  readonly free_bytes: number;
  readonly free_chunk_count: number;
  readonly free_chunk_bytes_max: number;
  readonly top_bytes: number;
  /** Null when the lists were too long for the walker to follow. */
  readonly fastbin_bytes: number | null;
  readonly fastbin_chunk_count: number | null;
  readonly mmapped_bytes: number;
  readonly mmapped_count: number;
  /** Live chunks of the arenas, their headers and all else that glibc counts as handed out. */
  readonly used_bytes: number;
}

const MIB = 1_024 * 1_024;
/** What the walker follows whatever it costs (LOADS_ALWAYS in native/walker/fastbins.c): node's can be longer. */
const FASTBIN_CHUNKS_ALWAYS = 4_096;
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

function ofGlibc({ fields, figures }: Measured): Comparison {
  const tellsFastbins = fields.has("fastbin_bytes") || figures.fastbinChunkCount <= FASTBIN_CHUNKS_ALWAYS;
  // An arena that never asked the kernel for anything has no heap to be found: java's main arena can be one.
  const arenas = figures.systemBytesByArena.filter((bytes) => bytes > 0);
  const heap = sum(arenas);
  return {
    heap_bytes: heap,
    arena_count: arenas.length,
    arena_bytes_max: Math.max(...arenas),
    arena_count_over_1mib: arenas.filter((bytes) => bytes > MIB).length,
    non_main_arena_bytes: sum(figures.systemBytesByArena.slice(1)),
    non_main_free_bytes: figures.nonMainFreeBytes,
    free_bytes: figures.freeBytes + figures.topBytes,
    free_chunk_count: figures.freeChunkCount,
    free_chunk_bytes_max: figures.freeChunkBytesMax,
    top_bytes: figures.topBytes,
    fastbin_bytes: tellsFastbins ? figures.fastbinBytes : null,
    fastbin_chunk_count: tellsFastbins ? figures.fastbinChunkCount : null,
    mmapped_bytes: figures.mmappedBytes,
    mmapped_count: figures.mmappedCount,
    used_bytes: heap - figures.freeBytes - figures.topBytes,
  };
}

function ofWalker(fields: Fields): Comparison {
  const number = (name: string): number => numberOf(fields, name);
  return {
    heap_bytes: number("heap_bytes"),
    arena_count: number("arena_count"),
    arena_bytes_max: number("arena_bytes_max"),
    arena_count_over_1mib: number("arena_count_over_1mib"),
    non_main_arena_bytes: number("non_main_arena_bytes"),
    non_main_free_bytes: number("non_main_free_bytes"),
    free_bytes: number("free_bytes"),
    free_chunk_count: number("free_chunk_count"),
    free_chunk_bytes_max: number("free_chunk_bytes_max"),
    top_bytes: number("top_bytes"),
    fastbin_bytes: fields.has("fastbin_bytes") ? number("fastbin_bytes") : null,
    fastbin_chunk_count: fields.has("fastbin_chunk_count") ? number("fastbin_chunk_count") : null,
    mmapped_bytes: number("mmapped_bytes"),
    mmapped_count: number("mmapped_count"),
    used_bytes: number("live_bytes") - number("mmapped_bytes") + number("metadata_bytes"),
  };
}

function assertAgrees(measured: Measured): void {
  const { fields, figures } = measured;
  const walked = ofWalker(fields);
  assert.deepEqual(walked, ofGlibc(measured));
  // mallinfo2 says the same in other words: its free bytes have the fastbins in them, its free chunks the tops.
  const info = (name: string): number => numberOf(figures.mallinfo, name);
  assert.equal(walked.heap_bytes, info("arena"));
  assert.equal(walked.free_bytes + info("fsmblks"), info("fordblks"));
  assert.equal(walked.free_chunk_count + figures.systemBytesByArena.length, info("ordblks"));
  assert.equal(walked.used_bytes - info("fsmblks"), info("uordblks"));
  assert.equal(walked.fastbin_bytes ?? info("fsmblks"), info("fsmblks"));
}

/** glibc cannot be asked for what its tcaches hold, but that lies among what it counts as handed out. */
function assertTcacheFits({ fields, figures }: Measured): void {
  const tcache = numberOf(fields, "tcache_bytes");
  assert.ok(tcache <= numberOf(figures.mallinfo, "uordblks"));
  assert.ok(tcache >= TCACHE_CHUNK_BYTES_MIN * numberOf(fields, "tcache_chunk_count"));
}

const TCACHE_CHUNK_BYTES_MIN = 32;

/** Without tcaches whatever is small goes to the fastbins: there the walker must find it, and nothing in tcaches. */
const withoutTcache = { GLIBC_TUNABLES: "glibc.malloc.tcache_count=0" };
const programs: readonly [name: ProgramName, env: Readonly<Record<string, string>>][] = [
  ["redis-glibc", {}],
  ["nginx", {}],
  ["postgres", {}],
  ["memcached", {}],
  ["mariadbd", {}],
  ["ruby", {}],
  ["python", {}],
  ["perl", {}],
  ["php", {}],
  ["php-zend", {}],
  ["node", {}],
  ["java", {}],
  ["redis-glibc", withoutTcache],
  ["ruby", withoutTcache],
  ["perl", withoutTcache],
  ["java", withoutTcache],
];
for (const [name, env] of programs) {
  const who = [name, ...Object.values(env)].join(" with ");
  test(`${who}: the walker and malloc_info agree to the byte and the chunk`, {
    skip: missing(...commandsOf(name)),
  }, async (t) => {
    const program = await startAsked(name, env);
    t.after(program.stop);
    for (const when of ["at rest", "after a load", "after two loads"]) {
      if (when !== "at rest") await program.load();
      const measured = await measureAtRest(program);
      t.diagnostic(`${when}: ${told(measured)}`);
      assertAgrees(measured);
      assertTcacheFits(measured);
      if (env === withoutTcache) assert.equal(numberOf(measured.fields, "tcache_chunk_count"), 0);
    }
  });
}

function told({ fields, figures }: Measured): string {
  const free = `${figures.freeChunkCount} free chunks, ${figures.fastbinChunkCount} in fastbins`;
  const tcache = `${fields.get("tcache_chunk_count")} in tcaches`;
  const mmapped = `${figures.mmappedCount} mmapped chunks`;
  return `${fields.get("heap_bytes")} bytes in ${fields.get("arena_count")} arenas, ${free}, ${tcache}, ${mmapped}`;
}
