// Who hears: a topic for alerts, one for reports and one for Tidemark's own alarms, encrypted, and the e-mail subscriptions.
// Messages carry service, severity and cause as attributes; what they say is functions/core/messages.ts's.
import { Aws } from "aws-cdk-lib";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { CfnSubscription, Topic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import type { Options } from "../options.ts";
import { type Grant, keyGrant } from "../parts/grants.ts";

export interface TopicsProps {
  readonly options: Options;
  readonly key: IKey;
}

type Filter = Readonly<Record<string, readonly string[]>>;

export class Topics extends Construct {
  readonly alerts: Topic;
  readonly reports: Topic;
  /** Alarms on Tidemark itself: service owners need not hear of them. */
  readonly operations: Topic;
  readonly #key: IKey;

  constructor(scope: Construct, id: string, { options, key }: TopicsProps) {
    super(scope, id);
    this.#key = key;
    const create = (topicId: string, displayName: string) =>
      new Topic(this, topicId, { displayName, masterKey: key, enforceSSL: true });
    this.alerts = create("Alerts", "Tidemark alerts");
    this.reports = create("Reports", "Tidemark reports");
    this.operations = create("Operations", "Tidemark's own alarms");
    this.operations.addToResourcePolicy(
      new PolicyStatement({
        sid: "Alarms",
        principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
        actions: ["sns:Publish"],
        resources: [this.operations.topicArn],
        conditions: { StringEquals: { "aws:SourceAccount": Aws.ACCOUNT_ID } },
      }),
    );
    const { audiences } = options;
    for (const { email, services, severities } of audiences.alerts) {
      subscribe(this.alerts, email, {
        ...(services.length > 0 && { service: services }),
        ...(severities.length > 0 && { severity: severities }),
      });
    }
    for (const email of audiences.reports) subscribe(this.reports, email, {});
    for (const email of audiences.operations) subscribe(this.operations, email, {});
  }

  /** What a function needs to publish to one of the topics. */
  publishGrants(topic: Topic): readonly Grant[] {
    const publish = { sid: "Publish", why: "It tells people.", actions: ["sns:Publish"], resources: [topic.topicArn] };
    return [publish, keyGrant(this.#key, "sns")];
  }
}

/** The same address may want several things, each by its own filter, so both make the subscription's name. */
function subscribe(topic: Topic, email: string, filter: Filter): void {
  const filtered = Object.keys(filter).length > 0;
  new CfnSubscription(topic, `Email-${email}${filtered ? `-${JSON.stringify(filter)}` : ""}`.replaceAll("/", "|"), {
    topicArn: topic.topicArn,
    protocol: "email",
    endpoint: email,
    ...(filtered && { filterPolicy: filter, filterPolicyScope: "MessageAttributes" }),
  });
}
