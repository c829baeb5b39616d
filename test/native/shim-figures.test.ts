// Proves that the figures in a ring are the allocator's own, for each real allocator, plain and prefixed, and for Redis.
// It leaves what processes do besides allocating to shim.test.ts and shim-life.test.ts.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, test } from "node:test";
import { missing } from "../support/need.ts";
import {
  freshRecord,
  jemalloc,
  mimalloc,
  missingLibrary,
  removeRingFolders,
  ringFolder,
  ringSeen,
  shim,
  shimEnv,
  startPeer,
  tcmalloc,
  tcmallocMinimal,
  until,
} from "./shim-ring.ts";
import { endTargets, make, numberOf, programPath } from "./target.ts";

const prefixed = programPath("test/shim_prefixed.so");
const google = programPath("test/shim_google.so");

before(() => make("all", "test-programs"));
after(() => {
  endTargets();
  removeRingFolders();
});

const sum = (numbers: readonly number[] | null): number => (numbers ?? []).reduce((total, number) => total + number, 0);

function assertClose(actual: number | null, expected: number, ratio: number, what: string): void {
  assert.notEqual(actual, null, `${what} is absent`);
  const off = Math.abs((actual ?? 0) - expected) / Math.max(expected, 1);
  assert.ok(off <= ratio, `${what} is ${actual}, the allocator says ${expected}: more than ${ratio * 100} % apart`);
}

/** jemalloc's thread-local storage is more than glibc keeps in reserve for libraries that are loaded later. */
const roomForJemalloc = { GLIBC_TUNABLES: "glibc.rtld.optional_static_tls=65536" };
const plainAndPrefixed = [
  { name: "jemalloc", library: jemalloc, env: {} },
  { name: "jemalloc behind Rust's prefix", library: prefixed, env: roomForJemalloc },
];

for (const { name, library, env } of plainAndPrefixed) {
  test(`${name}: every figure is what mallctl says`, { skip: missingLibrary(jemalloc) }, async () => {
    const { pid, ask, folder } = await startPeer(library, env);
    await ringSeen(folder, pid);
    await ask("grow 300000 200");
    await ask("thin 20");
    const said = await ask("figures");
    const { figures, probe_cpu_us } = await freshRecord(folder, pid);
    const { header } = await ringSeen(folder, pid);

    assert.equal(header.allocator, "jemalloc");
    assertClose(figures.live_bytes, numberOf(said, "live"), 0.001, "live_bytes");
    assertClose(figures.active_bytes, numberOf(said, "active"), 0.001, "active_bytes");
    assertClose(figures.heap_resident_bytes, numberOf(said, "resident"), 0.02, "heap_resident_bytes");
    assertClose(figures.metadata_bytes, numberOf(said, "metadata"), 0.02, "metadata_bytes");
    assert.equal(figures.heap_bytes, figures.heap_resident_bytes);
    assert.equal(figures.free_bytes, (figures.heap_bytes ?? 0) - (figures.live_bytes ?? 0));
    assert.equal(figures.reclaimable_bytes, (figures.dirty_bytes ?? 0) + (figures.muzzy_bytes ?? 0));
    assert.ok((figures.arena_count ?? 0) >= 1);
    assert.ok(probe_cpu_us !== null && probe_cpu_us > 0);
    // 19 of 20 blocks of 224 bytes are gone from slabs that the twentieth keeps: bin 3 holds regions of 128 to 255 bytes.
    assertClose(figures.bin_waste_bytes, (numberOf(said, "active") - numberOf(said, "live")) * 0.99, 0.02, "bin_waste_bytes");
    assert.equal(sum(figures.pinned_bytes_by_size), figures.bin_waste_bytes);
    assert.ok((figures.pinned_bytes_by_size?.[3] ?? 0) > 0.9 * (figures.bin_waste_bytes ?? 0));
  });
}

test("jemalloc: free extents and the largest of them add up to dirty pages", { skip: missingLibrary(jemalloc) }, async () => {
  const { pid, ask, folder } = await startPeer(jemalloc, { MALLOC_CONF: "dirty_decay_ms:-1,muzzy_decay_ms:-1" });
  await ask("grow 40 3000000");
  await ask("thin 2");
  const { figures } = await freshRecord(folder, pid);
  // Every other block of 3 MB, which jemalloc makes 3.5 MB, is a free extent between two that are in use.
  assertClose(sum(figures.free_bytes_by_size), figures.dirty_bytes ?? 0, 0.01, "free_bytes_by_size");
  assert.ok((figures.free_chunk_bytes_max ?? 0) >= 3_000_000);
  assert.ok((figures.free_chunk_bytes_max ?? 0) <= (figures.dirty_bytes ?? 0));
  assert.ok((figures.free_bytes_by_size?.[17] ?? 0) >= 20 * 3_000_000, "bin 17 is 2 to 4 MiB");
});

test("jemalloc: version and the options in effect are in the header", { skip: missingLibrary(jemalloc) }, async () => {
  const { pid, folder } = await startPeer(jemalloc, { MALLOC_CONF: "narenas:3,dirty_decay_ms:1234,background_thread:true" });
  const { header } = await ringSeen(folder, pid);
  assert.match(header.allocator_version ?? "", /^5\.\d+\.\d+/);
  const words = header.tunables?.split(" ") ?? [];
  for (const word of ["narenas=3", "dirty_decay_ms=1234", "background_thread=true", "percpu_arena=disabled"])
    assert.ok(words.includes(word), `${word} is not in ${header.tunables}`);
});

for (const library of [tcmalloc, tcmallocMinimal]) {
  test(`${library}: every figure is what MallocExtension says`, { skip: missingLibrary(library) }, async () => {
    const { pid, ask, folder } = await startPeer(library, { TCMALLOC_RELEASE_RATE: "2.5" });
    await ask("grow 300000 200");
    await ask("thin 20");
    const said = await ask("figures");
    const { figures } = await freshRecord(folder, pid);
    const { header } = await ringSeen(folder, pid);

    assert.equal(header.allocator, "tcmalloc");
    assert.match(header.allocator_version ?? "", /^gperftools \d/);
    assert.match(header.tunables ?? "", /TCMALLOC_RELEASE_RATE=2\.5 .*max_total_thread_cache_bytes=\d+/);
    assertClose(figures.live_bytes, numberOf(said, "live"), 0.001, "live_bytes");
    assertClose(figures.heap_bytes, numberOf(said, "heap") - numberOf(said, "unmapped"), 0.001, "heap_bytes");
    assertClose(figures.dirty_bytes, numberOf(said, "free_pages"), 0.02, "dirty_bytes");
    assert.equal(figures.free_bytes, (figures.heap_bytes ?? 0) - (figures.live_bytes ?? 0));
    assert.equal(figures.heap_resident_bytes, null, "tcmalloc does not know what is resident");
    assert.equal(figures.free_bytes_by_size, null);
  });
}

test("tcmalloc preloaded before the shim, so that it is set up after it, is recognised", {
  skip: missingLibrary(tcmalloc),
}, async () => {
  const folder = ringFolder();
  const { pid } = await startPeer(null, shimEnv(folder, tcmalloc, shim));
  assert.equal((await ringSeen(folder, pid)).header.allocator, "tcmalloc");
});

test("mimalloc: committed bytes are its own, and what it does not count is absent", {
  skip: missingLibrary(mimalloc),
}, async () => {
  const { pid, ask, folder } = await startPeer(mimalloc);
  // The shim's thread has a heap of its own from its first record on, and that is committed as well.
  await freshRecord(folder, pid);
  await ask("grow 300000 200");
  const said = await ask("figures");
  const { figures } = await freshRecord(folder, pid);
  const { header } = await ringSeen(folder, pid);
  assert.equal(header.allocator, "mimalloc");
  assert.match(header.allocator_version ?? "", /^\d\.\d+\.\d+$/);
  assertClose(figures.heap_bytes, numberOf(said, "commit"), 0.001, "heap_bytes");
  assert.equal(figures.live_bytes, null);
  assert.equal(figures.heap_resident_bytes, null);
});

test("google/tcmalloc (a stand-in with its C functions): its properties become our columns", async () => {
  const { pid, folder } = await startPeer(google);
  const { figures } = await freshRecord(folder, pid);
  assert.equal((await ringSeen(folder, pid)).header.allocator, "tcmalloc");
  assert.equal(figures.heap_bytes, 10_000_000);
  assert.equal(figures.live_bytes, 6_000_000);
  assert.equal(figures.free_bytes, 4_000_000);
  assert.equal(figures.dirty_bytes, 2_000_000);
  assert.equal(figures.retained_bytes, 500_000);
  assert.equal(figures.metadata_bytes, 300_000);
  assert.equal(figures.cache_bytes, 5_320);
});

test("of two allocators in a process, the one that owns malloc is measured", {
  skip: missingLibrary(jemalloc, tcmalloc),
}, async () => {
  // Whoever comes first owns malloc; the other one's functions are still there to be found.
  const tcmallocOwns = await startPeer(`${tcmalloc} ${jemalloc}`);
  assert.equal((await ringSeen(tcmallocOwns.folder, tcmallocOwns.pid)).header.allocator, "tcmalloc");
  const jemallocOwns = await startPeer(`${jemalloc} ${tcmalloc}`);
  assert.equal((await ringSeen(jemallocOwns.folder, jemallocOwns.pid)).header.allocator, "jemalloc");
});

test("redis-server agrees with INFO memory", { skip: missing("redis-server", "redis-cli") }, async () => {
  const folder = ringFolder();
  const args = [
    "--port",
    "0",
    "--unixsocket",
    `${folder}/redis.sock`,
    "--save",
    "",
    "--enable-debug-command",
    "yes",
    "--dir",
    folder,
  ];
  const redis = spawn("redis-server", args, { env: { ...process.env, ...shimEnv(folder, shim) }, stdio: "ignore" });
  const ended = new Promise((resolve) => redis.once("exit", resolve));
  const cli = (...command: string[]): Promise<string> =>
    new Promise((resolve) => {
      const child = spawn("redis-cli", ["-s", `${folder}/redis.sock`, ...command], { stdio: ["ignore", "pipe", "ignore"] });
      let text = "";
      child.stdout.on("data", (data: Buffer) => (text += data));
      child.once("close", () => resolve(text));
    });
  try {
    let isUp = false;
    void (async () => {
      while (!isUp && redis.exitCode === null) isUp = (await cli("PING")).startsWith("PONG");
    })();
    await until("redis answers", () => isUp);
    await cli("DEBUG", "POPULATE", "200000", "key", "100");
    const { figures } = await freshRecord(folder, redis.pid ?? 0);
    // As in INFO memory, but each in a line of its own; Redis takes them ten times a second.
    const stats = await cli("MEMORY", "STATS");
    const said = (name: string): number => Number(new RegExp(`${name}\\s+(\\d+)`).exec(stats)?.[1]);
    assertClose(figures.live_bytes, said("allocator.allocated"), 0.001, "live_bytes");
    assertClose(figures.active_bytes, said("allocator.active"), 0.001, "active_bytes");
    assertClose(figures.heap_resident_bytes, said("allocator.resident"), 0.02, "heap_resident_bytes");
  } finally {
    redis.kill("SIGTERM");
    await ended;
  }
});
