// Lambda entry: a person's question about a peak (aws lambda invoke) to the review handler, with Athena, the lake's bucket and the reports topic.
// What the page says is core's.
import type { Context } from "aws-lambda";
import { readCatalogue } from "../../queries/catalogue.ts";
import { readSettings, reportSettings } from "../aws/config.ts";
import { reviewEvent } from "../aws/events.ts";
import { currentInvocation, observed } from "../aws/middleware.ts";
import { reportEdge } from "../aws/report-edge.ts";
import { createTelemetry } from "../aws/telemetry.ts";
import { traced } from "../aws/tracing.ts";
import { createReviewHandler } from "../review.ts";

const settings = readSettings(reportSettings, process.env);
const telemetry = createTelemetry();
const invocation = currentInvocation();
const edge = reportEdge(settings, readCatalogue(), telemetry, invocation);
const review = createReviewHandler({ ...edge, nowMs: Date.now });

export const handler = observed({
  telemetry,
  invocation,
  also: [traced()],
  handler: async (event: unknown, context: Context) => review(reviewEvent(event), context),
});
