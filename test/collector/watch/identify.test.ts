// Real processes by what their environment says, and a name that ECS tells only later.
import { deepEqual, equal } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, test } from "node:test";
import { createEcsNames, type EcsNames } from "../../../collector/identity/ecs.ts";
import { identify, isStill, type ProcessIdentity } from "../../../collector/watch/identify.ts";
import { container, ecsAgent } from "../../aws/ecs-metadata.ts";
import { startLoopback } from "../../aws/imds.ts";

const boot = { boot_id: "11111111-2222", bootedAtMs: 0, ticksPerSecond: 100 };
const started: ChildProcess[] = [];
after(() => {
  for (const child of started) child.kill("SIGKILL");
});

/** Runs once it has written: exec is over then, and the environment is its own. */
async function processWith(env: Readonly<Record<string, string>>): Promise<number> {
  const child = spawn("sh", ["-c", "echo ready; read line"], { env, stdio: ["pipe", "pipe", "ignore"] });
  started.push(child);
  await once(child.stdout, "data");
  if (child.pid === undefined) throw new Error("sh did not start");
  return child.pid;
}

function identityOf(pid: number, ecs?: EcsNames): ProcessIdentity {
  const identity = identify(pid, boot, ecs);
  if (!identity.ok || identity.value === null) throw new Error(JSON.stringify(identity));
  return identity.value;
}

const names = ({ service, service_version, environment, service_source }: ProcessIdentity) => [
  service,
  service_version,
  environment,
  service_source,
];

test("a process is who its own environment says, not who ours does", async () => {
  process.env["TIDEMARK_SERVICE"] = "not-this-one";
  const pid = await processWith({ TIDEMARK_SERVICE: "cart", TIDEMARK_SERVICE_VERSION: "3", TIDEMARK_ENVIRONMENT: "prod" });
  deepEqual(names(identityOf(pid)), ["cart", "3", "prod", "tidemark"]);
});

test("what ECS tells after the first look makes the process met anew, once", async () => {
  await using agent = await startLoopback(ecsAgent({ one: container }));
  const ecs = createEcsNames({ nowMs: () => 0, origin: agent.url });
  const pid = await processWith({ ECS_CONTAINER_METADATA_URI_V4: `${agent.url}/v4/one` });
  const first = identityOf(pid, ecs);
  equal(first.service_source === "ecs", false);
  deepEqual(isStill(first, ecs), { ok: true, value: true });
  await ecs.settled();
  deepEqual(isStill(first, ecs), { ok: true, value: false });
  const second = identityOf(pid, ecs);
  deepEqual(names(second), ["curltest/curl", "24", null, "ecs"]);
  deepEqual(isStill(second, ecs), { ok: true, value: true });
  equal(agent.calls.length, 1);
});

test("an address of anywhere else in a process's environment is never asked", async () => {
  await using elsewhere = await startLoopback(ecsAgent({ one: container }));
  const ecs = createEcsNames({
    nowMs: () => 0,
    ask: () => {
      throw new Error("asked");
    },
  });
  const pid = await processWith({ ECS_CONTAINER_METADATA_URI_V4: `${elsewhere.url}/v4/one` });
  equal(identityOf(pid, ecs).service_source === "ecs", false);
  await ecs.settled();
  deepEqual(elsewhere.calls, []);
});
