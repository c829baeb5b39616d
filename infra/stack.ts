// Tidemark on AWS, read from top to bottom as data flows: keys and buckets, arrival, conversion, the lake's tables, questions,
// analysis, people, and the watch over all of it. Each stage is one construct; what is inside is theirs.
import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { metricsOf } from "./parts/metrics.ts";
import type { FunctionContext } from "./parts/stage-function.ts";
import { Alarms } from "./stages/alarms.ts";
import { Analysis } from "./stages/analysis.ts";
import { Arrival } from "./stages/arrival.ts";
import { Buckets } from "./stages/buckets.ts";
import { Catalogue } from "./stages/catalogue.ts";
import { Chatbot } from "./stages/chatbot.ts";
import { CollectorEndpoint } from "./stages/collector-endpoint.ts";
import { Conversion } from "./stages/conversion.ts";
import { Dashboards } from "./stages/dashboards.ts";
import { EncryptionKey } from "./stages/key.ts";
import { Questions } from "./stages/questions.ts";
import { Slack } from "./stages/slack.ts";
import { Topics } from "./stages/topics.ts";

export interface TidemarkStackProps extends StackProps, FunctionContext {}

export class TidemarkStack extends Stack {
  constructor(scope: Construct, id: string, { options, bundles, ...stackProps }: TidemarkStackProps) {
    super(scope, id, {
      description: "Tidemark: finds, explains and cures heap fragmentation across a fleet",
      terminationProtection: options.terminationProtection,
      ...stackProps,
    });
    const context = { options, bundles };

    const { key } = new EncryptionKey(this, "Encryption", options);
    const buckets = new Buckets(this, "Buckets", { options, key });

    const arrival = new Arrival(this, "Arrival", { options, raw: buckets.raw, key });
    if (options.collectorEndpoint) {
      new CollectorEndpoint(this, "CollectorEndpoint", { endpoint: options.collectorEndpoint, stream: arrival.stream });
    }
    const conversion = new Conversion(this, "Conversion", { ...context, buckets, key });

    const catalogue = new Catalogue(this, "Catalogue", { options, lake: buckets.lake });
    const questions = new Questions(this, "Questions", { options, buckets, catalogue, key });

    const topics = new Topics(this, "Topics", { options, key });
    const analysis = new Analysis(this, "Analysis", { ...context, buckets, questions, topics });
    const slack = options.slack.enabled ? new Slack(this, "Slack", { ...context, topics, key }) : undefined;
    if (options.chatbot) new Chatbot(this, "Chatbot", { options, channel: options.chatbot, topics });

    const asynchronous = [
      analysis.rollup,
      analysis.detect,
      analysis.report,
      analysis.review,
      ...(slack ? [slack.function] : []),
    ];
    const deadLetters = Object.fromEntries([
      ["convert", conversion.deadLetters] as const,
      ...asynchronous.flatMap(({ stage, deadLetters: queue }) => (queue ? [[stage, queue] as const] : [])),
    ]);
    const watched = {
      options,
      metrics: metricsOf(options.name),
      functions: [conversion.function, ...asynchronous],
      convertQueue: conversion.queue,
      deadLetters,
    };
    const { alarms } = new Alarms(this, "Alarms", { ...watched, topics });
    new Dashboards(this, "Dashboards", {
      ...watched,
      alarms,
      buckets: { raw: buckets.raw, lake: buckets.lake, results: buckets.results },
    });

    this.#output({
      CollectorPolicyArn: ["Attach it to the role of every watched host", arrival.collectorPolicy.managedPolicyArn],
      StreamName: ["TIDEMARK_FIREHOSE_STREAM of the collectors", arrival.streamName],
      RawBucketName: ["Raw objects", buckets.raw.bucketName],
      LakeBucketName: ["Parquet, rejects and reports", buckets.lake.bucketName],
      ResultsBucketName: ["Results of queries", buckets.results.bucketName],
      KeyArn: ["The key of all of it", key.keyArn],
      DatabaseName: ["Glue database", catalogue.databaseName],
      WorkgroupName: ["Athena workgroup", questions.workgroupName],
      AlertsTopicArn: ["Alerts, by service, severity and cause", topics.alerts.topicArn],
      ReportsTopicArn: ["Weekly reports and reviews", topics.reports.topicArn],
      OperationsTopicArn: ["Alarms on Tidemark itself", topics.operations.topicArn],
      ConvertQueueUrl: ["Announcements of raw objects", conversion.queue.queueUrl],
      ConvertDeadLettersArn: ["Announcements that failed for good", conversion.deadLetters.queueArn],
      ReviewFunctionName: ["aws lambda invoke", analysis.review.lambda.functionName],
      ...(slack && { SlackSecretArn: ["Put the webhook's URL in it", slack.secret.secretArn] }),
    });
  }

  #output(outputs: Readonly<Record<string, readonly [description: string, value: string]>>): void {
    for (const [name, [description, value]] of Object.entries(outputs)) new CfnOutput(this, name, { description, value });
  }
}
