// What a cold start of the converter costs before its first message: the bundle's size, and the time to load it.
// Bundling is infra's; the time that Lambda takes to fetch the code and to start Node is not ours to measure.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleFunctions, lambdaEntries } from "../../../infra/bundle.ts";
import { alone, type BenchRow } from "../row.ts";

/** The least of many is what loading costs; the rest is what others did on the machine meanwhile. */
const STARTS = 25;
const env = {
  AWS_REGION: "eu-central-1",
  POWERTOOLS_SERVICE_NAME: "tidemark-convert",
  POWERTOOLS_METRICS_NAMESPACE: "Tidemark",
  TIDEMARK_RAW_BUCKET: "raw-bucket",
  TIDEMARK_LAKE_BUCKET: "lake-bucket",
};
const script =
  "const start = performance.now(); await import(process.argv[1]); process.stdout.write(String(performance.now() - start));";

export async function benchColdStart(): Promise<BenchRow[]> {
  const out = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
  try {
    const bundle = join(bundleFunctions({ entries: lambdaEntries, out }).convert, "index.mjs");
    const load = () =>
      Number(execFileSync(process.execPath, ["--input-type=module", "--eval", script, bundle], { encoding: "utf8", env }));
    const times = Array.from({ length: STARTS }, load);
    return [
      alone("bundle of the converter, at most 600", "KB", statSync(bundle).size / 1_000, 600),
      alone(`loading it in a fresh process, least of ${STARTS}, at most 60`, "ms", Math.min(...times), 60),
    ];
  } finally {
    rmSync(out, { recursive: true });
  }
}
