// The CDK app with its checks: recommended feature flags, cdk-nag's AwsSolutions and CloudFormation's own validator.
// A finding of either that nobody has acknowledged with a reason ends the synthesis; what is built is stack.ts's.
import { createRequire } from "node:module";
import { join } from "node:path";
import { App, type AppProps, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { bundleFunctions } from "./bundle.ts";
import type { Options } from "./options.ts";
import { TidemarkStack } from "./stack.ts";

export interface TidemarkAppProps {
  readonly outdir: string;
  /** Folder of the Lambda entries. */
  readonly entries: string;
  readonly readOptions: (app: App) => Options;
  /** Over the recommended feature flags. */
  readonly context?: AppProps["context"];
}

/** Without cdk.json (plain node) nobody else would set them, and with it they are the same. */
const featureFlags: Readonly<Record<string, unknown>> = createRequire(import.meta.url)(
  "aws-cdk-lib/recommended-feature-flags.json",
);

export function createApp({ outdir, entries, readOptions, context }: TidemarkAppProps): {
  readonly app: App;
  readonly stack: TidemarkStack;
} {
  const app = new App({
    outdir,
    // The template says what is deployed and not who made it, so that the same source gives the same text.
    analyticsReporting: false,
    context: { ...featureFlags, ...context },
  });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { verbose: true }));
  const options = readOptions(app);
  const bundles = bundleFunctions({ entries, out: join(outdir, "bundles") });
  const stack = new TidemarkStack(app, "Tidemark", { stackName: options.name, options, bundles });
  return { app, stack };
}
