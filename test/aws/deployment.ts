// A Tidemark that is deployed to the loopback AWS: buckets, stream, queue, topics, database, and the bundled functions.
// The functions are those of the synthesized assembly. Their wiring is done by hand; that infra wires the same is for
// test/infra to show.
import type { StageName } from "../../infra/bundle.ts";
import { RAW_PREFIX } from "../../schema/keys.ts";
import { assemblyFunctions } from "./assembly.ts";
import { type AwsEndpoint, startAws } from "./endpoint.ts";
import { announceObjects } from "./event-source.ts";
import { type Lambda, startLambda } from "./lambda.ts";

export const names = {
  raw: "tidemark-raw",
  lake: "tidemark-lake",
  stream: "tidemark-samples",
  queue: "tidemark-convert",
  deadLetters: "tidemark-convert-dead",
  workgroup: "tidemark",
  database: "tidemark",
} as const;

export interface Deployment extends AsyncDisposable {
  readonly aws: AwsEndpoint;
  readonly alertsArn: string;
  readonly reportsArn: string;
  /** A function with the contract's environment; `settings` are added or replace. Stopped with the deployment. */
  lambda(stage: StageName, settings?: Readonly<Record<string, string>>): Promise<Lambda>;
}

export interface DeploymentOptions {
  readonly webhookUrl?: string;
  readonly bufferMs?: number;
}

export async function deploy({ webhookUrl, bufferMs = 500 }: DeploymentOptions = {}): Promise<Deployment> {
  // Synthesized first: code that does not bundle must fail the test, not leave a server behind.
  const functionOf = assemblyFunctions();
  const aws = await startAws();
  for (const bucket of [names.raw, names.lake]) aws.s3.createBucket(bucket);
  aws.firehose.createStream({ name: names.stream, bucket: names.raw, bufferMs });
  aws.sqs.createQueue({ name: names.deadLetters });
  aws.sqs.createQueue({ name: names.queue, deadLetters: { queue: names.deadLetters, receivesMax: 5 } });
  announceObjects(aws, names.raw, RAW_PREFIX, names.queue);
  aws.athena.createWorkgroup(names.workgroup);
  aws.athena.createDatabase(names.database, names.lake);
  const alertsArn = aws.sns.createTopic("tidemark-alerts");
  const reportsArn = aws.sns.createTopic("tidemark-reports");
  const secretArn = aws.secrets.put("slack", webhookUrl ?? "https://hooks.slack.invalid/services/x");
  const settings = {
    TIDEMARK_RAW_BUCKET: names.raw,
    TIDEMARK_LAKE_BUCKET: names.lake,
    TIDEMARK_WORKGROUP: names.workgroup,
    TIDEMARK_DATABASE: names.database,
    TIDEMARK_ALERTS_TOPIC_ARN: alertsArn,
    TIDEMARK_REPORTS_TOPIC_ARN: reportsArn,
    TIDEMARK_SLACK_SECRET_ARN: secretArn,
  };
  const running: Lambda[] = [];
  return {
    aws,
    alertsArn,
    reportsArn,
    async lambda(stage, more = {}) {
      const { folder, environment, references } = functionOf(stage);
      const unset = references.find((name) => !Object.hasOwn(settings, name));
      if (unset !== undefined)
        throw new Error(`the assembly gives tidemark-${stage} ${unset}, which this deployment does not have`);
      const given = Object.fromEntries(Object.entries(settings).filter(([name]) => references.includes(name)));
      const lambda = await startLambda({
        name: stage,
        folder,
        environment: { ...environment, ...aws.environment, ...given, ...more },
      });
      running.push(lambda);
      return lambda;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(running.map((lambda) => lambda.stop()));
      await aws.close();
    },
  };
}
