// The webhook behind a secret: kept for a while, taken up anew after a refusal, and never told to anybody.
import { deepEqual, doesNotMatch, equal, match, ok, rejects } from "node:assert/strict";
import { test } from "node:test";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { secretWebhook } from "../../../functions/aws/webhook.ts";
import { clientFor } from "../../aws/clients.ts";
import { startAws } from "../../aws/endpoint.ts";
import { denied } from "../../aws/faults.ts";
import { startWebhook } from "../../aws/webhook-stand-in.ts";

async function hook(secret?: string) {
  const aws = await startAws();
  const slack = await startWebhook();
  const secretArn = aws.secrets.put("slack", secret ?? slack.url);
  const clock = { nowMs: 0 };
  const webhook = secretWebhook({
    client: new SecretsManagerClient(clientFor(aws)),
    secretArn,
    nowMs: () => clock.nowMs,
    timeoutMs: 300,
  });
  const close = async () => {
    await slack[Symbol.asyncDispose]();
    await aws.close();
  };
  const reads = () => aws.calls.filter((call) => call === "secretsmanager:GetSecretValue").length;
  return { aws, slack, secretArn, clock, webhook, reads, [Symbol.asyncDispose]: close };
}

test("posts arrive, and the secret is read once in five minutes", async () => {
  await using use = await hook();
  await use.webhook.post('{"text":"1"}');
  use.clock.nowMs = 5 * 60_000;
  await use.webhook.post('{"text":"2"}');
  equal(use.reads(), 1);
  use.clock.nowMs++;
  await use.webhook.post('{"text":"3"}');
  equal(use.reads(), 2);
  deepEqual(use.slack.accepted, ['{"text":"1"}', '{"text":"2"}', '{"text":"3"}']);
});

test("an answer is told without the URL, and a rotated secret is taken up after a refusal", async () => {
  await using use = await hook();
  const answers = [
    [404, { kind: "refused", status: 404, answer: "no_service" }],
    [
      { status: 400, answer: "invalid_blocks" },
      { kind: "refused", status: 400, answer: "invalid_blocks" },
    ],
    [500, { kind: "failed", status: 500, answer: "rollup_error" }],
    [
      { status: 429, answer: "rate_limited", retryAfter: "7" },
      { kind: "limited", retryAfterMs: 7_000 },
    ],
    [
      { status: 429, answer: "rate_limited", retryAfter: "soon" },
      { kind: "limited", retryAfterMs: null },
    ],
    [429, { kind: "limited", retryAfterMs: null }],
  ] as const;
  for (const [day, outcome] of answers) {
    use.slack.answerNext(day);
    deepEqual(await use.webhook.post('{"text":"1"}'), outcome);
  }
  equal(use.reads(), 3, "once at first, and once after each of two refusals");
  use.slack.answerNext({ status: 404, answer: `there is no ${use.slack.url} here` });
  deepEqual(await use.webhook.post('{"text":"1"}'), { kind: "refused", status: 404, answer: "there is no [the webhook] here" });
});

test("a webhook that hangs, breaks off, is gone or redirects is unreachable, for a reason without its URL", async () => {
  await using use = await hook();
  for (const day of ["hang", "cut off"] as const) {
    use.slack.answerNext(day);
    const outcome = await use.webhook.post('{"text":"1"}');
    equal(outcome.kind, "unreachable");
    match(JSON.stringify(outcome), day === "hang" ? /TimeoutError/ : /fetch failed: (UND_ERR_SOCKET|ECONNRESET)/);
    doesNotMatch(JSON.stringify(outcome), /secret|services/);
  }
  await using closed = await hook("http://127.0.0.1:9/services/T0/B0/secret");
  const outcome = await closed.webhook.post('{"text":"1"}');
  equal(outcome.kind, "unreachable");
  doesNotMatch(JSON.stringify(outcome), /secret|services/);
});

test("a secret that is missing, denied or no https URL stops the post, and its text is not in the error", async () => {
  await using missing = await hook();
  const client = new SecretsManagerClient(clientFor(missing.aws));
  const gone = secretWebhook({ client, secretArn: `${missing.secretArn}-gone`, nowMs: () => 0 });
  await rejects(gone.post("{}"), /can't find the specified secret/);
  missing.aws.faults.inject({ service: "secretsmanager", operation: "GetSecretValue", ...denied });
  await rejects(missing.webhook.post("{}"), /not authorized/);

  for (const secret of ["http://hooks.slack.example/T0/hidden", "hidden", '{"url":"https://hidden"}', ""]) {
    await using use = await hook(secret);
    await rejects(use.webhook.post("{}"), (error: Error) => {
      ok(error.message.includes("is not an https URL"), error.message);
      return !error.message.includes("hidden");
    });
  }
});
