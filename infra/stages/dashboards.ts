// Two pages in CloudWatch: whether data flows, stage by stage in its direction, and what that costs.
// What is judged on them is alarms.ts's; the pages of findings are reports, not dashboards.
import { Duration } from "aws-cdk-lib";
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  Metric,
  Stats,
  TextWidget,
} from "aws-cdk-lib/aws-cloudwatch";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { Options } from "../options.ts";
import type { Metrics } from "../parts/metrics.ts";
import type { StageFunction } from "../parts/stage-function.ts";

export interface DashboardsProps {
  readonly options: Options;
  readonly metrics: Metrics;
  readonly functions: readonly StageFunction[];
  readonly convertQueue: Queue;
  readonly deadLetters: Readonly<Record<string, Queue>>;
  readonly alarms: readonly Alarm[];
  readonly buckets: Readonly<Record<string, IBucket>>;
}

/** CloudWatch's grid has 24 columns. */
const graph = (title: string, left: readonly IMetric[], right: readonly IMetric[] = []) =>
  new GraphWidget({ title, left: [...left], right: [...right], width: 8, height: 6 });
const heading = (markdown: string) => new TextWidget({ markdown, width: 24, height: 1 });

export class Dashboards extends Construct {
  constructor(scope: Construct, id: string, props: DashboardsProps) {
    super(scope, id);
    this.#flow(props);
    this.#cost(props);
  }

  #flow({ options, metrics, functions, convertQueue, deadLetters, alarms }: DashboardsProps): void {
    const waiting = Object.entries(deadLetters).map(([stage, queue]) =>
      queue.metricApproximateNumberOfMessagesVisible({ label: stage, period: Duration.minutes(5) }),
    );
    new Dashboard(this, "Flow", {
      dashboardName: `${options.name}-flow`,
      widgets: [
        [new AlarmStatusWidget({ title: "Alarms", alarms: [...alarms], width: 24, height: 5 })],
        [heading(`## Arrival: collectors to raw objects ([runbook](${options.runbookUrl}))`)],
        [
          graph("Records, 5 min", [metrics.arrivedRecords], [metrics.throttledRecords]),
          graph("Oldest record not delivered, s", [metrics.deliveryLag]),
          graph(
            "Queue to the converter",
            [convertQueue.metricApproximateNumberOfMessagesVisible()],
            [convertQueue.metricApproximateAgeOfOldestMessage()],
          ),
        ],
        [heading("## Conversion: raw objects to the lake")],
        [
          graph("Rows converted, 5 min", [metrics.convertedRows], [metrics.convertedObjects]),
          graph("Refused in an hour", [metrics.rejectedRows, metrics.rejects, metrics.damagedMembers]),
          graph("Dead letters", waiting),
        ],
        [heading("## Detection: the lake to people")],
        [
          graph("Age of the newest sample, s", [metrics.newestSampleAge], [metrics.silentHosts]),
          graph("Findings and alerts", [metrics.openFindings], [metrics.sentAlerts]),
          graph("Queries that failed", [metrics.failedQueries]),
        ],
        [heading("## Functions")],
        [
          graph(
            "Errors",
            functions.map(({ stage, lambda }) => lambda.metricErrors({ label: stage })),
          ),
          graph(
            "Throttled",
            functions.map(({ stage, lambda }) => lambda.metricThrottles({ label: stage })),
          ),
          graph(
            "Longest run, ms",
            functions.map(({ stage, lambda }) => lambda.metricDuration({ label: stage, statistic: Stats.MAXIMUM })),
          ),
        ],
      ],
    });
  }

  #cost({ options, metrics, functions, buckets }: DashboardsProps): void {
    const runtime = functions.map(({ stage, lambda }) =>
      lambda.metricDuration({ label: `${stage}, ms`, statistic: Stats.SUM, period: Duration.days(1) }),
    );
    new Dashboard(this, "Cost", {
      dashboardName: `${options.name}-cost`,
      widgets: [
        [heading("## What is paid for (`tidemark cost` puts prices to it)")],
        [
          graph("Firehose: bytes an hour (each record is billed as whole 5 KB)", [metrics.arrivedBytes]),
          graph("Athena: bytes read a day", [metrics.scannedBytes]),
          graph("Lambda: time a day", runtime),
        ],
        [
          graph(
            "S3: bytes kept",
            Object.entries(buckets).map(([label, bucket]) => keptBytes(label, bucket)),
          ),
        ],
      ],
    });
  }
}

const keptBytes = (label: string, bucket: IBucket) =>
  new Metric({
    namespace: "AWS/S3",
    metricName: "BucketSizeBytes",
    dimensionsMap: { BucketName: bucket.bucketName, StorageType: "StandardStorage" },
    statistic: Stats.AVERAGE,
    period: Duration.days(1),
    label,
  });
