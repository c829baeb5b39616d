// Lambda entry: the weekly schedule to the report handler, with Athena, the lake's bucket and the reports topic.
// What the page says is core's.
import type { Context } from "aws-lambda";
import { readCatalogue } from "../../queries/catalogue.ts";
import { readSettings, reportSettings } from "../aws/config.ts";
import { scheduledWindow } from "../aws/events.ts";
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
  handler: (event: unknown, context: Context) => {
    const window = scheduledWindow(event, settings.TIDEMARK_PERIOD_SECONDS * 1_000, settings.TIDEMARK_PERIODS);
    return report({ window }, context);
  },
});
