// A machine of its own for the programs of a fault test: pid and mount namespaces, a boot id, disks that can be filled or locked.
// It leaves what runs there, and what must become of it, to others. Takes root.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { skipReason } from "../support/need.ts";
import { until } from "../support/service.ts";

export interface World extends AsyncDisposable {
  /** A folder that lies at the same path inside and outside. */
  readonly folder: string;
  start(command: readonly string[], env: Readonly<Record<string, string>>): Promise<Inhabitant>;
  /** As above, for a program that gets this pid, as the machine sees it. Rejects when the pid is taken. */
  startAs(pid: number, command: readonly string[], env: Readonly<Record<string, string>>): Promise<Inhabitant>;
  /** Runs a command of the operator in the machine's mount namespace. */
  run(...command: readonly string[]): void;
  /** Path of a file of the machine as it is seen from outside. */
  seen(path: string): string;
  bootId(id: string): void;
  /** Children of a process, both as seen from outside. */
  childrenOf(pid: number): readonly number[];
  /** Pids, as the machine sees them, of programs that have ended and that nobody has asked for. */
  zombies(): readonly number[];
}

export interface Inhabitant {
  /** As seen from outside, and as the machine sees it. */
  readonly pid: number;
  readonly innerPid: number;
  readonly process: ChildProcess;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when it has ended, and has been asked for. */
  readonly ended: Promise<void>;
  hasEnded(): boolean;
}

/** For a test to skip with; a failure where CI is set. */
export const noWorld = (): string | false =>
  process.getuid?.() === 0 ? false : skipReason("namespaces and mounts take root, which this user is not");

/** Reaps what is orphaned, as init does; dash takes every child that has ended while it waits for one. */
const INIT = 'trap "" TERM; while :; do sleep 0.2; done';

export async function startWorld(bootId: string): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-world-"));
  const holder = spawn(
    "setpriv",
    ["--pdeathsig", "KILL", "unshare", "--pid", "--mount", "--fork", "--mount-proc", "--kill-child", "sh", "-c", INIT],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const init = await until("the world's init", () => childrenOf(holder.pid ?? 0)[0] ?? null);
  const enter = ["-t", String(init), "-m"];
  const run: World["run"] = (...command) =>
    void execFileSync("nsenter", [...enter, "--", ...command], { stdio: ["ignore", "ignore", "pipe"] });
  const bootFile = join(folder, "boot_id");
  const setBootId = (id: string) => writeFileSync(bootFile, `${id}\n`);
  setBootId(bootId);
  // unshare mounts proc after it has forked.
  await until("the world's own /proc", () => (readProc(`/proc/${init}/root/proc/1/comm`) === "sh\n" ? true : null));
  run("mount", "--bind", bootFile, "/proc/sys/kernel/random/boot_id");
  const inhabitants = new Set<Inhabitant>();

  async function start(command: readonly string[], env: Readonly<Record<string, string>>): Promise<Inhabitant> {
    const child = spawn("nsenter", [...enter, "-p", "--", ...command], {
      env: { PATH: process.env["PATH"], ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    // nsenter forks to enter the pid namespace, and ends as its child ends.
    let hasEnded = false;
    const ended = once(child, "exit").then(() => {
      hasEnded = true;
    });
    const pid = await until("the program's pid", () => (hasEnded ? 0 : (childrenOf(child.pid ?? 0)[0] ?? null)));
    const innerPid = Number(/^NSpid:.*\t(\d+)$/m.exec(readProc(`/proc/${pid}/status`))?.[1] ?? 0);
    const inhabitant: Inhabitant = {
      pid,
      innerPid,
      process: child,
      ended,
      hasEnded: () => hasEnded,
      kill: (signal) => void (!hasEnded && pid > 0 && signalled(pid, signal)),
    };
    inhabitants.add(inhabitant);
    void ended.then(() => inhabitants.delete(inhabitant));
    return inhabitant;
  }

  return {
    folder,
    run,
    start,
    async startAs(innerPid, command, env) {
      // Whoever forks between these two lines has the pid: then it is tried again.
      for (let tries = 0; tries < 50; tries++) {
        const last = ["sh", "-c", `echo ${innerPid - 1} > /proc/sys/kernel/ns_last_pid`];
        execFileSync("nsenter", [...enter, "-p", "--", ...last]);
        const inhabitant = await start(command, env);
        if (inhabitant.innerPid === innerPid) return inhabitant;
        inhabitant.kill("SIGKILL");
        await inhabitant.ended;
      }
      throw new Error(`pid ${innerPid} could not be had`);
    },
    seen: (path) => `/proc/${init}/root${path}`,
    bootId: setBootId,
    childrenOf,
    zombies: () => zombiesIn(readdirSync(`/proc/${init}/root/proc`), init),
    async [Symbol.asyncDispose]() {
      holder.kill("SIGKILL");
      await Promise.all([...inhabitants].map(({ ended }) => ended));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Sizes and counts in the words of tmpfs (man 5 tmpfs). */
export function mountDisk(world: World, folder: string, options: string): void {
  mkdirSync(folder, { recursive: true });
  world.run("mount", "-t", "tmpfs", "-o", options, "tidemark-fault", folder);
}

const zombiesIn = (names: readonly string[], init: number): readonly number[] =>
  names
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => /^\d+ \(.*\) Z /.test(readProc(`/proc/${init}/root/proc/${name}/stat`)))
    .map(Number);

const childrenOf = (pid: number): readonly number[] =>
  readProc(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);

/** Nothing of a process that has gone. */
function readProc(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function signalled(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
