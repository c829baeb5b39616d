// The native programs and libraries, built once by make when a test needs them.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const native = fileURLToPath(new URL("../../native/", import.meta.url));
let isBuilt = false;

function built(path: string): string {
  if (!isBuilt) execFileSync("make", ["-s", "-C", native], { stdio: ["ignore", "inherit", "inherit"] });
  isBuilt = true;
  return `${native}build/${path}`;
}

export const walkerPath = (): string => built("tidemark-walk");
export const workloadPath = (name: string): string => built(`workloads/${name}`);
/** `libtidemark.so` or `libtidemark-failures.so`. */
export const libraryPath = (name: string): string => built(name);
