// Lambda entry: the schedules of trends and of what is acute to the detection handler, with Athena, the lake's bucket and the alerts topic.
// What is found and told is functions/detect.ts.
import { SNSClient } from "@aws-sdk/client-sns";
import type { Context } from "aws-lambda";
import { readCatalogue } from "../../queries/catalogue.ts";
import { detectSettings, readSettings } from "../aws/config.ts";
import { detectEvent } from "../aws/events.ts";
import { checkedThresholds, lakeEdge } from "../aws/lake-edge.ts";
import { currentInvocation, observed } from "../aws/middleware.ts";
import { snsNotifier } from "../aws/sns-notifier.ts";
import { countedNotifier, countLake, createTelemetry } from "../aws/telemetry.ts";
import { traced, tracedClient } from "../aws/tracing.ts";
import { thresholdNames } from "../core/threshold-names.ts";
import { createDetectHandler } from "../detect.ts";

const settings = readSettings(detectSettings, process.env);
const queries = readCatalogue();
const telemetry = createTelemetry();
const invocation = currentInvocation();
const topics = { alerts: settings.TIDEMARK_ALERTS_TOPIC_ARN };
const detect = createDetectHandler({
  ...lakeEdge(settings, queries, telemetry, invocation),
  notifier: countedNotifier(telemetry, snsNotifier(tracedClient(SNSClient), topics)),
  runbookUrl: settings.TIDEMARK_RUNBOOK_URL,
  thresholds: checkedThresholds(settings.TIDEMARK_THRESHOLDS, queries),
  thresholdNames: thresholdNames(queries.values()),
  observe: (observation) => countLake(telemetry, observation),
});

export const handler = observed({
  telemetry,
  invocation,
  also: [traced()],
  handler: (event: unknown, context: Context) =>
    detect(detectEvent(event, settings.TIDEMARK_PERIOD_SECONDS * 1_000, settings.TIDEMARK_PERIODS), context),
});
