// Lambda entry: a person's question about a peak (aws lambda invoke) to the report handler.
// The event names the window and the cycle of the traffic; everything else is as for the weekly report.
import type { Context } from "aws-lambda";
import { readCatalogue } from "../../queries/catalogue.ts";
import { readSettings, reportSettings } from "../aws/config.ts";
import { reviewWindow } from "../aws/events.ts";
import { currentInvocation, observed } from "../aws/middleware.ts";
import { reportEdge } from "../aws/report-edge.ts";
import { createTelemetry } from "../aws/telemetry.ts";
import { traced } from "../aws/tracing.ts";
import { createReportHandler } from "../report.ts";

const settings = readSettings(reportSettings, process.env);
const telemetry = createTelemetry();
const invocation = currentInvocation();
const report = createReportHandler(reportEdge(settings, readCatalogue(), telemetry, invocation));

export const handler = observed({
  telemetry,
  invocation,
  also: [traced()],
  handler: async (event: unknown, context: Context) => report({ kind: "peak review", window: reviewWindow(event) }, context),
});
