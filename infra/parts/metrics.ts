// The figures that alarms and dashboards look at, each by one name: AWS's own about its services, and Tidemark's own.
// Tidemark's come from functions/aws/telemetry.ts, with the function's name as the dimension `service`.
import { Duration } from "aws-cdk-lib";
import { MathExpression, Metric, type MetricOptions, Stats } from "aws-cdk-lib/aws-cloudwatch";
import type { StageName } from "../bundle.ts";
import { METRICS_NAMESPACE } from "./stage-function.ts";

const HOUR = Duration.hours(1);
const FIVE_MINUTES = Duration.minutes(5);

export function metricsOf(name: string) {
  const own = (stage: StageName, metricName: string, statistic: string, period = HOUR) =>
    new Metric({
      namespace: METRICS_NAMESPACE,
      metricName,
      dimensionsMap: { service: `${name}-${stage}` },
      statistic,
      period,
      label: metricName,
    });
  const firehose = (metricName: string, options: MetricOptions) =>
    new Metric({ namespace: "AWS/Firehose", metricName, dimensionsMap: { DeliveryStreamName: name }, ...options });
  const asking = ["rollup", "detect", "report", "review"] as const satisfies readonly StageName[];

  return {
    arrivedRecords: firehose("IncomingRecords", { statistic: Stats.SUM, period: FIVE_MINUTES, label: "records" }),
    arrivedBytes: firehose("IncomingBytes", { statistic: Stats.SUM, period: HOUR, label: "bytes an hour" }),
    throttledRecords: firehose("ThrottledRecords", { statistic: Stats.SUM, period: FIVE_MINUTES, label: "throttled" }),
    deliveryLag: firehose("DeliveryToS3.DataFreshness", { statistic: Stats.MAXIMUM, period: FIVE_MINUTES, label: "oldest, s" }),
    convertedRows: own("convert", "ConvertedRows", Stats.SUM, FIVE_MINUTES),
    convertedObjects: own("convert", "ConvertedObjects", Stats.SUM, FIVE_MINUTES),
    rejectedRows: own("convert", "RejectedRows", Stats.SUM),
    rejects: own("convert", "Rejects", Stats.SUM),
    damagedMembers: own("convert", "DamagedMembers", Stats.SUM),
    newestSampleAge: own("detect", "NewestSampleAgeSeconds", Stats.MAXIMUM),
    silentHosts: own("detect", "SilentHosts", Stats.MAXIMUM),
    openFindings: own("detect", "FindingsOpen", Stats.MAXIMUM),
    sentAlerts: own("detect", "AlertsSent", Stats.SUM),
    failedQueries: new MathExpression({
      expression: asking.map((stage) => `FILL(${stage}, 0)`).join(" + "),
      usingMetrics: Object.fromEntries(asking.map((stage) => [stage, own(stage, "QueryFailures", Stats.SUM)])),
      period: HOUR,
      label: "failed queries",
    }),
    /** Athena's own count, so that what people ask by hand is in it. */
    scannedBytes: new MathExpression({
      expression: `SUM(SEARCH('{AWS/Athena,QueryState,QueryType,WorkGroup} WorkGroup="${name}" MetricName="ProcessedBytes"', 'Sum', 86400))`,
      usingMetrics: {},
      period: Duration.days(1),
      label: "scanned a day",
    }),
    scannedBytesOf: (queryState: string) =>
      new Metric({
        namespace: "AWS/Athena",
        metricName: "ProcessedBytes",
        dimensionsMap: { QueryState: queryState, QueryType: "DML", WorkGroup: name },
        statistic: Stats.SUM,
        period: Duration.days(1),
        label: queryState.toLowerCase(),
      }),
  };
}

export type Metrics = ReturnType<typeof metricsOf>;
