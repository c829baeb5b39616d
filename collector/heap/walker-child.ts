// One running walker process: a line in, a line out. All its events stay bound to it, so that what an old child still says
// or does never reaches the request of a new one. When to start another is walker.ts's.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";

export type Reply =
  | { readonly kind: "line"; readonly line: string }
  /** It died before it answered. */
  | { readonly kind: "ended" }
  | { readonly kind: "timeout" }
  | { readonly kind: "not_started" };

export interface WalkerChild {
  /** One at a time. Never rejects. */
  request(line: string, timeoutMs: number): Promise<Reply>;
  hasEnded(): boolean;
  kill(): void;
  /** Lets it end; at once when it is in the midst of a walk, whose request is answered by its end. */
  close(): void;
}

const notStarted: WalkerChild = {
  request: async () => ({ kind: "not_started" }),
  hasEnded: () => true,
  kill: () => undefined,
  close: () => undefined,
};

export function startWalkerChild(path: string): WalkerChild {
  let child: ChildProcessWithoutNullStreams;
  let ended = false;
  let waiting: ((reply: Reply) => void) | null = null;
  const settle = (reply: Reply) => {
    const answer = waiting;
    waiting = null;
    answer?.(reply);
  };
  const end = () => {
    ended = true;
    settle({ kind: child.pid === undefined ? "not_started" : "ended" });
  };

  try {
    child = spawn(path, ["--serve"], { stdio: "pipe" });
  } catch {
    return notStarted; // Node throws what it does not expect of spawn, for example ENOMEM.
  }
  child.on("error", end).on("exit", end);
  // Without descriptors to spare Node gives a child that has no streams, and the error afterwards.
  if (child.stdout === undefined) return notStarted;
  createInterface({ input: child.stdout }).on("line", (line) => {
    // Nobody has asked: what it says next could be taken for the answer to another question.
    if (waiting === null) child.kill("SIGKILL");
    settle({ kind: "line", line });
  });
  // A request written to a walker that has just died is answered by its exit.
  child.stdin.on("error", end);
  child.stderr.resume();

  return {
    request(line, timeoutMs) {
      return new Promise((resolve) => {
        const timer = setTimeout(() => settle({ kind: "timeout" }), timeoutMs);
        waiting = (reply) => {
          clearTimeout(timer);
          resolve(reply);
        };
        if (ended) end();
        else child.stdin.write(`${line}\n`);
      });
    },
    hasEnded: () => ended,
    kill: () => void child.kill("SIGKILL"),
    close: () => void (waiting === null ? child.stdin.end() : child.kill("SIGKILL")),
  };
}
