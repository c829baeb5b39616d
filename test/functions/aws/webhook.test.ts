// The webhook behind a secret: kept for a while, taken up anew after a refusal, and never told to anybody.
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
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

test("a refused post rejects without the URL, and a rotated secret is taken up at the next one", async () => {
  await using use = await hook();
  use.slack.answerNext(404);
  await rejects(use.webhook.post("{}"), (error: Error) => {
    equal(error.message, 'the webhook answered 404 "no_service" to 2 bytes');
    return true;
  });
  await use.webhook.post("{}");
  equal(use.reads(), 2);
  equal(use.slack.accepted.length, 1);
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
