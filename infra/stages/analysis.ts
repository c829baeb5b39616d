// What asks the lake by the clock or on demand: hourly rollup, hourly detection, the weekly report, a review after a peak.
// Each may write its own prefix and tell its own topic; what they conclude is functions/'s.
import { Duration } from "aws-cdk-lib";
import { CfnScheduleGroup } from "aws-cdk-lib/aws-scheduler";
import { Construct } from "constructs";
import { sampleKinds } from "../../schema/columns.ts";
import { ALERT_CONFIG_KEY, LAKE_PREFIX, LATE_PREFIX, REPORTS_PREFIX, STAGING_PREFIX } from "../../schema/keys.ts";
import type { Grant } from "../parts/grants.ts";
import { type FunctionContext, StageFunction } from "../parts/stage-function.ts";
import type { Buckets } from "./buckets.ts";
import type { Questions } from "./questions.ts";
import { ScheduledStage } from "./schedule.ts";
import type { Topics } from "./topics.ts";

export interface AnalysisProps extends FunctionContext {
  readonly buckets: Buckets;
  readonly questions: Questions;
  readonly topics: Topics;
}

/** Lambda's longest: most of it is waiting for Athena. */
const TIMEOUT = Duration.minutes(15);
/** MiB. Rollup and detection hold thousands of rows at most; a report also draws, which one whole processor does in seconds. */
const ASKING_MEMORY = 512;
const DRAWING_MEMORY = 1_769;

export class Analysis extends Construct {
  readonly rollup: ScheduledStage;
  readonly detect: ScheduledStage;
  readonly report: ScheduledStage;
  readonly review: StageFunction;

  constructor(scope: Construct, id: string, { buckets: { lake }, questions, topics, ...context }: AnalysisProps) {
    super(scope, id);
    const { options } = context;
    const group = new CfnScheduleGroup(this, "Schedules", { name: options.name });
    const asking = {
      ...questions.environment,
      TIDEMARK_LAKE_BUCKET: lake.bucketName,
      TIDEMARK_PERIOD_SECONDS: String(options.detection.periodSeconds),
    };
    const judging = {
      ...asking,
      TIDEMARK_THRESHOLDS: JSON.stringify(options.detection.thresholds),
      TIDEMARK_PERIODS: String(options.detection.periods),
    };
    const own = (sid: string, why: string, actions: readonly string[], prefix: string): Grant => ({
      sid,
      why,
      actions: actions.map((action) => `s3:${action}`),
      resources: [lake.arnForObjects(`${prefix}*`)],
    });

    this.rollup = new ScheduledStage(this, "Rollup", {
      ...context,
      stage: "rollup",
      group,
      expression: options.schedules.rollup,
      description: "Tidemark: rows by the minute to rows by the hour",
      timeout: TIMEOUT,
      memory: ASKING_MEMORY,
      environment: asking,
      grants: [
        ...questions.grants,
        own("Staging", "Athena names what it unloads; it is moved and removed.", STAGING_ACTIONS, STAGING_PREFIX),
        own("Late", "A mark goes when its hour has been rolled up again.", ["DeleteObject"], LATE_PREFIX),
        ...sampleKinds.map((kind) =>
          own(
            `Compact${kind}`,
            "Many small files of an hour are replaced by few.",
            ["PutObject", "DeleteObject"],
            `${LAKE_PREFIX}${kind}/`,
          ),
        ),
        own(
          "Hours",
          "Parts of an hour are replaced by those of its next run.",
          ["PutObject", "DeleteObject"],
          `${LAKE_PREFIX}process_hour/`,
        ),
      ],
    });
    this.detect = new ScheduledStage(this, "Detect", {
      ...context,
      stage: "detect",
      group,
      expression: options.schedules.detect,
      description: "Tidemark: findings, and alerts about new ones",
      also: {
        name: "detect-acute",
        description: "Tidemark: findings of the last minutes",
        expression: options.schedules.acute,
        input: { detector: "acute" },
      },
      timeout: TIMEOUT,
      memory: ASKING_MEMORY,
      environment: {
        ...judging,
        TIDEMARK_ALERTS_TOPIC_ARN: topics.alerts.topicArn,
        TIDEMARK_RUNBOOK_URL: options.runbookUrl,
      },
      grants: [
        ...questions.grants,
        own("Findings", "Findings are filed by hour and window.", ["PutObject"], `${LAKE_PREFIX}finding/`),
        own("Recommendations", "So is what is recommended about them.", ["PutObject"], `${LAKE_PREFIX}recommendation/`),
        own("Savings", "The ledger is filed by day.", ["PutObject"], `${LAKE_PREFIX}saving/`),
        {
          sid: "AlertSettings",
          why: "Thresholds, mutes and maintenance windows are one reviewed file.",
          actions: ["s3:GetObject"],
          resources: [lake.arnForObjects(ALERT_CONFIG_KEY)],
        },
        ...topics.publishGrants(topics.alerts),
      ],
    });
    const reporting = {
      ...context,
      timeout: TIMEOUT,
      memory: DRAWING_MEMORY,
      environment: { ...judging, TIDEMARK_REPORTS_TOPIC_ARN: topics.reports.topicArn },
      grants: [
        ...questions.grants,
        own(
          "Pages",
          "Pages are named after their window; reading is for links to them.",
          ["PutObject", "GetObject"],
          REPORTS_PREFIX,
        ),
        ...topics.publishGrants(topics.reports),
      ],
    };
    this.report = new ScheduledStage(this, "Report", {
      ...reporting,
      stage: "report",
      group,
      expression: options.schedules.report,
      description: "Tidemark: the weekly report",
    });
    this.review = new StageFunction(this, "Review", {
      ...reporting,
      stage: "review",
      description: "Tidemark: a review of any window, on demand",
      asynchronous: true,
    });
  }
}

const STAGING_ACTIONS = ["PutObject", "GetObject", "DeleteObject", "AbortMultipartUpload", "ListMultipartUploadParts"];
