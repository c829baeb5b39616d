// The processes of one run: who they are, what they hold and have used, and their end. Nobody else's is ever signalled.
// Starting them is run.ts's.
import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { readAuxv } from "../../collector/proc/auxv.ts";
import { parseEnviron } from "../../collector/proc/environ.ts";
import { readKernelFile } from "../../collector/proc/read.ts";

/** In the environment of everything that a run starts, so that what left its group and its session is found at the end. */
export const MARK = "TIDEMARK_WHATIF_RUN";

/** What a load starts is not the program's, and is ended with it. */
export const loadMark = (mark: string): string => `${mark}-load`;

export interface Look {
  /** Sum of the processes; pages that they share count in each. */
  readonly rssBytes: number;
  readonly cpuSeconds: number;
  readonly processCount: number;
  /** Whoever holds most. */
  readonly largestPid: number;
}

export interface Tree {
  /** Null when none of them is left. */
  look(): Look | null;
  /** Asks all to end, then ends those that have not; resolves with how many had outlived the first process. */
  end(): Promise<number>;
  /** At once, without waiting: for the end of this program. */
  kill(): void;
}

interface Entry {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  readonly state: string;
  readonly startTicks: number;
  readonly rssPages: number;
  /** Its own, and that of its children whose end it was told of. */
  readonly cpuTicks: number;
}

/** A look at all of /proc takes milliseconds where there are thousands of processes: it is taken less often the dearer it is. */
const SCAN_COST_SHARE_MAX = 0.05;
const SCAN_PAUSE_MS_MIN = 100;
/** For a server that writes something down when it is told to end. */
const END_MS_MAX = 3_000;
const END_POLL_MS = 20;

/** `pid` leads a session of its own; `mark` is the value of MARK in its environment. */
export function watchTree(pid: number, mark: string): Tree {
  const { pageBytes, ticksPerSecond } = readAuxv();
  let members = new Map<number, number>();
  /** Start of every process that was asked for its mark once: an environment is read of each only one time. */
  let asked = new Map<number, number>();
  let scanDueMs = 0;
  const scan = () => {
    const startedMs = performance.now();
    const entries = readEntries();
    const [known, askedBefore] = [members, asked];
    members = new Map();
    asked = new Map();
    // Parents come before their children nearly always; one more turn finds the rest.
    for (let turn = 0; turn < 2; turn++) {
      for (const { pid: other, parent, session, startTicks } of entries) {
        const isNew = askedBefore.get(other) !== startTicks && asked.get(other) !== startTicks;
        // A daemon leaves its session, and its parent leaves it.
        const isOurs =
          session === pid || members.has(parent) || known.get(other) === startTicks || (isNew && hasMark(other, mark));
        asked.set(other, startTicks);
        if (isOurs) members.set(other, startTicks);
      }
    }
    const costMs = performance.now() - startedMs;
    scanDueMs = startedMs + Math.max(SCAN_PAUSE_MS_MIN, costMs / SCAN_COST_SHARE_MAX);
  };
  const living = () =>
    [...members].flatMap(([member, startTicks]) => {
      const entry = readEntry(member);
      return entry !== null && entry.startTicks === startTicks && entry.state !== "Z" && entry.state !== "X" ? [entry] : [];
    });
  const signal = (name: NodeJS.Signals) => {
    for (const { pid: member } of living()) send(member, name);
  };
  const addMarked = () => {
    const isMarked = (other: number) => hasMark(other, mark) || hasMark(other, loadMark(mark));
    for (const { pid: other, startTicks } of readEntries()) if (isMarked(other)) members.set(other, startTicks);
  };
  return {
    look() {
      if (performance.now() >= scanDueMs) scan();
      const entries = living();
      const [first] = entries;
      if (first === undefined) return null;
      const largest = entries.reduce((one, other) => (other.rssPages > one.rssPages ? other : one), first);
      const sum = (value: (entry: Entry) => number) => entries.reduce((total, entry) => total + value(entry), 0);
      return {
        rssBytes: sum(({ rssPages }) => rssPages) * pageBytes,
        cpuSeconds: sum(({ cpuTicks }) => cpuTicks) / ticksPerSecond,
        processCount: entries.length,
        largestPid: largest.pid,
      };
    },
    async end() {
      scan();
      addMarked();
      const left = living().filter((entry) => entry.pid !== pid).length;
      const isRootGone = !living().some((entry) => entry.pid === pid);
      signal("SIGTERM");
      for (const untilMs = performance.now() + END_MS_MAX; living().length > 0 && performance.now() < untilMs; )
        await sleep(END_POLL_MS);
      // One that forks while it is being ended is caught by the next turn.
      for (let turn = 0; turn < 5; turn++) {
        scan();
        addMarked();
        if (living().length === 0) break;
        signal("SIGKILL");
        await sleep(END_POLL_MS);
      }
      return isRootGone ? left : 0;
    },
    kill() {
      scan();
      addMarked();
      signal("SIGKILL");
    },
  };
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself meanwhile, or has taken on another user, who is not ours to signal.
  }
}

function hasMark(pid: number, mark: string): boolean {
  const text = readKernelFile(`/proc/${pid}/environ`);
  // Others' environments are closed to us, and are not what we started.
  if (!text.ok || !text.value.includes(mark)) return false;
  const found = parseEnviron(text.value, (name) => name === MARK);
  return found.ok && found.value.get(MARK) === mark;
}

function readEntries(): readonly Entry[] {
  return readdirSync("/proc").flatMap((name) => {
    const entry = /^\d+$/.test(name) ? readEntry(Number(name)) : null;
    return entry === null ? [] : [entry];
  });
}

/** man 5 proc_pid_stat; counted from the last bracket, for the name before it may hold anything. */
function readEntry(pid: number): Entry | null {
  const text = readKernelFile(`/proc/${pid}/stat`);
  if (!text.ok) return null;
  const fields = text.value.slice(text.value.lastIndexOf(")") + 2).split(" ");
  // The first of them is field 3, state.
  const field = (number: number): number => Number(fields[number - 3]);
  const cpuTicks = field(14) + field(15) + field(16) + field(17);
  const entry = { parent: field(4), session: field(6), cpuTicks, startTicks: field(22), rssPages: field(24) };
  return Object.values(entry).some(Number.isNaN) ? null : { pid, state: fields[0] ?? "", ...entry };
}
