// The Node that a package carries: the one of node_modules, and for another architecture the same release from npm's registry.
// Either is what package-lock.json vouches for.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "./run.ts";
import { type Architecture, npmNameOf, root } from "./target.ts";

export interface NodeBinary {
  readonly version: string;
  readonly bytes: Buffer;
  /** Node's licence and those of all that it is made of. */
  readonly license: string;
}

const cache = join(root, "node_modules", ".cache", "tidemark-package");

export function nodeBinary(architecture: Architecture, say: (line: string) => void): NodeBinary {
  const name = npmNameOf[architecture];
  const { version, integrity } = locked(name);
  const installed = join(root, "node_modules", name);
  const folder = existsSync(join(installed, "bin", "node")) ? installed : download({ name, version, integrity, say });
  return {
    version,
    bytes: readFileSync(join(folder, "bin", "node")),
    license: readFileSync(join(folder, "LICENSE"), "utf8"),
  };
}

function locked(name: string): { readonly version: string; readonly integrity: string } {
  const { packages }: { packages: Record<string, { version: string; integrity: string }> } = JSON.parse(
    readFileSync(join(root, "package-lock.json"), "utf8"),
  );
  const found = packages[`node_modules/${name}`];
  if (found === undefined) throw new Error(`package-lock.json has no ${name}`);
  return found;
}

interface Wanted {
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
  say(line: string): void;
}

/** npm installs no package of another processor, but it packs one. Kept until the version changes. */
function download({ name, version, integrity, say }: Wanted): string {
  const folder = join(cache, `${name}-${version}`);
  if (existsSync(folder)) return folder;
  say(`${name} ${version} from npm's registry, once`);
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, "work-"));
  try {
    run("npm", ["pack", "--silent", "--ignore-scripts", `${name}@${version}`], {
      cwd: work,
      needs: "npm, to get the Node of another processor",
    });
    const [archive] = readdirSync(work);
    if (archive === undefined) throw new Error(`npm pack ${name}@${version} left no file`);
    const [algorithm = "", expected] = integrity.split("-", 2);
    const actual = createHash(algorithm)
      .update(readFileSync(join(work, archive)))
      .digest("base64");
    if (actual !== expected) {
      throw new Error(`${name}@${version} is not what package-lock.json says: ${algorithm}-${actual}, expected ${integrity}`);
    }
    run("tar", ["-xzf", archive, "package/bin/node", "package/LICENSE"], { cwd: work, needs: "tar" });
    // Somebody else may have been faster; theirs is as good as ours.
    if (!existsSync(folder)) renameSync(join(work, "package"), folder);
    return folder;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
