// A port of this machine: whether anybody answers at it, and waiting until somebody does.
// Who that should be is the caller's to know.
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 50;
const CONNECT_MS_MAX = 1_000;

export function answersAt(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const done = (answers: boolean) => {
      socket.destroy();
      resolve(answers);
    };
    socket.setTimeout(CONNECT_MS_MAX, () => done(false));
    socket.once("connect", () => done(true)).once("error", () => done(false));
  });
}

/** Resolves when somebody answers, or when `signal` ends the wait. */
export async function untilAnswers(port: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !(await answersAt(port))) await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
}
