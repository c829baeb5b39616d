// Lambda entry: the hourly schedule to the rollup handler, with Athena and the lake's bucket.
// Which hours a scheduled time means is functions/rollup.ts.
import type { Context } from "aws-lambda";
import { readCatalogue } from "../../queries/catalogue.ts";
import { readSettings, rollupSettings } from "../aws/config.ts";
import { bucketSecondsOf, scheduledAtMs } from "../aws/events.ts";
import { lakeEdge } from "../aws/lake-edge.ts";
import { currentInvocation, observed } from "../aws/middleware.ts";
import { countRollup, createTelemetry } from "../aws/telemetry.ts";
import { traced } from "../aws/tracing.ts";
import { createRollupHandler, hoursToRollUp, settledAt } from "../rollup.ts";

const settings = readSettings(rollupSettings, process.env);
const telemetry = createTelemetry();
const invocation = currentInvocation();
const rollUp = createRollupHandler({
  ...lakeEdge(settings, readCatalogue(), telemetry, invocation),
  bucketSeconds: bucketSecondsOf(settings.TIDEMARK_PERIOD_SECONDS),
  report: (report) => countRollup(telemetry, report),
});

export const handler = observed({
  telemetry,
  invocation,
  also: [traced()],
  handler: (event: unknown, context: Context) => {
    const atMs = scheduledAtMs(event);
    return rollUp({ hoursMs: hoursToRollUp(atMs), settledMs: settledAt(atMs), runId: context.awsRequestId }, context);
  },
});
