// Finds the options of a deploy: a JSON file named on the command line or in the context, or the context itself (cdk.json).
// What they may be is options.ts's.
import { readFileSync } from "node:fs";
import type { App } from "aws-cdk-lib";
import { type Options, parseOptions } from "./options.ts";

/**
 * In this order: the file named as argument of plain node (`npm run synth -- options.json`), the file of
 * `cdk deploy -c options=options.json`, the object `tidemark` in the context of cdk.json. Throws with every problem at once.
 */
export function readOptions(app: App, argumentFile: string | undefined): Options {
  const file = argumentFile ?? app.node.tryGetContext("options");
  const source = file === undefined ? "context.tidemark of cdk.json" : String(file);
  const input: unknown = file === undefined ? (app.node.tryGetContext("tidemark") ?? {}) : readJson(source);
  const options = parseOptions(input);
  if (!options.ok) throw new Error([`${source} has ${options.error.length} problem(s):`, ...options.error].join("\n  "));
  return options.value;
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(`cannot read the options from ${path}`, { cause: error });
  }
}
