// Lambda entry: messages of the topics to the Slack handler, with the webhook whose URL is a secret.
// What a message looks like is core/slack-message.ts.
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { readSettings, slackSettings } from "../aws/config.ts";
import { currentInvocation, observed } from "../aws/middleware.ts";
import { createTelemetry } from "../aws/telemetry.ts";
import { traced, tracedClient } from "../aws/tracing.ts";
import { secretWebhook } from "../aws/webhook.ts";
import { createSlackHandler } from "../slack.ts";

const settings = readSettings(slackSettings, process.env);
const telemetry = createTelemetry();

export const handler = observed({
  telemetry,
  invocation: currentInvocation(),
  also: [traced()],
  handler: createSlackHandler(
    secretWebhook({
      client: tracedClient(SecretsManagerClient),
      secretArn: settings.TIDEMARK_SLACK_SECRET_ARN,
      nowMs: Date.now,
    }),
  ),
});
