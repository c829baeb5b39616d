// Bundles the collector and the operator's command for a host: two entries, what they share, and the SDK's parts apart.
// The Lambda entry points are ../bundle.ts's.
import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import type { Entry } from "./tar.ts";
import { root } from "./target.ts";

/** Apart from the programs: esbuild names the parts after their contents. */
const FOLDER = "usr/lib/tidemark/js/";

/** CommonJS packages inside an ES module ask for `require`, which Node does not give them there. */
const REQUIRE_BANNER =
  'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);';

/** A host keeps what is loaded in memory: what is larger than this pulled in something by mistake, such as an engine or a report. */
const BUNDLE_BYTES_MAX = 1_500_000;

export interface Bundle {
  readonly entries: readonly Entry[];
  /** npm packages whose code is in it; their licences go along. */
  readonly packages: readonly string[];
}

/** What the programs know about themselves. The rest of package.json is ours alone. */
export interface Manifest {
  readonly version: string;
  readonly description: string;
}

export async function bundleHost(manifest: Manifest): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    entryPoints: [
      { in: join(root, "collector", "main.ts"), out: "collector" },
      { in: join(root, "local", "host-cli.ts"), out: "tidemark" },
    ],
    outdir: join(root, FOLDER),
    outExtension: { ".js": ".mjs" },
    absWorkingDir: root,
    bundle: true,
    // The SDK, and of the SDK the ways to credentials, are read when they are used.
    splitting: true,
    // Names stay: a stack in a host's log is all that we may get.
    minifyWhitespace: true,
    minifySyntax: true,
    platform: "node",
    format: "esm",
    target: "node24",
    legalComments: "none",
    banner: { js: REQUIRE_BANNER },
    mainFields: ["module", "main"],
    plugins: [manifestOf(manifest)],
    write: false,
    metafile: true,
    logLevel: "warning",
  });
  const bytes = outputFiles.reduce((sum, { contents }) => sum + contents.length, 0);
  if (bytes > BUNDLE_BYTES_MAX) throw new Error(`the host's bundle has ${bytes} bytes, at most ${BUNDLE_BYTES_MAX}`);
  const used = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? (packageOf(path) ?? []) : [])),
  );
  return {
    entries: outputFiles.map(({ path, contents }) => ({ path: path.slice(root.length + 1), mode: 0o644, bytes: contents })),
    packages: [...new Set(used)].sort(),
  };
}

function manifestOf(manifest: Manifest): Plugin {
  return {
    name: "manifest",
    setup: ({ onLoad }) =>
      onLoad({ filter: /\/package\.json$/ }, ({ path }) =>
        path === join(root, "package.json") ? { contents: JSON.stringify(manifest), loader: "json" } : null,
      ),
  };
}

/** `node_modules/@aws-sdk/core`, of the innermost package. */
const packageOf = (path: string): string | undefined => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
