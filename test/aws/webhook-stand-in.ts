// Slack's side of the webhook, on loopback: keeps what is posted and answers as told.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface WebhookStandIn extends AsyncDisposable {
  readonly url: string;
  /** Bodies of posts that were accepted. */
  readonly accepted: readonly string[];
  /** Statuses of the next posts; 200 when there are none left. */
  answerNext(...statuses: number[]): void;
}

export async function startWebhook(): Promise<WebhookStandIn> {
  const accepted: string[] = [];
  const statuses: number[] = [];
  const server = createServer(async (request, reply) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const status = statuses.shift() ?? 200;
    if (status === 200) accepted.push(Buffer.concat(chunks).toString());
    reply.writeHead(status).end(status === 200 ? "ok" : "no_service");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/T0/B0/secret`,
    accepted,
    answerNext: (...next) => void statuses.push(...next),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
