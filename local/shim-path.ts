// Where the shim lies on this machine, for lines that somebody will paste.
// What it does is native/shim's; how it gets there is the host package's.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PACKAGED = "/usr/lib/tidemark/libtidemark.so";

/** Where the host package puts it; in a clone without that, where make built it. */
export function shimPath(): string {
  const built = fileURLToPath(new URL("../native/build/libtidemark.so", import.meta.url));
  return !existsSync(PACKAGED) && existsSync(built) ? built : PACKAGED;
}
