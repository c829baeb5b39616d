// Slack's side of the webhook, on loopback: refuses what Slack refuses, keeps what it takes, and has bad days as told.
// Source: Slack's Block Kit reference and its guide to incoming webhooks; the limit on all texts is of slackapi/bolt-js#2509.
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { refusalOf } from "./slack-limits.ts";

/** What the next post meets: a status with Slack's word for it, an answer that comes late, or none. */
export type BadDay =
  | number
  | { readonly status: number; readonly answer: string; readonly retryAfter?: string }
  | { readonly lateMs: number }
  | "hang"
  | "cut off";

export interface WebhookStandIn extends AsyncDisposable {
  readonly url: string;
  /** Bodies of posts that were accepted. */
  readonly accepted: readonly string[];
  /** `400 invalid_blocks`, in order of arrival; what was accepted as well. */
  readonly answers: readonly string[];
  /** What the next posts meet; nothing when there are none left. */
  answerNext(...days: BadDay[]): void;
}

/** Slack's own words, by status. */
const wordOf: Readonly<Record<number, string>> = {
  400: "invalid_payload",
  403: "action_prohibited",
  404: "no_service",
  410: "channel_is_archived",
  429: "rate_limited",
  500: "rollup_error",
};

export async function startWebhook(): Promise<WebhookStandIn> {
  const accepted: string[] = [];
  const answers: string[] = [];
  const days: BadDay[] = [];

  function answer(reply: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
    answers.push(`${status} ${text}`);
    reply.writeHead(status, { "content-type": "text/html", ...headers }).end(text);
  }

  function take(reply: ServerResponse, body: string): void {
    const refusal = refusalOf(body);
    if (refusal === null) accepted.push(body);
    answer(reply, refusal === null ? 200 : 400, refusal ?? "ok");
  }

  const server = createServer(async (request, reply) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const day = days.shift();
    if (day === undefined) return take(reply, body);
    if (day === "hang") return;
    if (day === "cut off") return void request.socket.destroy();
    if (typeof day === "number") return answer(reply, day, wordOf[day] ?? "internal_error");
    if ("lateMs" in day) {
      await sleep(day.lateMs);
      return take(reply, body);
    }
    answer(reply, day.status, day.answer, day.retryAfter === undefined ? {} : { "retry-after": day.retryAfter });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/T0/B0/secret`,
    accepted,
    answers,
    answerNext: (...next) => void days.push(...next),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
