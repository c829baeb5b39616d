// Posts to the Slack webhook whose URL is a secret: read from Secrets Manager, kept for a short while, never logged.
// What is posted is the slack function's; delivering again after a failure is SNS's.
import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";

export interface WebhookOptions {
  readonly client: SecretsManagerClient;
  readonly secretArn: string;
  nowMs(): number;
}

export interface Webhook {
  /** Rejects unless the other side answered 2xx. */
  post(body: string): Promise<void>;
}

/** A rotated secret is taken up within this time, and at once after a refused post. */
const SECRET_AGE_MS_MAX = 5 * 60_000;
/** Slack answers within a second; beyond this it will not, and SNS tries again later. */
const POST_TIMEOUT_MS = 10_000;
const ANSWER_LENGTH_MAX = 200;

export function secretWebhook({ client, secretArn, nowMs }: WebhookOptions): Webhook {
  let known: { readonly url: string; readonly readAtMs: number } | null = null;
  const url = async (): Promise<string> => {
    if (known === null || nowMs() - known.readAtMs > SECRET_AGE_MS_MAX) {
      const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secretArn }));
      known = { url: checkedUrl(SecretString, secretArn), readAtMs: nowMs() };
    }
    return known.url;
  };

  return {
    async post(body) {
      const response = await fetch(await url(), {
        method: "POST",
        headers: { "content-type": "application/json; charset=utf-8" },
        body,
        redirect: "error",
        signal: AbortSignal.timeout(POST_TIMEOUT_MS),
      });
      const answer = (await response.text()).slice(0, ANSWER_LENGTH_MAX);
      if (response.ok) return;
      known = null;
      throw new Error(`the webhook answered ${response.status} ${JSON.stringify(answer)} to ${Buffer.byteLength(body)} bytes`);
    },
  };
}

/** The error must not repeat the value: it may be a secret that only stands in the wrong place. */
function checkedUrl(secret: string | undefined, secretArn: string): string {
  const url = URL.parse(secret?.trim() ?? "");
  const isLoopback = url?.protocol === "http:" && url.hostname === "127.0.0.1";
  if (url === null || !(url.protocol === "https:" || isLoopback)) {
    throw new Error(`the secret ${secretArn} is not an https URL: its text must be the webhook's URL and nothing else`);
  }
  return url.href;
}
