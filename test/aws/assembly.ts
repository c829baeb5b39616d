// The functions of the synthesized assembly: the very folders that a deploy would upload, and their environment.
// Values that only CloudFormation knows (names, ARNs) are left for the deployment to fill in.
import { join } from "node:path";
import type { StageName } from "../../infra/bundle.ts";
import { synthesize } from "../infra/support.ts";

export interface AssemblyFunction {
  readonly folder: string;
  /** Variables with a literal value in the template. */
  readonly environment: Readonly<Record<string, string>>;
  /** Names of the variables that refer to other resources. */
  readonly references: readonly string[];
}

/** Slack is a switch, so it is switched on: every function is in the assembly. */
export function assemblyFunctions(): (stage: StageName) => AssemblyFunction {
  const { resources, folder } = synthesize({ slack: { enabled: true } });
  const functions = Object.values(resources).filter(({ Type }) => Type === "AWS::Lambda::Function");
  return (stage) => {
    const found = functions.find(({ Properties }) => Properties.FunctionName === `tidemark-${stage}`);
    if (found === undefined) throw new Error(`the assembly has no function tidemark-${stage}`);
    const { Code, Environment } = found.Properties;
    const variables = Object.entries<unknown>(Environment.Variables);
    return {
      folder: join(folder, `asset.${String(Code.S3Key).replace(/\.zip$/, "")}`),
      environment: Object.fromEntries(variables.filter((entry): entry is [string, string] => typeof entry[1] === "string")),
      references: variables.filter(([, value]) => typeof value !== "string").map(([name]) => name),
    };
  };
}
