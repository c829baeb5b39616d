// npm run package: a tarball and a Debian package of the collector, for both processors, into dist/.
// The same commit and compilers give the same bytes. What is in them is tree.ts's.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { bundleHost } from "./bundle.ts";
import { deb } from "./deb.ts";
import { manPages } from "./man.ts";
import { nativeParts } from "./native.ts";
import { nodeBinary } from "./node-binary.ts";
import { run } from "./run.ts";
import { type Entry, tar } from "./tar.ts";
import { type Architecture, architectures, debianNameOf, root } from "./target.ts";
import { hostTree, packageFile } from "./tree.ts";

const HELP = `Usage: npm run package -- [options]

Makes a tarball and a Debian package of the collector, with all that it needs to run.

  --arch <name>     x64 or arm64 alone (both)
  --only <kind>     deb or tar alone (both)
  --out <folder>    where they go (dist)
  --version <text>  another version than package.json's
  --fast            compress little: for trying out
  --help            this text
`;

const kinds = ["tar", "deb"] as const;
type Kind = (typeof kinds)[number];
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** 46 MB a package in 5 s; 9 saves 0.2 MB more and takes 15 s, `--fast` makes 51 MB in 2 s. */
const [LEVEL_USUAL, LEVEL_FAST] = [6, 1];

const say = (line: string) => process.stderr.write(`package: ${line}\n`);

interface Wish {
  readonly architectures: readonly Architecture[];
  readonly kinds: readonly Kind[];
  readonly out: string;
  readonly version: string;
  readonly level: number;
}

async function makePackages(wish: Wish, description: string): Promise<void> {
  const { version, level } = wish;
  const mtimeS = sourceTime();
  say("bundling the collector and the tidemark command");
  const bundle = await bundleHost({ version, description });
  const man = await manPages({ version, mtimeS });
  mkdirSync(wish.out, { recursive: true });
  for (const architecture of wish.architectures) {
    say(`${architecture}: compiling the native parts`);
    const native = nativeParts(architecture);
    const node = nodeBinary(architecture, (line) => say(`${architecture}: ${line}`));
    const entries = hostTree({ version, node, native, bundle, man });
    say(`${architecture}: Node ${node.version}, ${entries.length} files, ${mb(sum(entries))} installed`);
    const compress = (bytes: Uint8Array) => gzipSync(bytes, { level });
    for (const kind of wish.kinds) {
      const packed = { entries, version, architecture, mtimeS, compress };
      const [name, bytes] = kind === "deb" ? debOf(packed, description) : tarOf(packed);
      const path = join(wish.out, name);
      writeFileSync(`${path}.tmp`, bytes);
      renameSync(`${path}.tmp`, path);
      say(`${relative(process.cwd(), path)}  ${mb(bytes.length)}`);
    }
  }
}

interface Packed {
  readonly entries: readonly Entry[];
  readonly version: string;
  readonly architecture: Architecture;
  readonly mtimeS: number;
  compress(bytes: Uint8Array): Uint8Array;
}

function debOf({ architecture, ...packed }: Packed, description: string): readonly [string, Uint8Array] {
  const debian = debianNameOf[architecture];
  const scripts = { postinst: packageFile("postinst"), prerm: packageFile("prerm"), postrm: packageFile("postrm") };
  return [`tidemark-collector_${packed.version}_${debian}.deb`, deb({ ...packed, architecture: debian, description, scripts })];
}

/** The same tree, with what installs it where there is no dpkg. */
function tarOf({ entries, version, architecture, mtimeS, compress }: Packed): readonly [string, Uint8Array] {
  const name = `tidemark-collector-${version}-linux-${architecture}`;
  const script = (path: string, from: string): Entry => ({ path, mode: 0o755, bytes: packageFile(from) });
  const all = [
    ...entries,
    script("install", "install"),
    script("uninstall", "uninstall"),
    ...["postinst", "prerm", "postrm"].map((step) => script(`setup/${step}`, step)),
  ];
  return [`${name}.tar.gz`, compress(tar(all, { root: `${name}/`, mtimeS }))];
}

/** Of the commit, unless whoever builds says another: https://reproducible-builds.org/specs/source-date-epoch/. */
function sourceTime(): number {
  const said =
    process.env["SOURCE_DATE_EPOCH"] ?? run("git", ["log", "-1", "--format=%ct"], { cwd: root, needs: "git" }).trim();
  if (!/^\d{1,11}$/.test(said)) throw new Error(`SOURCE_DATE_EPOCH is ${said}: expected seconds since 1970`);
  return Number(said);
}

const sum = (entries: readonly Entry[]) => entries.reduce((total, { bytes }) => total + bytes.length, 0);
const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

function oneOf<T extends string>(flag: string, all: readonly T[], given: string | undefined): readonly T[] {
  const found = all.filter((each) => given === undefined || each === given);
  if (found.length === 0) throw new TypeError(`--${flag} is ${given}: expected ${all.join(" or ")}`);
  return found;
}

try {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const options = { arch: text, only: text, out: text, version: text, fast: flag, help: flag };
  const { values } = parseArgs({ options });
  const manifest: { version: string; description: string } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const version = values.version ?? manifest.version;
  if (!/^\d[\w.+~]*$/.test(version))
    throw new TypeError(`--version is ${version}: expected digits first, then letters, digits and . + ~`);
  const wish: Wish = {
    architectures: oneOf("arch", architectures, values.arch),
    kinds: oneOf("only", kinds, values.only),
    out: values.out ?? join(root, "dist"),
    version,
    level: values.fast ? LEVEL_FAST : LEVEL_USUAL,
  };
  if (values.help) process.stdout.write(HELP);
  else await makePackages(wish, manifest.description);
} catch (error) {
  for (let cause = error; cause instanceof Error; cause = cause.cause) say(cause.message);
  process.exitCode = error instanceof TypeError ? EXIT_USAGE : EXIT_FAILED;
}
