// The bill of materials against what is really there: every package that production code can load, found without the lock file.
// The licences' texts that go along in a package are licences.ts's.
import { deepEqual, equal, ok } from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { productionFolders, sbomText } from "../../../infra/package/sbom.ts";

const root = join(import.meta.dirname, "..", "..", "..");

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}
interface Component {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses: readonly { readonly license?: { readonly id: string }; readonly expression?: string }[];
}
interface Bom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly components: readonly Component[];
}

const manifestOf = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

/** As Node looks for a package: in node_modules beside, then above. */
function folderOf(name: string, from: string): string {
  for (let folder = from; folder.startsWith(root); folder = dirname(folder)) {
    const found = join(folder, "node_modules", name);
    if (existsSync(join(found, "package.json"))) return found;
  }
  throw new Error(`${name} is not there for ${from}`);
}

function reachable(from: string, seen: Set<string>): Set<string> {
  for (const name of Object.keys(manifestOf(from).dependencies ?? {})) {
    const folder = folderOf(name, from);
    if (seen.has(folder)) continue;
    seen.add(folder);
    reachable(folder, seen);
  }
  return seen;
}

const whole = (): Bom => JSON.parse(sbomText({ version: "1.2.3", folders: productionFolders(), node: "24.21.0" }));

test("every package that production code can reach is in the bill, with its version and a licence", () => {
  const { bomFormat, specVersion, components } = whole();
  deepEqual([bomFormat, specVersion], ["CycloneDX", "1.5"]);
  const listed = new Set(components.map(({ name, version }) => `${name} ${version}`));
  const loaded = [...reachable(root, new Set())].map((folder) => manifestOf(folder));
  ok(loaded.length > 50, `${loaded.length} packages`);
  deepEqual(
    loaded.filter(({ name, version }) => !listed.has(`${name} ${version.replace(/^v/, "")}`)).map(({ name }) => name),
    [],
  );
  for (const { name, licenses } of components) ok((licenses[0]?.license?.id ?? licenses[0]?.expression ?? "") !== "", name);
});

test("tools of development are not in it, Node and what is linked into the walker are", () => {
  const names = whole().components.map(({ name }) => name);
  for (const tool of ["typescript", "@biomejs/biome", "fast-check", "aws-cdk-lib"]) ok(!names.includes(tool), tool);
  const licenceOf = (name: string) => whole().components.find((component) => component.name === name)?.licenses[0]?.license?.id;
  deepEqual([licenceOf("node"), licenceOf("glibc")], ["MIT", "LGPL-2.1-or-later"]);
});

test("the same parts give the same text, each part once, under a name that others can look up", () => {
  const folders = productionFolders();
  const text = sbomText({ version: "1.2.3", folders, node: null });
  equal(text, sbomText({ version: "1.2.3", folders: [...folders, ...folders], node: null }));
  const purls: readonly string[] = (JSON.parse(text) as Bom).components.map(({ purl }) => purl);
  equal(new Set(purls).size, purls.length);
  ok(purls.every((purl) => /^pkg:(npm\/(%40[\w.-]+\/)?[\w.-]+@[\w.+-]+|generic\/\w+(@[\d.]+)?)$/.test(purl)));
});
