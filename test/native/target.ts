// Starting the C test programs (or any process to be walked), talking to them by lines, and ending them by pid.
// It leaves what to prove to walker.test.ts.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export type Fields = ReadonlyMap<string, string>;

export interface Target {
  readonly pid: number;
  /** What the program said first: for the C programs, the truth about its heap. */
  readonly truth: Fields;
  /** Sends a line and gives the fields of the answer. */
  readonly ask: (command: string) => Promise<Fields>;
  /** Sends a line that is not answered. */
  readonly tell: (command: string) => void;
  readonly ended: Promise<unknown>;
}

const native = fileURLToPath(new URL("../../native/", import.meta.url));
const children: ChildProcess[] = [];

export const programPath = (name: string): string => `${native}build/${name}`;

export function make(...goals: string[]): void {
  const result = spawnSync("make", ["-C", native, ...goals], { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`make ${goals.join(" ")} failed:\n${result.stderr}`);
}

/** The key=value words of a line. */
export function parseFields(line: string): Fields {
  return new Map(
    line.split(" ").map((word) => {
      const at = word.indexOf("=");
      return [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}

/** A field that must be there as a number. */
export function numberOf(fields: Fields, name: string): number {
  const value = Number(fields.get(name) ?? Number.NaN);
  if (Number.isNaN(value)) throw new Error(`${name} is missing or not a number in ${JSON.stringify([...fields])}`);
  return value;
}

/** Starts a program and waits for its first line. */
export async function startTarget(path: string, args: readonly string[], env: Record<string, string> = {}): Promise<Target> {
  const child = spawn(path, args, { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, ...env } });
  children.push(child);
  const ended = once(child, "exit");
  child.stdin.on("error", () => {}); // The program may end before it has read everything.
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Fields> => {
    const line = await lines.next();
    if (line.done) throw new Error(`${path} ended without an answer`);
    return parseFields(line.value);
  };
  const tell = (command: string): void => void child.stdin.write(`${command}\n`);
  const truth = await next();
  const pid = Number(truth.get("pid") ?? child.pid);
  const ask = (command: string): Promise<Fields> => {
    tell(command);
    return next();
  };
  return { pid, truth, ask, tell, ended };
}

/** Closing standard input ends the C programs and their children; the signal ends what does not read it. */
export function endTargets(): void {
  for (const child of children.splice(0)) {
    child.stdin?.destroy();
    child.kill("SIGKILL");
  }
}
