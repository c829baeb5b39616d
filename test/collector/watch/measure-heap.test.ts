// Where the heap columns of a row come from: a process that has a ring mapped, with an allocator that only a ring can tell.
import { deepEqual, equal, match } from "node:assert/strict";
import { chmodSync, globSync, mkdtempSync, readFileSync, readlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { readConfig } from "../../../collector/config.ts";
import type { Walker } from "../../../collector/heap/walker.ts";
import { tellersOf } from "../../../collector/watch/families.ts";
import { identify } from "../../../collector/watch/identify.ts";
import { lookAtAll } from "../../../collector/watch/look.ts";
import { measure } from "../../../collector/watch/measure.ts";
import { startWatching, type Undated, type Watched } from "../../../collector/watch/watched.ts";
import { skipReason } from "../../support/need.ts";
import { failuresBytes, type Holder, type RingValues, ringBytes, STARTED_NS, startHolder } from "../../support/ring-bytes.ts";

const MIB = 1_048_576n;
const JEMALLOC = 2;
const holders: Holder[] = [];
after(async () => {
  for (const holder of holders) await holder.stop();
});
const jemalloc = [...globSync("/usr/lib/*-linux-gnu/libjemalloc.so.2"), ...globSync("/lib/*-linux-gnu/libjemalloc.so.2")][0];
const skip = jemalloc === undefined ? skipReason("libjemalloc.so.2 is not installed") : false;

const parsed = readConfig({ TIDEMARK_DELIVERY_FOLDER: "." });
if (!parsed.ok) throw new Error(parsed.error.join());
const config = parsed.value;

/** Says of every process that it has not even looked. */
function idleWalker(): Walker & { askedCount: number } {
  return {
    askedCount: 0,
    async walk(pid) {
      this.askedCount++;
      return { kind: "unknown", reason: "no_heap", pid, walk_cpu_us: 0, vma_count: null };
    },
    close: () => undefined,
  };
}

interface Program {
  readonly holder: Holder;
  readonly path: string;
  readonly walker: Walker & { askedCount: number };
  write(values: RingValues): void;
  row(nowMs?: number): Promise<Undated>;
}

/** A process under jemalloc, by the name of its library, with a ring mapped when asked for. */
async function program(
  options: { readonly env?: Readonly<Record<string, string>>; readonly ring?: RingValues } = {},
): Promise<Program> {
  const holder = startHolder({ env: options.env ?? { LD_PRELOAD: jemalloc ?? "" } });
  holders.push(holder);
  const folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  chmodSync(folder, 0o1733);
  const path = join(folder, `${holder.pid}-${STARTED_NS.toString(16)}.ring`);
  const write = (values: RingValues) => writeFileSync(path, ringBytes({ pid: holder.pid, ...values }), { mode: 0o600 });
  if (options.ring !== undefined) {
    write(options.ring);
    await holder.map(path, 20_480);
  }
  const walker = idleWalker();
  let watched: Watched | null = null;
  const row = async (nowMs = NOW_MS): Promise<Undated> => {
    watched ??= watchedOf(holder.pid);
    const looks = { config, cpuUs: () => 0, mayLook: () => true, onLook: () => undefined };
    lookAtAll([watched], nowMs, looks, (_pid, error) => {
      throw error;
    });
    const edge = {
      ...looks,
      walker,
      cgroups: () => ({}),
      tellers: tellersOf([watched]),
      vmaCountLimit: null,
      mayWalk: () => true,
      onWalk: () => undefined,
    };
    const measured = await measure(watched, nowMs, edge);
    if (!measured.ok) throw new Error(measured.error.kind);
    return measured.value;
  };
  // Until exec has happened and the libraries are mapped; what is called python3 may be a script that executes it.
  const isMapped = () =>
    readlinkSync(`/proc/${holder.pid}/exe`).includes("python") &&
    readFileSync(`/proc/${holder.pid}/maps`, "latin1").includes(options.env ? "/libc.so.6" : "/libjemalloc");
  for (let tries = 0; tries < 100 && !isMapped(); tries++) await sleep(20);
  return { holder, path, walker, write, row };
}

function watchedOf(pid: number): Watched {
  const identity = identify(pid, { boot_id: "11111111-2222", bootedAtMs: 0, ticksPerSecond: 100 });
  if (!identity.ok || identity.value === null) throw new Error("it is gone");
  return startWatching(identity.value);
}

const NOW_MS = 1_800_000_000_000;
const figures = [10n, 10n, 6n, 7n, 4n, 1n, 2n, 2n, 0n, 5n, 1n].map((mib) => mib * MIB);
const record = { number: 1n, sampledMs: BigInt(NOW_MS), figures, free: [0n, 64n], pinned: [32n] };

test("jemalloc without the shim: its name is known, its heap is not, and the reason is told in every row", {
  skip,
}, async () => {
  const { row, walker } = await program();
  for (let rows = 0; rows < 2; rows++) {
    const { allocator, heap_unknown_reason, heap_source, live_bytes, walk_cpu_us } = await row();
    deepEqual([allocator, heap_unknown_reason], ["jemalloc", "no_shim"]);
    deepEqual([heap_source, live_bytes, walk_cpu_us], [undefined, undefined, undefined]);
  }
  equal(walker.askedCount, 0, "there is nothing of glibc's to walk");
});

test("with a fresh ring the row has the shim's figures, version and settings, beside those of the environment", {
  skip,
}, async () => {
  const { row, walker } = await program({ ring: { records: [record] } });
  const measured = await row(NOW_MS + 1_000);
  deepEqual(
    [measured.allocator, measured.allocator_version, measured.heap_source, measured.heap_unknown_reason, measured.probe_cpu_us],
    ["jemalloc", "5.3.0", "shim", undefined, 150],
  );
  deepEqual([measured.live_bytes, measured.free_resident_bytes], [Number(6n * MIB), Number(3n * MIB)]);
  deepEqual([measured.free_bytes_by_size, measured.pinned_bytes_by_size], [[0, 64], [32]]);
  match(measured.tunables ?? "", /^narenas=8 dirty_decay_ms=10000 environment: LD_PRELOAD=\/\S+libjemalloc/);
  const next = await row(NOW_MS + 2_000);
  deepEqual([next.live_bytes, next.free_bytes_by_size], [Number(6n * MIB), null], "histograms come now and then");
  equal(walker.askedCount, 0);
});

test("what cannot be believed is not in the row, but why is", { skip }, async () => {
  const { row, write, path } = await program({ ring: { records: [record] } });
  const reason = async (nowMs = NOW_MS) => {
    const { live_bytes, heap_unknown_reason, heap_source } = await row(nowMs);
    return [live_bytes, heap_unknown_reason, heap_source];
  };
  deepEqual(await reason(NOW_MS + 31_000), [undefined, "stale_ring", "shim"]);
  write({});
  deepEqual(await reason(), [undefined, "no_record", "shim"]);
  write({ records: [{ ...record, figures: [2n ** 50n] }] });
  deepEqual(await reason(), [undefined, "ring_refused", "shim"]);
  write({ magic: "SOMEBODY" });
  deepEqual(await reason(), [undefined, "ring_refused", "shim"]);
  write({ allocator: JEMALLOC, records: [{ ...record, figures: [10n * MIB] }] });
  deepEqual(await reason(), [null, "allocator_silent", "shim"]);
  unlinkSync(path);
  deepEqual(await reason(), [undefined, "ring_deleted", "shim"]);
});

test("the shim's word on the allocator comes before the library's name: then the heap is walked", { skip }, async () => {
  const { row, walker } = await program({
    ring: { allocator: 1, allocatorVersion: Buffer.from("2.36"), tunables: Buffer.alloc(1) },
  });
  const { heap_source, heap_unknown_reason } = await row();
  deepEqual([heap_source, heap_unknown_reason, walker.askedCount], ["walk", "no_heap", 1]);
});

test("an allocator linked into the program is known by its ring, although only libc is mapped", async () => {
  const { row } = await program({ env: {}, ring: { records: [record] } });
  const { allocator, live_bytes } = await row();
  deepEqual([allocator, live_bytes], ["jemalloc", Number(6n * MIB)]);
});

test("failed allocations are counted where the library that counts them is loaded, and absent where not", async () => {
  const { holder, path, row } = await program({ env: {} });
  equal((await row()).alloc_failure_count, undefined);
  const failures = path.replace(/\.ring$/, ".failures");
  writeFileSync(failures, failuresBytes([3n, 1n, 4_096n, 12n], { pid: holder.pid }), { mode: 0o600 });
  await holder.map(failures, 4_096);
  equal((await row()).alloc_failure_count, 3);
});
