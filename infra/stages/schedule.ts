// One scheduled stage: a function, the rule of EventBridge Scheduler that starts it, a role for that alone, and one queue for
// starts that never succeeded, whether Scheduler could not make them or the function failed. What it does is its stage's.
import { CfnSchedule, type CfnScheduleGroup } from "aws-cdk-lib/aws-scheduler";
import type { Construct } from "constructs";
import { createRole } from "../parts/grants.ts";
import { StageFunction, type StageFunctionProps } from "../parts/stage-function.ts";

export interface ScheduledStageProps extends Omit<StageFunctionProps, "asynchronous"> {
  readonly group: CfnScheduleGroup;
  readonly expression: string;
  /** A further schedule of the same function, which is told so by a field of its event. */
  readonly also?: {
    readonly name: string;
    readonly description: string;
    readonly expression: string;
    readonly input: Readonly<Record<string, string>>;
  };
}

/** Scheduler tries to hand an event over for so long; Lambda is hardly ever away that long. */
const START_AGE_SECONDS_MAX = 3_600;
const START_RETRIES = 10;
/** The time that was planned, not the one of a retry: what runs late still works on its own window. */
const INPUT = { scheduled_at: "<aws.scheduler.scheduled-time>" };

export class ScheduledStage extends StageFunction {
  constructor(scope: Construct, id: string, { group, expression, also, ...props }: ScheduledStageProps) {
    super(scope, id, { ...props, asynchronous: true });
    const { deadLetters, lambda } = this;
    if (deadLetters === undefined) throw new Error(`${props.stage} has no dead-letter queue`);
    const role = createRole(this, "ScheduleRole", {
      service: "scheduler",
      description: `Tidemark: starts ${props.stage}`,
      ownAccountBy: "aws:SourceAccount",
      grants: [
        { sid: "Start", why: "It starts this function.", actions: ["lambda:InvokeFunction"], resources: [lambda.functionArn] },
        {
          sid: "DeadLetters",
          why: "Starts that could not be made wait there.",
          actions: ["sqs:SendMessage"],
          resources: [deadLetters.queueArn],
        },
      ],
    });
    const schedule = (
      id: string,
      { name, description, expression, input }: Required<ScheduledStageProps>["also"],
    ): CfnSchedule =>
      new CfnSchedule(this, id, {
        name,
        groupName: group.ref,
        description,
        scheduleExpression: expression,
        scheduleExpressionTimezone: "UTC",
        flexibleTimeWindow: { mode: "OFF" },
        target: {
          arn: lambda.functionArn,
          roleArn: role.roleArn,
          input: JSON.stringify({ ...INPUT, ...input }),
          deadLetterConfig: { arn: deadLetters.queueArn },
          retryPolicy: { maximumEventAgeInSeconds: START_AGE_SECONDS_MAX, maximumRetryAttempts: START_RETRIES },
        },
      });
    schedule("Schedule", { name: props.stage, description: props.description, expression, input: {} });
    if (also) schedule("AlsoSchedule", also);
  }
}
