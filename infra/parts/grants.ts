// Roles made of explicit statements: each names its actions, its resources and why it is needed. No grant* helper is used,
// because theirs are wider than any stage needs. Which stage gets which is the stages' own.
import { Aws, Stack, Validations } from "aws-cdk-lib";
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { Construct } from "constructs";

export interface Grant {
  /** Statement id. */
  readonly sid: string;
  /** Why it is needed; where a resource ends in a wildcard also why it may. */
  readonly why: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface RoleProps {
  /** Service that takes the role, as `lambda`. */
  readonly service: string;
  readonly description: string;
  readonly grants: readonly Grant[];
  /** The condition by which the service says for whose account it acts: without it a stranger could make it a deputy. */
  readonly ownAccountBy?: "aws:SourceAccount" | "sts:ExternalId";
}

export function createRole(scope: Construct, id: string, { service, description, grants, ownAccountBy }: RoleProps): Role {
  const principal = new ServicePrincipal(`${service}.amazonaws.com`);
  const role = new Role(scope, id, {
    description,
    assumedBy: ownAccountBy ? principal.withConditions({ StringEquals: { [ownAccountBy]: Aws.ACCOUNT_ID } }) : principal,
    inlinePolicies: grants.length > 0 ? { grants: policyDocument(grants) } : {},
  });
  acknowledgeWildcards(role, grants);
  return role;
}

/** Statements stay apart, so that each keeps its name in the template. */
export const policyDocument = (grants: readonly Grant[]) =>
  new PolicyDocument({
    minimize: false,
    statements: grants.map(
      ({ sid, actions, resources, conditions }) =>
        new PolicyStatement({ sid, actions: [...actions], resources: [...resources], ...(conditions && { conditions }) }),
    ),
  });

/** A wildcard within a resource is acknowledged with the reason of its own grant; a wildcard in an action never is. */
function acknowledgeWildcards(role: Role, grants: readonly Grant[]): void {
  for (const { resources, why } of grants) {
    for (const resource of resources) {
      const text = flatten(Stack.of(role).resolve(resource));
      if (text.includes("*")) Validations.of(role).acknowledge({ id: `AwsSolutions-IAM5[Resource::${text}]`, reason: why });
    }
  }
}

/** A resource as cdk-nag names it in its findings: references in angle brackets. */
function flatten(value: unknown): string {
  if (typeof value === "string") return value.replaceAll("${", "<").replaceAll("}", ">");
  const [kind, content] = Object.entries(value as Record<string, unknown>)[0] ?? [];
  if (kind === "Ref") return `<${content}>`;
  if (kind === "Fn::GetAtt") return `<${(content as string[]).join(".")}>`;
  if (kind === "Fn::Join") {
    const [separator, parts] = content as [string, unknown[]];
    return parts.map(flatten).join(separator);
  }
  return JSON.stringify(value);
}

/** Leave to use a key, but only through one service: the key opens nothing else that it locks. */
export const keyGrant = (key: IKey, service: "s3" | "sns" | "secretsmanager"): Grant => ({
  sid: `KeyThrough${service[0]?.toUpperCase()}${service.slice(1)}`,
  why: `What ${service} holds is encrypted with this key.`,
  actions: service === "secretsmanager" ? ["kms:Decrypt"] : ["kms:Decrypt", "kms:GenerateDataKey"],
  resources: [key.keyArn],
  conditions: { StringEquals: { "kms:ViaService": `${service}.${Aws.REGION}.${Aws.URL_SUFFIX}` } },
});

/** ARN of a resource in the account and region of the deploy. */
export const arnOf = (service: string, resource: string) =>
  `arn:${Aws.PARTITION}:${service}:${Aws.REGION}:${Aws.ACCOUNT_ID}:${resource}`;
