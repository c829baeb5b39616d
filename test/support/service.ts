// Starting one real program as a stranger to the machine (own folder, no root where it can be helped) and ending it by pid.
// It leaves which programs there are, and what they are asked to do, to programs.ts.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, closeSync, copyFileSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";

export interface Service {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Standard error, and standard output of what does not talk through it. */
  readonly log: () => string;
  readonly stop: () => Promise<void>;
}

export interface ServiceOptions {
  readonly folder: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Runs as nobody when we are root: servers refuse root, or change to another user by themselves. */
  readonly asNobody?: boolean;
  /** Standard input and output are pipes, and closing the input asks the program to end. */
  readonly isTalking?: boolean;
  /** Ends what is not talking, SIGTERM unless told otherwise. */
  readonly endSignal?: NodeJS.Signals;
}

/** What a program is started with: its folder and its environment on top of ours. */
export interface Given {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A program that answers. Its services end in reverse order; the first is the program, unless `pid` names another process. */
export interface Started {
  readonly services: readonly [Service, ...Service[]];
  readonly pid?: number;
  readonly address?: string;
  readonly load: () => Promise<void>;
}

/** Debian's nobody; the id is fixed by its base-passwd. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
/** PostgreSQL writes a checkpoint before it ends, on disks that others use as well. */
const STOP_MS_MAX = 20_000;
const READY_MS_MAX = 60_000;
const POLL_MS = 10;

interface Running {
  readonly folder: string;
  readonly endSignal: NodeJS.Signals;
}

const running = new Map<ChildProcess, Running>();
// Not SIGKILL, which would leave the children of a server behind.
process.on("exit", () => {
  for (const [child, { endSignal }] of running) child.kill(endSignal);
});

export const asNobody = isRoot ? { uid: NOBODY, gid: NOBODY } : {};

/** A folder of its own under the system's temporary one: nobody's, as most programs run, or ours. */
export function serviceFolder(name: string, owner: "nobody" | "us" = "nobody"): string {
  // Short, because a socket's path has room for 107 bytes.
  const folder = mkdtempSync(join(tmpdir(), `tm-${name}-`));
  chmodSync(folder, 0o755);
  if (isRoot && owner === "nobody") chownSync(folder, NOBODY, NOBODY);
  return folder;
}

export const removeFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });

/** Value of LD_PRELOAD for these libraries. Paths are copied into the folder: a clone need not be readable for nobody. */
export function preloadOf(libraries: readonly string[], folder: string): string {
  const copied = libraries.map((library) => {
    if (!library.includes("/")) return library;
    const copy = join(folder, basename(library));
    copyFileSync(library, copy);
    chmodSync(copy, 0o755);
    return copy;
  });
  return copied.join(":");
}

/** Waits until the answer is there: it is asked again and again, and no time is taken for granted. */
export async function until<T>(
  what: string,
  ask: () => T | null | Promise<T | null>,
  log: () => string = () => "",
): Promise<T> {
  const deadline = performance.now() + READY_MS_MAX;
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${READY_MS_MAX} ms\n${log()}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

export function startService(path: string, options: ServiceOptions): Service {
  const { folder, args, env } = options;
  const logPath = join(folder, `${basename(path)}.log`);
  const file = openSync(logPath, "a");
  const stdio = options.isTalking ? (["pipe", "pipe", file] as const) : (["ignore", file, file] as const);
  const child = spawn(path, args, {
    cwd: folder,
    stdio: [...stdio],
    env: { ...process.env, ...env },
    ...(options.asNobody ? asNobody : {}),
  });
  closeSync(file);
  const endSignal = options.endSignal ?? "SIGTERM";
  running.set(child, { folder, endSignal });
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  }).then(() => void running.delete(child));
  child.stdin?.on("error", () => {}); // It may end before it has read everything.
  if (child.pid === undefined) throw new Error(`${path} cannot be started`);
  const stop = async (): Promise<void> => {
    child.stdin?.end();
    if (!options.isTalking) child.kill(endSignal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
    await ended;
    clearTimeout(timer);
  };
  return { child, pid: child.pid, log: () => readFileSync(logPath, "utf8"), stop };
}

/** For a program that could not be started as a whole: what of it did start must not stay. */
export function endServicesIn(folder: string): void {
  for (const [child, { folder: other, endSignal }] of running) if (other === folder) child.kill(endSignal);
  removeFolder(folder);
}

/** Runs a client or a preparation to its end and gives its standard output. */
export function runOnce(path: string, args: readonly string[], options: { input?: string; asNobody?: boolean } = {}): string {
  const { status, stdout, stderr, error } = spawnSync(path, args, {
    encoding: "utf8",
    input: options.input ?? "",
    maxBuffer: 1 << 28,
    ...(options.asNobody ? asNobody : {}),
  });
  if (error !== undefined || status !== 0) throw new Error(`${path} ${args.join(" ")}: ${error ?? status}\n${stdout}${stderr}`);
  return stdout;
}

/** Sends lines to a talking service and gives the next line that it says. */
export function talk(service: Service): (text: string | null) => Promise<string> {
  if (service.child.stdout === null) throw new Error("the service was not started as a talking one");
  const lines = createInterface({ input: service.child.stdout })[Symbol.asyncIterator]();
  return async (text) => {
    if (text !== null) service.child.stdin?.write(`${text}\n`);
    const line = await lines.next();
    if (line.done) throw new Error(`${service.child.spawnfile} ended without an answer\n${service.log()}`);
    return line.value;
  };
}

/** Whether somebody accepts connections at a socket's path or a port of 127.0.0.1; null when not yet, as `until` asks. */
export const answers = (where: { path: string } | { port: number }): Promise<true | null> =>
  new Promise((resolve) => {
    const socket = createConnection("path" in where ? where : { ...where, host: "127.0.0.1" });
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(null));
    socket.once("connect", () => socket.destroy());
  });

/** A port of 127.0.0.1 that was free a moment ago, for programs that cannot be reached through a socket's path. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        address === null || typeof address === "string" ? reject(new Error("no port")) : resolve(address.port),
      );
    });
  });
