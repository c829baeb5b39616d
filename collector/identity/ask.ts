// One bounded question to a metadata service on this host: no redirects, no proxy, little time, little text.
// What the answers mean is imds.ts's and ecs.ts's; which addresses may be asked at all is theirs as well.
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { err, ok, type Result } from "../../schema/result.ts";

export interface Question {
  readonly url: string;
  readonly method?: "GET" | "PUT";
  /** May hold a token: never logged, and no part of any fault. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Faults name the address and what went wrong, never a header or a body. */
export type AskFault =
  | { readonly kind: "unreachable"; readonly url: string; readonly code: string }
  | { readonly kind: "status"; readonly url: string; readonly status: number }
  | { readonly kind: "too_long"; readonly url: string; readonly bytesMax: number };

export type Ask = (question: Question) => Promise<Result<string, AskFault>>;

/** The services answer from the same host: who has not within this time is not there. */
export const CONNECT_MS_MAX = 1_000;
/** From connected to the last byte. */
export const ANSWER_MS_MAX = 1_000;
/** The longest answer of either service is a few kilobytes. */
export const ANSWER_BYTES_MAX = 64 * 1_024;
/** A packet may be lost; more than one in a row means that nobody is there. */
export const TRIES_MAX = 2;
/** IMDS throttles by closing and by 5xx; a short breath lets it answer. */
const BETWEEN_TRIES_MS = 50;

/** The text of a 200. Only what another try can cure is tried again: no connection, 429 and 5xx. */
export const ask: Ask = async (question) => {
  let outcome = await askOnce(question);
  for (let tries = 1; tries < TRIES_MAX && !outcome.ok && mayPass(outcome.error); tries++) {
    await sleep(BETWEEN_TRIES_MS);
    outcome = await askOnce(question);
  }
  return outcome;
};

export function faultText(fault: AskFault): string {
  if (fault.kind === "unreachable") return `${fault.url} cannot be reached: ${fault.code}`;
  if (fault.kind === "status") return `${fault.url} answers with status ${fault.status}`;
  return `${fault.url} answers with more than ${fault.bytesMax} bytes`;
}

const mayPass = (fault: AskFault): boolean =>
  fault.kind === "unreachable" || (fault.kind === "status" && (fault.status === 429 || fault.status >= 500));

function askOnce({ url, method = "GET", headers = {} }: Question): Promise<Result<string, AskFault>> {
  return new Promise((resolve) => {
    // An agent of its own: the shared one follows proxy settings, and a token must not travel through a proxy.
    const asking = request(url, { method, headers, agent: false });
    const end = (outcome: Result<string, AskFault>) => {
      clearTimeout(timer);
      asking.destroy();
      resolve(outcome);
    };
    const unreachable = (code: string) => end(err({ kind: "unreachable", url, code }));
    let timer = setTimeout(unreachable, CONNECT_MS_MAX, "ETIMEDOUT");
    asking.on("error", (error: NodeJS.ErrnoException) => unreachable(error.code ?? error.name));
    asking.on("socket", (socket) =>
      socket.once("connect", () => {
        clearTimeout(timer);
        timer = setTimeout(unreachable, ANSWER_MS_MAX, "ETIMEDOUT");
      }),
    );
    asking.on("response", (response) => {
      const status = response.statusCode ?? 0;
      if (status !== 200) return end(err({ kind: "status", url, status }));
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on("data", (part: Buffer) => {
        parts.push(part);
        bytes += part.length;
        if (bytes > ANSWER_BYTES_MAX) end(err({ kind: "too_long", url, bytesMax: ANSWER_BYTES_MAX }));
      });
      response.on("end", () => end(ok(Buffer.concat(parts).toString())));
      response.on("error", () => unreachable("ECONNRESET"));
    });
    asking.end();
  });
}
