// One Lambda of the pipeline: bundle, log group, role of explicit grants, settings that all share.
// What starts it and what it may touch beyond its own log is its stage's.
import { type Duration, RemovalPolicy } from "aws-cdk-lib";
import { Architecture, CfnEventInvokeConfig, Code, Function as LambdaFunction, Runtime, Tracing } from "aws-cdk-lib/aws-lambda";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { StageName } from "../bundle.ts";
import type { Options } from "../options.ts";
import { createDeadLetters } from "./dead-letters.ts";
import { arnOf, createRole, type Grant } from "./grants.ts";

/** What every stage's function is given by the stack. */
export interface FunctionContext {
  readonly options: Options;
  /** Folder of each stage's bundle. */
  readonly bundles: Readonly<Record<StageName, string>>;
}

export interface StageFunctionProps extends FunctionContext {
  readonly stage: StageName;
  readonly description: string;
  readonly timeout: Duration;
  /** MiB. 1,769 are one whole processor. */
  readonly memory: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly grants: readonly Grant[];
  /** Whether it is invoked asynchronously (Scheduler, SNS), so that what fails after its retries must be kept somewhere. */
  readonly asynchronous: boolean;
}

/** Retries of an asynchronous call, which Lambda makes after one and two minutes. */
const ASYNC_RETRIES = 2;
/** A call that could not be made for so long is late enough to be looked at. */
const ASYNC_AGE_SECONDS_MAX = 3_600;
export const METRICS_NAMESPACE = "Tidemark";

export class StageFunction extends Construct {
  readonly stage: StageName;
  readonly lambda: LambdaFunction;
  /** Calls that failed for good; absent where the caller waits for the answer. */
  readonly deadLetters: Queue | undefined;

  constructor(scope: Construct, id: string, props: StageFunctionProps) {
    super(scope, id);
    const { stage, options } = props;
    const name = `${options.name}-${stage}`;
    this.stage = stage;
    this.deadLetters = props.asynchronous ? createDeadLetters(this, "DeadLetters") : undefined;
    const logGroup = new LogGroup(this, "Log", {
      logGroupName: `/aws/lambda/${name}`,
      retention: options.retentionDays.logs,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = createRole(this, "Role", {
      service: "lambda",
      description: `Tidemark: ${stage}`,
      grants: [...runtimeGrants(name), ...props.grants, ...(this.deadLetters ? [deadLetterGrant(this.deadLetters)] : [])],
    });
    this.lambda = new LambdaFunction(this, "Function", {
      functionName: name,
      description: props.description,
      code: Code.fromAsset(props.bundles[stage]),
      handler: "index.handler",
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      timeout: props.timeout,
      memorySize: props.memory,
      tracing: Tracing.ACTIVE,
      logGroup,
      role: role.withoutPolicyUpdates(),
      environment: {
        POWERTOOLS_SERVICE_NAME: name,
        POWERTOOLS_METRICS_NAMESPACE: METRICS_NAMESPACE,
        ...props.environment,
      },
    });
    this.lambda.node.addDependency(role);
    if (this.deadLetters) {
      new CfnEventInvokeConfig(this, "Retries", {
        functionName: this.lambda.functionName,
        qualifier: "$LATEST",
        maximumRetryAttempts: ASYNC_RETRIES,
        maximumEventAgeInSeconds: ASYNC_AGE_SECONDS_MAX,
        destinationConfig: { onFailure: { destination: this.deadLetters.queueArn } },
      });
    }
  }
}

const runtimeGrants = (functionName: string): readonly Grant[] => [
  {
    sid: "OwnLog",
    why: "Lambda names the streams of the function's own log group by date and instance.",
    actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
    resources: [arnOf("logs", `log-group:/aws/lambda/${functionName}:log-stream:*`)],
  },
  {
    sid: "Traces",
    why: "X-Ray knows no resources for these two actions: they take a star and nothing else.",
    actions: ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
    resources: ["*"],
  },
];

const deadLetterGrant = (queue: Queue): Grant => ({
  sid: "OwnDeadLetters",
  why: "Lambda puts calls that failed for good there, with the function's own role.",
  actions: ["sqs:SendMessage"],
  resources: [queue.queueArn],
});
