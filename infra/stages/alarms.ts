// Alarms on Tidemark itself: what may go wrong in every stage, when it counts as wrong, and where to read what to do.
// Every alarm's name ends in the heading of docs/runbook.md that it links to; alarms on memory are detection's, not CloudWatch's.
import { Duration } from "aws-cdk-lib";
import { Alarm, ComparisonOperator, type IMetric, MathExpression, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { Options } from "../options.ts";
import type { Metrics } from "../parts/metrics.ts";
import type { StageFunction } from "../parts/stage-function.ts";
import type { Topics } from "./topics.ts";

export interface AlarmsProps {
  readonly options: Options;
  readonly metrics: Metrics;
  readonly functions: readonly StageFunction[];
  readonly convertQueue: Queue;
  /** By the stage that left something there. */
  readonly deadLetters: Readonly<Record<string, Queue>>;
  readonly topics: Topics;
}

interface AlarmSpec {
  /** Anchor of a heading of the runbook. */
  readonly heading: string;
  /** What an alarm is about where several share a heading. */
  readonly about?: string;
  /** One sentence with the limit in it. */
  readonly says: string;
  readonly metric: IMetric;
  readonly above?: number;
  readonly below?: number;
  readonly periods?: number;
  /** What no data means: `fine` unless silence itself is the trouble. */
  readonly silence?: "fine" | "trouble";
}

export class Alarms extends Construct {
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const action = new SnsAction(props.topics.operations);
    this.alarms = specs(props).map((spec) => {
      const alarm = createAlarm(this, spec, props.options);
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
      return alarm;
    });
  }
}

function createAlarm(scope: Construct, spec: AlarmSpec, { name, runbookUrl }: Options): Alarm {
  const { heading, about, says, metric, above, below, periods = 1, silence = "fine" } = spec;
  const key = about === undefined ? heading : `${heading}-${about}`;
  return new Alarm(scope, key, {
    alarmName: `${name}-${key}`,
    alarmDescription: `${says} What to do: ${runbookUrl}#${heading}`,
    metric,
    threshold: above ?? below ?? 0,
    comparisonOperator:
      below === undefined ? ComparisonOperator.GREATER_THAN_THRESHOLD : ComparisonOperator.LESS_THAN_THRESHOLD,
    evaluationPeriods: periods,
    treatMissingData: silence === "trouble" ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
  });
}

function specs({
  options: { alarms: limits },
  metrics,
  functions,
  convertQueue,
  deadLetters,
}: AlarmsProps): readonly AlarmSpec[] {
  const period = Duration.minutes(5);
  const hourly = functions.filter(({ stage }) => stage === "rollup" || stage === "detect");
  return [
    {
      heading: "nothing-arrives",
      says: "No record came for 15 minutes.",
      metric: metrics.arrivedRecords,
      below: 1,
      periods: 3,
      silence: "trouble",
    },
    {
      heading: "records-are-throttled",
      says: "Firehose refused records above its quota.",
      metric: metrics.throttledRecords,
      above: 0,
      periods: 2,
    },
    {
      heading: "delivery-lags",
      says: `Firehose holds records older than ${limits.deliveryLagSecondsMax} s.`,
      metric: metrics.deliveryLag,
      above: limits.deliveryLagSecondsMax,
      periods: 3,
    },
    {
      heading: "conversion-lags",
      says: `A raw object waits longer than ${limits.queueAgeSecondsMax} s for conversion.`,
      metric: convertQueue.metricApproximateAgeOfOldestMessage({ period }),
      above: limits.queueAgeSecondsMax,
      periods: 3,
    },
    {
      heading: "rows-are-rejected",
      says: `More than ${limits.rejectedRowsPerHourMax} rows or messages of an hour were refused.`,
      metric: metrics.rejectedRows,
      above: limits.rejectedRowsPerHourMax,
    },
    {
      heading: "objects-are-damaged",
      says: "Raw objects held members that could not be unpacked.",
      metric: metrics.damagedMembers,
      above: 0,
    },
    {
      heading: "the-lake-is-stale",
      says: `The newest sample that detection saw is older than ${limits.sampleAgeSecondsMax} s, or it saw none for three hours.`,
      metric: metrics.newestSampleAge,
      above: limits.sampleAgeSecondsMax,
      periods: 3,
      silence: "trouble",
    },
    {
      heading: "hosts-are-silent",
      says: `More than ${limits.silentHostsMax} hosts that used to send have stopped.`,
      metric: metrics.silentHosts,
      above: limits.silentHostsMax,
    },
    {
      heading: "queries-fail",
      says: "Athena failed, stopped or ran out of time on a query of ours.",
      metric: metrics.failedQueries,
      above: 0,
    },
    {
      heading: "queries-cost-much",
      says: `Queries of a day read more than ${limits.scannedBytesPerDayMax} bytes.`,
      metric: dailyScan(metrics),
      above: limits.scannedBytesPerDayMax,
    },
    ...hourly.map(
      ({ stage, lambda }): AlarmSpec => ({
        heading: "a-schedule-was-missed",
        about: stage,
        says: `${stage} has not run for three hours.`,
        metric: lambda.metricInvocations({ period: Duration.hours(1) }),
        below: 1,
        periods: 3,
        silence: "trouble",
      }),
    ),
    ...Object.entries(deadLetters).map(
      ([stage, queue]): AlarmSpec => ({
        heading: "dead-letters",
        about: stage,
        says: `Work of ${stage} failed for good and waits in its dead-letter queue.`,
        metric: queue.metricApproximateNumberOfMessagesVisible({ period }),
        above: 0,
      }),
    ),
    ...functions.map(
      ({ stage, lambda }): AlarmSpec => ({
        heading: "a-function-fails",
        about: stage,
        says: `${stage} ended with an error.`,
        metric: lambda.metricErrors({ period }),
        above: 0,
      }),
    ),
    {
      heading: "functions-are-throttled",
      says: "Lambda had no room to run one of the functions.",
      metric: new MathExpression({
        expression: functions.map(({ stage }) => `FILL(${stage}, 0)`).join(" + "),
        usingMetrics: Object.fromEntries(functions.map(({ stage, lambda }) => [stage, lambda.metricThrottles({ period })])),
        period,
        label: "throttled starts",
      }),
      above: 0,
      periods: 3,
    },
  ];
}

/** Stopped queries are paid for as well. Alarms cannot search, so the states are named. */
function dailyScan(metrics: Metrics): MathExpression {
  const states = ["SUCCEEDED", "FAILED", "CANCELLED"];
  return new MathExpression({
    expression: states.map((state) => `FILL(${state.toLowerCase()}, 0)`).join(" + "),
    usingMetrics: Object.fromEntries(states.map((state) => [state.toLowerCase(), metrics.scannedBytesOf(state)])),
    period: Duration.days(1),
    label: "bytes a day",
  });
}
