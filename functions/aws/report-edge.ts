// What both reports (the weekly one and the review of a peak) need from outside: the lake and the reports topic.
// Which window is meant is left to the entries.
import { SNSClient } from "@aws-sdk/client-sns";
import type * as z from "zod/mini";
import type { Thresholds } from "../ask/detection.ts";
import type { QueryAbout } from "../ask/weekly.ts";
import type { ReportEdge } from "../report.ts";
import type { QueryText } from "./athena-literals.ts";
import type { reportSettings } from "./config.ts";
import { checkedThresholds, lakeEdge } from "./lake-edge.ts";
import type { Invocation } from "./middleware.ts";
import { snsNotifier } from "./sns-notifier.ts";
import type { Telemetry } from "./telemetry.ts";
import { tracedClient } from "./tracing.ts";

export const reportEdge = (
  settings: z.output<typeof reportSettings>,
  queries: ReadonlyMap<string, QueryText & QueryAbout>,
  telemetry: Telemetry,
  invocation: Invocation,
): ReportEdge & { readonly thresholds: Thresholds } => ({
  ...lakeEdge(settings, queries, telemetry, invocation),
  notifier: snsNotifier(tracedClient(SNSClient), { reports: settings.TIDEMARK_REPORTS_TOPIC_ARN }),
  catalogue: queries,
  thresholds: checkedThresholds(settings.TIDEMARK_THRESHOLDS, queries),
});
