// The inside of a Lambda for tests: loads one bundle and runs its handler on the events that the parent sends.
// Standard output is left to the handler, whose logs and metrics go there, as on Lambda.
import { pathToFileURL } from "node:url";

interface Invoke {
  readonly id: number;
  readonly event: unknown;
  readonly timeoutMs: number;
}

const [bundle = ""] = process.argv.slice(2);
const startedMs = performance.now();
const { handler } = (await import(pathToFileURL(bundle).href)) as {
  handler: (event: unknown, context: object) => Promise<unknown>;
};
process.send?.({ kind: "ready", importMs: performance.now() - startedMs });

process.on("message", async ({ id, event, timeoutMs }: Invoke) => {
  const endMs = performance.now() + timeoutMs;
  const functionName = process.env["AWS_LAMBDA_FUNCTION_NAME"] ?? "";
  const context = {
    functionName,
    functionVersion: "$LATEST",
    memoryLimitInMB: "512",
    awsRequestId: `request-${id}`,
    invokedFunctionArn: `arn:aws:lambda:us-east-1:123456789012:function:${functionName}`,
    getRemainingTimeInMillis: () => Math.max(0, endMs - performance.now()),
  };
  try {
    process.send?.({ kind: "done", id, value: await handler(event, context) });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    process.send?.({ kind: "failed", id, error: `${name}: ${message}` });
  }
});
