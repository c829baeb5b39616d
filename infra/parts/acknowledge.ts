// Rules of cdk-nag that are looked at and not followed, each with its reason beside the resource.
// Wildcards of roles are acknowledged in grants.ts, from the reasons of their statements.
import { Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

export function acknowledge(scope: IConstruct, reasons: Readonly<Record<string, string>>): void {
  for (const [id, reason] of Object.entries(reasons)) Validations.of(scope).acknowledge({ id, reason });
}
