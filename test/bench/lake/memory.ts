// Peak resident memory of converting objects of 10 MB to 1 GB, each in a fresh process, beside DuckDB doing the same rows.
// What the processes run is memory-child.ts; it is bundled, as Lambda runs it, so that no compiler of types counts.
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { alone, type BenchRow, beside, median } from "../row.ts";
import { makeInput } from "./input.ts";

const root = join(import.meta.dirname, "../../..");
/** 135,000 rows, 10 MB. */
const HOSTS = 27;
/** 1 GB takes minutes and 3 GB of disk, and DuckDB as much memory as there is: only where TIDEMARK_BENCH_1GB is set. */
const SIZES_MB = process.env["TIDEMARK_BENCH_1GB"] === undefined ? [10, 100, 300] : [10, 100, 300, 1_000];
const TRIES = 3;
/** Beyond this DuckDB's peak says nothing new, and its sort would leave the memory of this machine. */
const PEER_MB_MAX = 300;
const MB = 1e6;

export async function benchConvertMemory(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
  try {
    const child = join(folder, "child.cjs");
    const entry = join(import.meta.dirname, "memory-child.ts");
    await build({
      entryPoints: [entry],
      outfile: child,
      bundle: true,
      platform: "node",
      format: "cjs",
      external: ["@duckdb/*"],
      supported: { "dynamic-import": false },
    });
    const input = await makeInput(folder, HOSTS);
    const peakOf = (which: string, source: string): number => {
      const out = join(folder, "out");
      const env = { ...process.env, NODE_PATH: join(root, "node_modules") };
      const line = execFileSync(process.execPath, [child, which, source, out], { encoding: "utf8", env });
      rmSync(out, { recursive: true });
      return (JSON.parse(line) as { rssBytes: number }).rssBytes / MB;
    };

    const rows: BenchRow[] = [];
    const peaks: number[] = [];
    for (const size of SIZES_MB) {
      const raw = repeated(input.rawPath, size);
      const ndjson = repeated(input.ndjsonPath, size);
      const peak = median(Array.from({ length: TRIES }, () => peakOf("ours", raw)));
      peaks.push(peak);
      const name = `peak memory, raw object of ${size} MB`;
      if (size > PEER_MB_MAX) rows.push(alone(name, "MB", peak));
      // At most 0.8 times the peer's memory.
      else
        rows.push(
          beside(name, "MB", peak, { peer: "DuckDB, 1 thread, NDJSON", value: peakOf("duckdb", ndjson), target: 1.25 }),
        );
      rmSync(raw);
      rmSync(ndjson);
    }
    return [
      ...rows,
      beside(`peak memory, ${SIZES_MB.at(-1)} MB`, "MB", peaks.at(-1) ?? Number.NaN, {
        peer: `ours, ${SIZES_MB[0]} MB`,
        value: peaks[0] ?? Number.NaN,
        target: 0.9,
      }),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The same rows again and again: of one host more or less, the converter keeps nothing from part to part. */
function repeated(path: string, timesOf10Mb: number): string {
  const target = `${path}.${timesOf10Mb}`;
  const bytes = readFileSync(path);
  for (let at = 0; at < timesOf10Mb / 10; at++) appendFileSync(target, bytes);
  return target;
}
