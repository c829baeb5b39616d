// Lambda entry: messages of the topics to the Slack handler, with the webhook whose URL is a secret.
// What a message looks like is core/slack-message.ts.
import { setTimeout as sleep } from "node:timers/promises";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { readSettings, slackSettings } from "../aws/config.ts";
import { currentInvocation, observed } from "../aws/middleware.ts";
import { createTelemetry, logOf } from "../aws/telemetry.ts";
import { traced, tracedClient } from "../aws/tracing.ts";
import { secretWebhook } from "../aws/webhook.ts";
import { createSlackHandler } from "../slack.ts";

const settings = readSettings(slackSettings, process.env);
const telemetry = createTelemetry();
const invocation = currentInvocation();
const webhook = secretWebhook({
  client: tracedClient(SecretsManagerClient),
  secretArn: settings.TIDEMARK_SLACK_SECRET_ARN,
  nowMs: Date.now,
});

export const handler = observed({
  telemetry,
  invocation,
  also: [traced()],
  handler: createSlackHandler({
    post: webhook.post,
    sleep: (ms) => sleep(ms),
    nowMs: Date.now,
    remainingMs: invocation.remainingMs,
    log: logOf(telemetry),
  }),
});
