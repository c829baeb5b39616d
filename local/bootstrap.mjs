// Makes a clone ready (exact packages, native build) when it is not, then runs the project's own Node with the arguments given.
// Plain JavaScript without dependencies, because any Node from 18 on must be able to run it; everything else is TypeScript.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { argv, exit, platform, stderr, stdin, version } from "node:process";
import { fileURLToPath } from "node:url";

const OLDEST_NODE_MAJOR = 18;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const node = join(root, "node_modules", ".bin", "node");

/** Installs and builds what is missing; ends the process with one line on stderr when it cannot. */
export function makeReady() {
  if (Number(version.slice(1).split(".")[0]) < OLDEST_NODE_MAJOR) {
    fail(`needs Node ${OLDEST_NODE_MAJOR} or newer to start, this is ${version}: install a newer Node`);
  }
  if (platform !== "linux") fail(`reads Linux's /proc, this is ${platform}: run it on Linux`);
  installPackages();
  buildNative();
}

/**
 * Runs the project's Node with these arguments and ends as it ends.
 * @param {readonly string[]} args
 */
export function runNode(args) {
  const child = spawn(node, args, { stdio: "inherit" });
  // The child decides when its work is finished. Ctrl-C on a terminal has reached it already (same process group).
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  process.on("SIGINT", () => stdin.isTTY || child.kill("SIGINT"));
  child.on("error", (error) => fail(`cannot run ${node}: ${error.message}`));
  child.on("exit", (code, signal) => {
    if (signal) stderr.write(`tidemark: ended by ${signal}\n`);
    exit(code ?? 1);
  });
}

function installPackages() {
  const lockHash = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const stamp = join(root, "node_modules", ".tidemark-lock-sha256");
  if (existsSync(node) && existsSync(stamp) && readFileSync(stamp, "utf8") === lockHash) return;
  stderr.write("tidemark: installing exact packages (npm ci), once ...\n");
  // What the packages' engines ask for is met by the Node they bring along, not by the one that runs npm.
  const result = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (missing(result)) fail("needs npm: install Node.js with npm (Debian: apt-get install npm)");
  if (result.status !== 0) fail("npm ci failed, see above");
  if (!existsSync(node))
    fail(`has no Node for ${platform}-${process.arch}: optional packages may be switched off (npm config get omit)`);
  writeFileSync(stamp, lockHash);
}

function buildNative() {
  const native = join(root, "native");
  if (!existsSync(join(native, "build"))) stderr.write("tidemark: building native/, once ...\n");
  const result = spawnSync("make", ["-s", "-C", native], { stdio: ["ignore", 2, 2] });
  const install = "Debian: apt-get install build-essential; Amazon Linux: dnf install gcc make";
  if (missing(result)) fail(`needs make and a C compiler: ${install}`);
  if (result.status !== 0) {
    const compiler = process.env["CC"] ?? "cc";
    if (missing(spawnSync(compiler, ["--version"], { stdio: "ignore" }))) fail(`needs a C compiler (${compiler}): ${install}`);
    fail("make in native/ failed, see above");
  }
}

/** @param {import("node:child_process").SpawnSyncReturns<unknown>} result */
const missing = (result) => /** @type {NodeJS.ErrnoException | undefined} */ (result.error)?.code === "ENOENT";

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  stderr.write(`tidemark ${message}\n`);
  exit(1);
}

if (argv[1] && realpathSync(argv[1]) === fileURLToPath(import.meta.url)) {
  makeReady();
  runNode(argv.slice(2));
}
