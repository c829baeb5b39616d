// Makes, on the host of a container, the folders that the collector writes to, for the user that it runs as. Runs as root, once
// before it, with the capability CHOWN. Arguments: user id, then the folders of state and rings as they are mounted.
import { chmodSync, chownSync, lstatSync, mkdirSync } from "node:fs";

const [user = "", state = "", rings = ""] = process.argv.slice(2);
make(state, 0o750);
make(rings, 0o1733);

/**
 * @param {string} folder
 * @param {number} mode
 */
function make(folder, mode) {
  mkdirSync(folder, { recursive: true });
  const stats = lstatSync(folder);
  if (!stats.isDirectory()) throw new Error(`${folder} is no folder`);
  // Once it is somebody else's it takes more than CHOWN to change its mode.
  if (stats.uid === 0) chmodSync(folder, mode);
  chownSync(folder, Number(user), 0);
}
