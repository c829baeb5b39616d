// Bundles the Lambda entry points, one folder each with one minified file, so that an asset's hash changes only with its code.
// What the functions may do and when they run is said where they are built.
import { copyFileSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { buildSync } from "esbuild";

export const stageNames = ["convert", "rollup", "detect", "report", "review", "slack"] as const;
export type StageName = (typeof stageNames)[number];

export interface BundlePlace {
  /** Folder of the entries, `<stage>.ts`. */
  readonly entries: string;
  readonly out: string;
}

const root = dirname(import.meta.dirname);
export const lambdaEntries = join(root, "functions", "lambda");

/** CommonJS packages inside an ES module ask for `require`, which Node does not give them there. */
const REQUIRE_BANNER =
  'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);';
const part = (file: string): string => join(root, "infra", "parts", file);
/** What parquetjs requires and we never reach: BSON columns, bloom filters, snappy pages, thrift's UUIDs and network. */
const notBundled = {
  bson: part("nothing.cjs"),
  long: part("nothing.cjs"),
  snappyjs: part("nothing.cjs"),
  thrift: part("thrift.cjs"),
  uuid: part("nothing.cjs"),
  "xxhash-wasm": part("nothing.cjs"),
  "@aws-sdk/credential-provider-node": part("lambda-credentials.mjs"),
};

/** Lambda takes 250 MB unzipped, but every megabyte is read at a cold start; what is larger than this pulled in something by mistake. */
const BUNDLE_BYTES_MAX = 5_000_000;

/** Folder of each stage's bundle; `index.mjs` exports `handler`. */
export function bundleFunctions({ entries, out }: BundlePlace): Readonly<Record<StageName, string>> {
  // A query that is gone must not stay in a bundle: it would be deployed, and change the asset's hash on this machine alone.
  rmSync(out, { recursive: true, force: true });
  const { metafile } = buildSync({
    entryPoints: stageNames.map((stage) => ({ in: join(entries, `${stage}.ts`), out: `${stage}/index` })),
    outdir: out,
    outExtension: { ".js": ".mjs" },
    absWorkingDir: root,
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    target: "node24",
    legalComments: "none",
    banner: { js: REQUIRE_BANNER },
    // ES modules where a package has them: what is not used stays out (zod and the SDK's S3 client halve).
    mainFields: ["module", "main"],
    alias: notBundled,
    // An optional drawing back end of vega that SVG does without.
    external: ["canvas"],
    metafile: true,
    logLevel: "warning",
  });
  const folders = Object.fromEntries(stageNames.map((stage) => [stage, join(out, stage)])) as Record<StageName, string>;
  for (const output of Object.values(metafile.outputs)) {
    const inputs = Object.keys(output.inputs);
    const stage = stageNames.find((name) => output.entryPoint?.endsWith(`/${name}.ts`));
    if (stage === undefined) continue;
    if (output.bytes > BUNDLE_BYTES_MAX)
      throw new Error(`bundle of ${stage} has ${output.bytes} bytes, at most ${BUNDLE_BYTES_MAX}`);
    if (inputs.includes("queries/catalogue.ts")) copyQueries(folders[stage]);
  }
  return folders;
}

/** The catalogue reads the .sql files beside itself; in a bundle that is beside index.mjs. */
function copyQueries(folder: string): void {
  const queries = join(root, "queries");
  for (const file of readdirSync(queries).filter((name) => name.endsWith(".sql")))
    copyFileSync(join(queries, file), join(folder, file));
}
