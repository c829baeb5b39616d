// Packages made for tests, little compressed, each once a run.
// What must be in them is said in the tests.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../../", import.meta.url));
export const entry = join(root, "infra/package/main.ts");

const manifest: { version: string } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
export const version = manifest.version;
export const nextVersion = version.replace(/\d+$/, (patch) => String(Number(patch) + 1));

export const debianName = process.arch === "arm64" ? "arm64" : "amd64";
/** The processor that this machine does not have. */
export const otherArchitecture = process.arch === "arm64" ? "x64" : "arm64";

/** Gone with the process: what lies in it are hundreds of megabytes. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-packages-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The folder that they were made in. */
export function makePackages(...options: readonly string[]): string {
  const out = newFolder();
  const { status, stderr } = spawnSync(process.execPath, [entry, "--fast", "--out", out, ...options], { encoding: "utf8" });
  if (status !== 0) throw new Error(`npm run package ended with ${status}: ${stderr}`);
  return out;
}
