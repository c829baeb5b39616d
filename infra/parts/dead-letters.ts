// Queues for what failed for good: it waits there, encrypted, until somebody has looked and sends it again.
// Who puts something in is said by each stage; the alarm on their depth is stages/alarms.ts's.
import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";

/** The longest that SQS keeps a message: a long weekend must not lose what failed before it. */
const KEPT = Duration.days(14);

export function createDeadLetters(scope: Construct, id: string): Queue {
  const queue = new Queue(scope, id, {
    retentionPeriod: KEPT,
    // SQS's own key: the messages name objects and hours, and EventBridge and SNS need no leave to use it.
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  acknowledge(queue, { "AwsSolutions-SQS3": "This is a dead-letter queue itself." });
  return queue;
}
