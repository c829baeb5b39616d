// The bill of materials: every part by others, with version and licence, as CycloneDX 1.5 in JSON. Pure; equal parts give equal text.
// Which parts there are is said by the lock file, or by the bundle; what is compiled in natively is listed here.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./target.ts";

interface Component {
  readonly type: "library" | "application";
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses: readonly ({ readonly license: { readonly id: string } } | { readonly expression: string })[];
  readonly scope?: "required" | "optional";
  readonly hashes?: readonly { readonly alg: "SHA-512"; readonly content: string }[];
}

interface Locked {
  readonly version: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
}

/** Folders below the root, such as `node_modules/zod`: `""` is ourselves. */
export function lockedPackages(): ReadonlyMap<string, Locked> {
  const lock: { packages: Record<string, Locked> } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  return new Map(Object.entries(lock.packages).filter(([folder]) => folder !== ""));
}

/** What the functions, the command and the collector may load; tools of development are left out. */
export const productionFolders = (): readonly string[] =>
  [...lockedPackages()].filter(([, { dev }]) => dev !== true).map(([folder]) => folder);

/** `folders` as in the lock file. `node` is the version of Node that is carried along, null where the platform has its own. */
export function sbomText({
  version,
  folders,
  node,
}: {
  readonly version: string;
  readonly folders: readonly string[];
  readonly node: string | null;
}): string {
  const locked = lockedPackages();
  const packages = folders.map((folder) => npmComponent(folder, locked.get(folder)));
  const components = [...packages, ...(node === null ? [] : [nodeComponent(node)]), ...nativeComponents];
  const byPurl = new Map(components.map((component) => [component.purl, component]));
  const bom = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: { component: { type: "application", name: "tidemark", version, licenses: [{ license: { id: "Apache-2.0" } }] } },
    components: [...byPurl.values()].sort((one, other) => (one.purl < other.purl ? -1 : 1)),
  };
  return `${JSON.stringify(bom, null, 1)}\n`;
}

/** Linked into the walker: the shims are linked to the C library of the program that they are loaded into. */
const nativeComponents: readonly Component[] = [
  {
    type: "library",
    name: "glibc",
    // Whatever the machine has that the package is built on; the walker says it itself: `strings tidemark-walk | grep GLIBC`.
    version: "of the build machine",
    purl: "pkg:generic/glibc",
    licenses: [{ license: { id: "LGPL-2.1-or-later" } }],
  },
];

const nodeComponent = (version: string): Component => ({
  type: "application",
  name: "node",
  version,
  purl: `pkg:generic/node@${version}`,
  licenses: [{ license: { id: "MIT" } }],
});

function npmComponent(folder: string, locked: Locked | undefined): Component {
  if (locked === undefined) throw new Error(`package-lock.json has no ${folder}`);
  const name = folder.slice(folder.lastIndexOf("node_modules/") + "node_modules/".length);
  const license = locked.license ?? ownLicence(folder);
  const integrity = /^sha512-(.+)$/.exec(locked.integrity ?? "")?.[1];
  return {
    type: "library",
    name,
    version: locked.version,
    // The @ of a scope is written %40: package-url specification, "npm".
    purl: `pkg:npm/${name.replace(/^@/, "%40")}@${locked.version}`,
    licenses: [/[ ()]/.test(license) ? { expression: license } : { license: { id: license } }],
    scope: locked.optional === true || locked.devOptional === true ? "optional" : "required",
    ...(integrity === undefined
      ? {}
      : { hashes: [{ alg: "SHA-512", content: Buffer.from(integrity, "base64").toString("hex") }] }),
  };
}

/** Of a package whose licence the lock file does not repeat. Throws where it names none. */
function ownLicence(folder: string): string {
  const manifest: { license?: string | { type: string }; licenses?: readonly { type: string }[] } = JSON.parse(
    readFileSync(join(root, folder, "package.json"), "utf8"),
  );
  const { license = manifest.licenses?.[0] } = manifest;
  const id = typeof license === "object" ? license.type : license;
  if (id === undefined) throw new Error(`${folder} names no licence`);
  return id;
}
