// Runs a bundled function in a process of its own, with the environment that Lambda and infra give it and nothing more.
// One invocation at a time, as in one execution environment. What calls it is left to the tests.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface LambdaOptions {
  readonly name: string;
  /** Folder with index.mjs, as infra bundles it. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface Lambda {
  /** The handler's result; rejects with what it threw. */
  invoke(event: unknown): Promise<unknown>;
  readonly importMs: number;
  /** Lines of standard output and error so far. */
  readonly output: readonly string[];
  /** Values of a metric in the order in which they were written (EMF). */
  metric(name: string): readonly number[];
  readonly pid: number;
  stop(): Promise<void>;
}

type Answer =
  | { readonly kind: "ready"; readonly importMs: number }
  | { readonly kind: "done"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failed"; readonly id: number; readonly error: string };

const child = fileURLToPath(new URL("lambda-child.ts", import.meta.url));
const TIMEOUT_MS = 60_000;

/** Rejects with the output when the bundle cannot be loaded: a setting is missing, or a module. */
export async function startLambda({ name, folder, environment, timeoutMs = TIMEOUT_MS }: LambdaOptions): Promise<Lambda> {
  const output: string[] = [];
  const process_ = spawn(process.execPath, [child, join(folder, "index.mjs")], {
    env: {
      ...runtimeEnvironment(name),
      ...environment,
    },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  for (const stream of [process_.stdout, process_.stderr]) collectLines(stream, output);
  const waiting = new Map<number, (answer: Answer) => void>();
  const ready = Promise.withResolvers<number>();
  process_.on("message", (answer: Answer) => {
    if (answer.kind === "ready") ready.resolve(answer.importMs);
    else waiting.get(answer.id)?.(answer);
  });
  const ended = once(process_, "exit").then(([code]) => {
    ready.reject(new Error(`${name} ended with ${code}: ${output.join("\n")}`));
    for (const [id, answer] of waiting) answer({ kind: "failed", id, error: `ended with ${code}: ${output.at(-1)}` });
  });
  const importMs = await ready.promise;
  let last: Promise<unknown> = Promise.resolve();
  let count = 0;

  async function invokeNow(event: unknown): Promise<unknown> {
    const id = count++;
    const answer = await new Promise<Answer>((resolve) => {
      waiting.set(id, resolve);
      process_.send({ id, event, timeoutMs }, (error) => {
        if (error !== null) resolve({ kind: "failed", id, error: `not reached: ${error.message}` });
      });
    });
    waiting.delete(id);
    if (answer.kind === "failed") throw new Error(`${name}: ${answer.error}`);
    return answer.kind === "done" ? answer.value : null;
  }

  return {
    importMs,
    output,
    pid: process_.pid ?? 0,
    invoke(event) {
      const result = last.then(() => invokeNow(event));
      last = result.catch(() => undefined);
      return result;
    },
    metric: (metricName) => output.flatMap((line) => metricValues(line, metricName)),
    async stop() {
      process_.kill("SIGTERM");
      await ended;
    },
  };
}

/** Nothing of the tester's own environment: neither credentials nor a setting that the deployment would lack. */
const runtimeEnvironment = (name: string) => ({
  PATH: process.env["PATH"] ?? "",
  TZ: ":UTC",
  AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
  AWS_LAMBDA_FUNCTION_NAME: `tidemark-${name}`,
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "512",
  LAMBDA_TASK_ROOT: "/var/task",
  _X_AMZN_TRACE_ID: "Root=1-67a1b2c3-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=1",
  // Port 9 is discard: traces leave by UDP and nobody answers.
  AWS_XRAY_DAEMON_ADDRESS: "127.0.0.1:9",
  POWERTOOLS_SERVICE_NAME: name,
  POWERTOOLS_METRICS_NAMESPACE: "Tidemark",
});

function collectLines(stream: ChildProcess["stdout"], lines: string[]): void {
  let rest = "";
  stream?.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts);
  });
}

function metricValues(line: string, name: string): readonly number[] {
  if (!line.startsWith("{") || !line.includes('"_aws"')) return [];
  const value = (JSON.parse(line) as Record<string, number | number[] | undefined>)[name];
  return value === undefined ? [] : [value].flat();
}
