// A function as Lambda keeps it: an execution environment that dies is replaced with the next invocation.
// Which stage it runs is the caller's.
import type { StageName } from "../../infra/bundle.ts";
import type { Deployment } from "../aws/deployment.ts";
import type { Lambda } from "../aws/lambda.ts";
import { statusBytes } from "../bench/collector/tree.ts";

export interface Standing extends Lambda {
  /** kill -9 of the environment. */
  kill(): void;
  /** Most memory that any of its environments has had resident, as far as they have been asked. */
  rssBytesMax(): number;
}

export async function standingLambda(
  deployment: Deployment,
  stage: StageName,
  settings: Readonly<Record<string, string>> = {},
): Promise<Standing> {
  let current = await deployment.lambda(stage, settings);
  let isDead = false;
  let starting: Promise<void> | null = null;
  let rssBytesMax = 0;
  const look = () => {
    if (!isDead) rssBytesMax = Math.max(rssBytesMax, statusBytes(current.pid, "VmHWM"));
  };
  async function start(): Promise<void> {
    current = await deployment.lambda(stage, settings);
    isDead = false;
    starting = null;
  }
  return {
    get importMs() {
      return current.importMs;
    },
    get output() {
      return current.output;
    },
    get pid() {
      return current.pid;
    },
    metric: (name) => current.metric(name),
    stop: () => current.stop(),
    async invoke(event) {
      if (isDead) {
        starting ??= start();
        await starting;
      }
      const invoked = current;
      return invoked.invoke(event).finally(() => invoked === current && look());
    },
    kill() {
      if (isDead) return;
      look();
      isDead = true;
      process.kill(current.pid, "SIGKILL");
    },
    rssBytesMax() {
      look();
      return rssBytesMax;
    },
  };
}
