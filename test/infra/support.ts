// Synthesizes the stack for tests and gives its parts as plain values: resources by type, statements, resources' names.
// What must hold is said in the tests beside it.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lambdaEntries } from "../../infra/bundle.ts";
import { createApp } from "../../infra/create-app.ts";
import { parseOptions } from "../../infra/options.ts";

export interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a template is read as the JSON that CloudFormation gets.
  readonly Properties: any;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

export interface Statement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Principal?: unknown;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

export interface Synthesis {
  readonly resources: Readonly<Record<string, Resource>>;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly templateText: string;
  /** Findings of cdk-nag and of CloudFormation's validator that nobody acknowledged. */
  readonly findings: readonly string[];
  readonly folder: string;
}

/** Every switch on, so that everything that can be deployed is there. */
export const everything = {
  slack: { enabled: true },
  chatbot: { workspaceId: "T0123ABCD", channelId: "C0123ABCD" },
  collectorEndpoint: { vpcId: "vpc-0123abcd", subnetIds: ["subnet-0123abcd"], clientCidrs: ["10.0.0.0/8"] },
  audiences: {
    alerts: [
      { email: "checkout@example.com", services: ["checkout"], severities: ["act", "growing"] },
      { email: "sre@example.com" },
    ],
    reports: ["sre@example.com"],
    operations: ["sre@example.com"],
  },
} as const satisfies object;

/** Throws as a deploy would: on findings and on bad options. */
export function synthesize(input: unknown): Synthesis {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-synth-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const { app } = createApp({ outdir: folder, entries: lambdaEntries, readOptions: () => checked(input) });
  app.synth();
  const templateText = readFileSync(join(folder, "Tidemark.template.json"), "utf8");
  const template = JSON.parse(templateText);
  const report = JSON.parse(readFileSync(join(folder, "validation-report.json"), "utf8"));
  const findings = report.pluginReports.flatMap(({ violations }: { violations: { ruleName: string }[] }) =>
    violations.map(({ ruleName }) => ruleName),
  );
  return { resources: template.Resources, outputs: template.Outputs, templateText, findings, folder };
}

export function checked(input: unknown) {
  const options = parseOptions(input);
  if (!options.ok) throw new Error(options.error.join("\n"));
  return options.value;
}

export const ofType = ({ resources }: Synthesis, type: string): readonly (readonly [id: string, resource: Resource])[] =>
  Object.entries(resources).filter(([, resource]) => resource.Type === type);

/** The one resource of its type; throws when there are more or none. */
export function only(synthesis: Synthesis, type: string): Resource {
  const found = ofType(synthesis, type);
  if (found.length !== 1) throw new Error(`${found.length} resources of type ${type}`);
  return (found[0] as readonly [string, Resource])[1];
}

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);

/** References in angle brackets, pseudo parameters by their last word: `arn:<Partition>:glue:<Region>:...`. */
export function flatten(value: unknown): string {
  if (typeof value === "string") return value;
  const [kind, content] = Object.entries(value as object)[0] ?? [];
  if (kind === "Ref") return `<${String(content).replace("AWS::", "")}>`;
  if (kind === "Fn::GetAtt") return `<${(content as string[]).join(".")}>`;
  if (kind === "Fn::Join") return (content as [string, unknown[]])[1].map(flatten).join((content as [string])[0]);
  return JSON.stringify(value);
}

/** Statements of the inline policies of every role, by logical id of the role. */
export const roleStatements = (synthesis: Synthesis): readonly (readonly [role: string, statements: readonly Statement[]])[] =>
  ofType(synthesis, "AWS::IAM::Role").map(([id, { Properties }]) => [
    id,
    (Properties.Policies ?? []).flatMap(
      ({ PolicyDocument }: { PolicyDocument: { Statement: Statement[] } }) => PolicyDocument.Statement,
    ),
  ]);

/** Whether this run writes the committed snapshots instead of comparing with them. */
export const updatesSnapshots = process.env["TIDEMARK_UPDATE_SNAPSHOTS"] === "1";
export const HOW_TO_UPDATE =
  'if this is meant: TIDEMARK_UPDATE_SNAPSHOTS=1 node local/bootstrap.mjs --test "test/infra/*.test.ts"';
