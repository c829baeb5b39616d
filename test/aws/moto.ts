// moto's server, an implementation of AWS that is not ours: installed once into .cache, started on loopback, ended by its pid.
// Without Python or pip there is a reason instead of a server; whether that may be is the test's to say.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

const VERSION = "5.2.5";
const cache = join(import.meta.dirname, "..", "..", ".cache");
const installed = join(cache, `moto-${VERSION}`);
const INSTALL_MS_MAX = 300_000;
const START_MS_MAX = 30_000;

export interface Moto extends AsyncDisposable {
  readonly url: string;
}

/** Null when moto can be started, else why not. */
export function missingForMoto(): string | null {
  if (existsSync(installed)) return null;
  const pip = spawnSync("python3", ["-m", "pip", "--version"], { encoding: "utf8" });
  if (pip.error !== undefined || pip.status !== 0) return `no python3 with pip: ${pip.error?.message ?? pip.stderr.trim()}`;
  const unfinished = `${installed}.${process.pid}`;
  mkdirSync(cache, { recursive: true });
  const options = ["--quiet", "--disable-pip-version-check", "--no-input", "--target", unfinished];
  const install = spawnSync("python3", ["-m", "pip", "install", ...options, `moto[server]==${VERSION}`], {
    encoding: "utf8",
    timeout: INSTALL_MS_MAX,
  });
  if (install.status === 0) {
    renameSync(unfinished, installed);
    return null;
  }
  rmSync(unfinished, { recursive: true, force: true });
  return `pip could not install moto ${VERSION}: ${install.stderr.trim().split("\n").at(-1) ?? "no reason"}`;
}

export async function startMoto(): Promise<Moto> {
  // Port 0: the kernel picks a free one, and the server says which.
  const server = spawn("python3", ["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"], {
    env: { PATH: process.env["PATH"], PYTHONPATH: installed, HOME: cache, PYTHONUNBUFFERED: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(server, "exit");
  return {
    url: await announcedUrl(server),
    async [Symbol.asyncDispose]() {
      server.kill("SIGTERM");
      await ended;
    },
  };
}

function announcedUrl(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    const timer = setTimeout(() => reject(new Error(`moto did not start: ${said}`)), START_MS_MAX);
    const listen = (text: Buffer) => {
      said += text.toString();
      const url = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(said)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    };
    server.stdout?.on("data", listen);
    server.stderr?.on("data", listen);
    server.once("exit", (code) => reject(new Error(`moto ended with ${code}: ${said}`)));
  });
}
