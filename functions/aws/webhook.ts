// Posts to the Slack webhook whose URL is a secret: read from Secrets Manager, kept for a short while, never logged nor thrown.
// What is posted, and what an answer means for the message, is the slack function's.
import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { PostOutcome } from "../core/slack/delivery.ts";

export interface WebhookOptions {
  readonly client: SecretsManagerClient;
  readonly secretArn: string;
  nowMs(): number;
  /** Longest wait for an answer. */
  readonly timeoutMs?: number;
}

export interface Webhook {
  /** Rejects only when the URL is not to be had. */
  post(body: string): Promise<PostOutcome>;
}

/** A rotated secret is taken up within this time, and at once after a refused post. */
const SECRET_AGE_MS_MAX = 5 * 60_000;
/** Slack answers within a second; beyond this it will not, and the message is offered again later. */
const POST_TIMEOUT_MS = 10_000;
const ANSWER_LENGTH_MAX = 200;

export function secretWebhook({ client, secretArn, nowMs, timeoutMs = POST_TIMEOUT_MS }: WebhookOptions): Webhook {
  let known: { readonly url: string; readonly readAtMs: number } | null = null;
  const currentUrl = async (): Promise<string> => {
    if (known === null || nowMs() - known.readAtMs > SECRET_AGE_MS_MAX) {
      const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secretArn }));
      known = { url: checkedUrl(SecretString, secretArn), readAtMs: nowMs() };
    }
    return known.url;
  };

  return {
    async post(body) {
      const url = await currentUrl();
      let response: Response;
      let answer: string;
      try {
        response = await fetch(url, {
          method: "POST",
          headers: { "content-type": "application/json; charset=utf-8" },
          body,
          redirect: "error",
          signal: AbortSignal.timeout(timeoutMs),
        });
        answer = withoutUrl((await response.text()).slice(0, ANSWER_LENGTH_MAX), url);
      } catch (error) {
        return { kind: "unreachable", because: withoutUrl(reasonOf(error), url) };
      }
      if (response.ok) return { kind: "accepted" };
      const { status } = response;
      // A webhook that was taken back may have been replaced since.
      if (status !== 429 && status < 500) known = null;
      if (status === 429) return { kind: "limited", retryAfterMs: retryAfterMs(response.headers.get("retry-after")) };
      return { kind: status >= 500 ? "failed" : "refused", status, answer };
    },
  };
}

/** Seconds, as Slack sends them; null where it does not say. */
function retryAfterMs(header: string | null): number | null {
  const seconds = header === null ? Number.NaN : Number(header);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : null;
}

/** fetch says only that it failed; the reason is the cause's. */
function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error;
  const because =
    cause instanceof Error
      ? Object.hasOwn(cause, "code")
        ? String((cause as Error & { code: unknown }).code)
        : cause.message
      : "";
  return [name, message, because].filter((part) => part !== "").join(": ");
}

const withoutUrl = (text: string, url: string): string =>
  text.replaceAll(url, "[the webhook]").replaceAll(new URL(url).pathname, "[path]");

/** The error must not repeat the value: it may be a secret that only stands in the wrong place. */
function checkedUrl(secret: string | undefined, secretArn: string): string {
  const url = URL.parse(secret?.trim() ?? "");
  const isLoopback = url?.protocol === "http:" && url.hostname === "127.0.0.1";
  if (url === null || url.pathname === "/" || !(url.protocol === "https:" || isLoopback)) {
    throw new Error(`the secret ${secretArn} is not an https URL: its text must be the webhook's URL and nothing else`);
  }
  return url.href;
}
