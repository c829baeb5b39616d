// Where the shim lies on this machine, for lines that somebody will paste.
// What it does is native/shim's; how it gets there is the host package's.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PACKAGED = "/usr/lib/tidemark/libtidemark.so";

/** Where the host package puts it; in a clone without that, where make built it. */
export const shimPath = (): string => builtShim() ?? PACKAGED;

/** Null when it is not on this machine. */
export function builtShim(): string | null {
  const built = fileURLToPath(new URL("../native/build/libtidemark.so", import.meta.url));
  return [PACKAGED, built].find((path) => existsSync(path)) ?? null;
}

/** Where the library that samples glibc's malloc lies; built by make like the shim. */
export function wrapperPath(): string {
  const packaged = "/usr/lib/tidemark/libtidemark-profile.so";
  const built = fileURLToPath(new URL("../native/build/libtidemark-profile.so", import.meta.url));
  return [packaged, built].find((path) => existsSync(path)) ?? packaged;
}
