// Peak resident memory of converting objects of 10 MB to 1 GB, each in a fresh process, beside DuckDB doing the same rows.
// What the processes run is memory-child.ts; it is bundled, as Lambda runs it, so that no compiler of types counts.
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { alone, type BenchRow, beside } from "../row.ts";
import { makeInput } from "./input.ts";

const root = join(import.meta.dirname, "../../..");
/** 135,000 rows. */
const HOSTS = 135;
const BASE_MB = 10;
/** 1 GB takes minutes and 3 GB of disk, and DuckDB as much memory as there is: only where TIDEMARK_BENCH_1GB is set. */
const SIZES_MB = process.env["TIDEMARK_BENCH_1GB"] === undefined ? [10, 100, 300] : [10, 100, 300, 1_000];
/** As deployed: infra/stages/conversion.ts. */
const NODE_OPTIONS = "--max-semi-space-size=8";
/** Beyond this DuckDB's peak says nothing new, and its sort would leave the memory of this machine. */
const PEER_MB_MAX = 300;
const MB = 1e6;

export async function benchConversionMemory(): Promise<BenchRow[]> {
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
      const env = { ...process.env, NODE_PATH: join(root, "node_modules"), NODE_OPTIONS };
      const line = execFileSync(process.execPath, [child, which, source, out], { encoding: "utf8", env });
      rmSync(out, { recursive: true });
      return (JSON.parse(line) as { rssBytes: number }).rssBytes / MB;
    };

    const rows: BenchRow[] = [];
    const peaks: number[] = [];
    for (const size of SIZES_MB) {
      const raw = repeated(input.rawPath, size);
      const ndjson = repeated(input.ndjsonPath, size);
      const peak = peakOf("ours", raw);
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

/** The same rows again and again: the converter keeps nothing from part to part, and DuckDB's sort holds them all anyway. */
function repeated(path: string, sizeMb: number): string {
  // DuckDB knows from the end of a name that a file is compressed.
  const target = path.replace(/\.gz$/, `.${sizeMb}.gz`);
  const bytes = readFileSync(path);
  for (let at = 0; at < sizeMb / BASE_MB; at++) appendFileSync(target, bytes);
  return target;
}
