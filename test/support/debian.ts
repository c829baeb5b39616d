// Packages of another Debian release or architecture, unpacked into a folder of their own without touching the system.
// It leaves what to run from them to the tests; apt checks the signatures as always.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { missing, skipReason } from "./need.ts";

export interface DebianWish {
  /** Code name, for example "trixie". */
  readonly release: string;
  readonly architecture: "amd64" | "arm64";
  /** Names, without what they depend on. A name that ends in `*` stands for what the package without it depends on. */
  readonly packages: readonly string[];
  /** The one folder to keep, where a package is large. */
  readonly only?: string;
}

export type DebianTree =
  | { readonly kind: "unpacked"; readonly folder: string }
  | { readonly kind: "unavailable"; readonly reason: string };

const cache = fileURLToPath(new URL("../../node_modules/.cache/tidemark-debian/", import.meta.url));
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
/** apt retries by itself; a network that drops packets must not hold up the tests for long. */
const networkSeconds = 20;

/**
 * The files of the packages below one folder, downloaded once and then kept in node_modules/.cache (remove it for newer ones).
 * Unavailable without apt, Debian's keyring or the network; throws instead where CI is set.
 */
export function debianTree(wish: DebianWish): DebianTree {
  const folder = join(cache, `${wish.release}-${wish.architecture}`, wish.packages.join("+").replaceAll("*", ""));
  if (existsSync(folder)) return { kind: "unpacked", folder };
  const reason = missing("apt-get", "dpkg-deb") || missingOf(keyring);
  if (reason) return { kind: "unavailable", reason };
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, "work-"));
  try {
    unpack(wish, work);
    mkdirSync(join(folder, ".."), { recursive: true });
    // Another test may have been faster; its tree is as good as ours.
    if (!existsSync(folder)) renameSync(join(work, "tree"), folder);
    return { kind: "unpacked", folder };
  } catch (error) {
    return { kind: "unavailable", reason: skipReason(`Debian ${wish.release} ${wish.architecture}: ${String(error)}`) };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function missingOf(path: string): string | false {
  return existsSync(path) ? false : skipReason(`this machine has no ${path}`);
}

/** The mirror that the machine itself gets Debian from. */
function mirror(): string {
  const format = "$(REPO_URI) $(RELEASE) $(LABEL)";
  const targets = output("apt-get", ["indextargets", "--format", format, "Created-By: Packages"]);
  const lines = targets.split("\n").map((line) => line.split(" "));
  const found = lines.find(([, , label]) => label === "Debian") ?? lines.find(([uri]) => uri?.endsWith("/debian/"));
  if (found?.[0] === undefined) throw new Error("this machine's apt sources name no mirror of Debian");
  return found[0];
}

function unpack(wish: DebianWish, work: string): void {
  for (const folder of ["lists/partial", "cache/archives/partial", "downloads", "tree"])
    mkdirSync(join(work, folder), { recursive: true });
  const source = [
    "Types: deb",
    `URIs: ${mirror()}`,
    `Suites: ${wish.release}`,
    "Components: main",
    "Targets: Packages",
    `Signed-By: ${keyring}`,
  ];
  writeFileSync(join(work, "debian.sources"), `${source.join("\n")}\n`);
  writeFileSync(join(work, "status"), "");
  const settings: Record<string, string> = {
    "APT::Architecture": wish.architecture,
    "APT::Architectures": wish.architecture,
    "APT::Sandbox::User": process.getuid?.() === 0 ? "root" : "",
    "Acquire::Languages": "none",
    "Acquire::Retries": "2",
    "Acquire::http::Timeout": String(networkSeconds),
    "Dir::Cache": join(work, "cache"),
    "Dir::Etc::sourcelist": join(work, "debian.sources"),
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::State::lists": join(work, "lists"),
    "Dir::State::status": join(work, "status"),
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  output("apt-get", [...options, "-q", "--error-on=any", "update"]);
  const names = wish.packages.map((name) => (name.endsWith("*") ? dependencyOf(name.slice(0, -1), options) : name));
  const downloads = join(work, "downloads");
  output("apt-get", [...options, "-q", "download", ...names], downloads);
  const unpacked = wish.only === undefined ? "tree" : "all";
  for (const file of readdirSync(downloads)) output("dpkg-deb", ["-x", join(downloads, file), join(work, unpacked)]);
  if (wish.only !== undefined) renameSync(join(work, unpacked, wish.only), join(work, "tree", wish.only));
}

function dependencyOf(name: string, options: readonly string[]): string {
  const [, dependency] = /Depends: (\S+)/.exec(output("apt-cache", [...options, "depends", name])) ?? [];
  if (dependency === undefined) throw new Error(`${name} depends on nothing`);
  return dependency;
}

function output(command: string, args: readonly string[], cwd = "/"): string {
  const result = spawnSync(command, args, { cwd, encoding: "utf8", env: { ...process.env, LC_ALL: "C" }, maxBuffer: 1 << 26 });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0)
    throw new Error(`${command} ${args.at(-1)} ended with ${result.status}: ${result.stderr.trim().slice(-500)}`);
  return result.stdout;
}
