// Synthesizes the deployment into cdk.out: started by the cdk command (cdk.json) or by `npm run synth`, with plain node.
// Options are read by read-options.ts, the stack is stack.ts's, and deploying is the cdk command's.
import { dirname, join } from "node:path";
import { argv, env } from "node:process";
import { lambdaEntries } from "./bundle.ts";
import { createApp } from "./create-app.ts";
import { readOptions } from "./read-options.ts";

const { app } = createApp({
  // The cdk command says where; it is also where it looks afterwards.
  outdir: env["CDK_OUTDIR"] ?? join(dirname(import.meta.dirname), "cdk.out"),
  entries: lambdaEntries,
  readOptions: (scope) => readOptions(scope, argv[2]),
});
const assembly = app.synth();
if (env["CDK_OUTDIR"] === undefined) {
  for (const { stackName, template } of assembly.stacks) {
    const count = Object.keys(template.Resources).length;
    process.stdout.write(
      `${stackName}: ${count} resources, no open finding, in ${assembly.directory}; deploy with npx cdk deploy\n`,
    );
  }
}
