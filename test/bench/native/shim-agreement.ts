// How far the shim's figures are from each allocator's own: of Redis on jemalloc, and of a small program under each allocator.
// The walker's figures are agreement.ts's; every figure is proved in test/native.
import { execFileSync } from "node:child_process";
import { globSync, rmSync } from "node:fs";
import { freshRecord, removeRingFolders, ringFolder, startPeer } from "../../native/shim-ring.ts";
import { endTargets, make, numberOf } from "../../native/target.ts";
import { commandsOf, startProgram } from "../../support/programs.ts";
import { alone, type BenchRow, lacking } from "../row.ts";
import { lacks, shim } from "./preloads.ts";

type Figure = "live_bytes" | "active_bytes" | "heap_resident_bytes" | "heap_bytes";

interface Comparison {
  readonly figure: Figure;
  /** The allocator's own name for it. */
  readonly theirs: string;
  readonly target: number;
}

const EXACT = 0.001;
const RESIDENT = 0.02;

const redisFigures: readonly Comparison[] = [
  { figure: "live_bytes", theirs: "allocator.allocated", target: EXACT },
  { figure: "active_bytes", theirs: "allocator.active", target: EXACT },
  { figure: "heap_resident_bytes", theirs: "allocator.resident", target: RESIDENT },
];

/** What shim_peer.c prints, after asking the allocator itself. */
const peers: readonly { readonly library: string; readonly name: string; readonly comparisons: readonly Comparison[] }[] = [
  { library: "libtcmalloc.so.4", name: "gperftools", comparisons: [{ figure: "live_bytes", theirs: "live", target: EXACT }] },
  { library: "libmimalloc.so.2", name: "mimalloc", comparisons: [{ figure: "heap_bytes", theirs: "commit", target: EXACT }] },
];

export async function benchShimAgreement(): Promise<BenchRow[]> {
  make("all", "test-programs");
  const library = shim();
  if (library === null) return [lacking("shim against the allocator", "ratio", "native/build has no libtidemark.so")];
  try {
    const rows = await againstRedis(library);
    for (const peer of peers) rows.push(...(await againstPeer(peer)));
    return rows;
  } finally {
    endTargets();
    removeRingFolders();
  }
}

async function againstRedis(library: string): Promise<BenchRow[]> {
  const reason = lacks(commandsOf("redis-jemalloc"));
  if (reason !== null) return [lacking("shim against redis INFO memory", "ratio", reason)];
  const folder = ringFolder();
  const env = { TIDEMARK_RING_FOLDER: folder, TIDEMARK_INTERVAL_MS: "100" };
  const redis = await startProgram("redis-jemalloc", { preload: [library], env });
  try {
    await redis.load();
    const { figures } = await freshRecord(folder, redis.pid);
    // As in INFO memory, each in a line of its own; Redis takes them ten times a second.
    const stats = execFileSync("redis-cli", ["-s", redis.address ?? "", "MEMORY", "STATS"], { encoding: "utf8" });
    const said = (name: string) => Number(new RegExp(`${name}\\s+(\\d+)`).exec(stats)?.[1] ?? Number.NaN);
    return redisFigures.map((comparison) => rowOf("redis INFO memory", comparison, figures, said));
  } finally {
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function againstPeer({ library, name, comparisons }: (typeof peers)[number]): Promise<BenchRow[]> {
  if (globSync(`/usr/lib/{,*/}${library}`).length === 0) {
    return [lacking(`shim against ${name}`, "ratio", `there is no ${library}`)];
  }
  const { pid, ask, folder } = await startPeer(library);
  // The shim's thread has a heap of its own from its first record on: both sides are asked after that.
  await freshRecord(folder, pid);
  await ask("grow 300000 200");
  await ask("thin 20");
  const said = await ask("figures");
  const { figures } = await freshRecord(folder, pid);
  return comparisons.map((comparison) => rowOf(name, comparison, figures, (figure) => numberOf(said, figure)));
}

function rowOf(
  name: string,
  { figure, theirs, target }: Comparison,
  figures: Readonly<Record<Figure, number | null>>,
  said: (name: string) => number,
): BenchRow {
  const error = Math.abs((figures[figure] ?? Number.NaN) / said(theirs) - 1);
  return alone(`shim against ${name}: error of ${figure}`, "ratio", error, target);
}
