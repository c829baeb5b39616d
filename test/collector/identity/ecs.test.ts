// Names that ECS gives to containers: whose address is asked, how often, and what is made of the answers.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { ASK_AGAIN_MS, containerOf, createEcsNames, ECS_ORIGIN, isContainerUri } from "../../../collector/identity/ecs.ts";
import { container, ecsAgent } from "../../aws/ecs-metadata.ts";
import { startLoopback } from "../../aws/imds.ts";

const ID = "0206b271-b33f-47ab-86c6-a0ba208a70a9";

test("only the agent's address is asked, and there only for a container", () => {
  for (const [uri, isAsked] of [
    [`${ECS_ORIGIN}/v4/${ID}`, true],
    [`${ECS_ORIGIN}/v4/cd189a933e5849daa93386466019ab50-2495160603`, true],
    [`${ECS_ORIGIN}/v2/credentials/${ID}`, false],
    [`${ECS_ORIGIN}/v4/../v2/credentials/${ID}`, false],
    [`${ECS_ORIGIN}/v4/${ID}/task`, false],
    [`${ECS_ORIGIN}/v4/${ID}?x=1`, false],
    [`${ECS_ORIGIN}/v4/${ID}\n`, false],
    [`${ECS_ORIGIN}/v4/${ID}#x`, false],
    [`${ECS_ORIGIN}/v4/`, false],
    [`${ECS_ORIGIN}/v4/${"a".repeat(129)}`, false],
    [`${ECS_ORIGIN}:8080/v4/${ID}`, false],
    [`${ECS_ORIGIN}@evil.example/v4/${ID}`, false],
    [`${ECS_ORIGIN}.evil.example/v4/${ID}`, false],
    [`https://169.254.170.2/v4/${ID}`, false],
    [`http://169.254.169.254/v4/${ID}`, false],
    [`http://127.0.0.1/v4/${ID}`, false],
    [`http://user@169.254.170.2/v4/${ID}`, false],
    [`file:///v4/${ID}`, false],
    ["", false],
  ] as const)
    equal(isContainerUri(uri, ECS_ORIGIN), isAsked, uri);
});

test("a container is its family, its name and its revision; an answer of another shape is nothing", () => {
  const { Labels } = container;
  const known = { service: "curltest/curl", version: "24", container_id: container.DockerId };
  const family = "com.amazonaws.ecs.task-definition-family";
  const name = "com.amazonaws.ecs.container-name";
  const cases: readonly (readonly [unknown, ReturnType<typeof containerOf>])[] = [
    [container, known],
    [{ Labels: { [family]: "curltest" } }, { service: "curltest", version: null, container_id: null }],
    [
      { ...container, DockerId: "../../etc", Labels: { ...Labels, [name]: 7 } },
      { ...known, service: "curltest", container_id: null },
    ],
    [
      { ...container, Labels: { ...Labels, [family]: "a\u001b[2J\nb" } },
      { ...known, service: "a[2Jb/curl" },
    ],
    [
      { ...container, Labels: { ...Labels, [family]: "f".repeat(300) } },
      { ...known, service: "f".repeat(255) },
    ],
    [{ ...container, Labels: { ...Labels, [family]: "f".repeat(2_000) } }, null],
    [{ ...container, Labels: { ...Labels, [family]: "\u0007" } }, null],
    [{ ...container, Labels: {} }, null],
    [{ AccessKeyId: "AKID", SecretAccessKey: "secret" }, null],
    [[container], null],
    [null, null],
  ];
  for (const [answer, expected] of cases) deepEqual(containerOf(JSON.stringify(answer)), expected);
  equal(containerOf("{"), null);
});

test("each container is asked for once, in the background, and known from then on", async () => {
  await using agent = await startLoopback(ecsAgent({ one: container, two: { ...container, DockerId: "b".repeat(64) } }));
  const names = createEcsNames({ nowMs: () => 0, origin: agent.url });
  for (let look = 0; look < 3; look++) for (const id of ["one", "two"]) equal(names.find(`${agent.url}/v4/${id}`), null);
  await names.settled();
  for (let look = 0; look < 3; look++) equal(names.find(`${agent.url}/v4/one`)?.service, "curltest/curl");
  equal(names.find(`${agent.url}/v4/two`)?.container_id, "b".repeat(64));
  deepEqual([...agent.calls].sort(), ["GET /v4/one", "GET /v4/two"]);
});

test("who is unknown to the agent is asked for again only after ten minutes", async () => {
  await using agent = await startLoopback(ecsAgent({}));
  let nowMs = 0;
  const names = createEcsNames({ nowMs: () => nowMs, origin: agent.url });
  for (const [atMs, calls] of [
    [0, 1],
    [ASK_AGAIN_MS - 1, 1],
    [ASK_AGAIN_MS, 2],
  ] as const) {
    nowMs = atMs;
    equal(names.find(`${agent.url}/v4/x`), null);
    await names.settled();
    equal(agent.calls.length, calls);
  }
});

test("an agent that is not there is not asked for every container, and is found when it comes", async () => {
  let nowMs = 0;
  let asked = 0;
  let isThere = false;
  const names = createEcsNames({
    nowMs: () => nowMs,
    async ask({ url }) {
      asked++;
      return isThere
        ? { ok: true, value: JSON.stringify(container) }
        : { ok: false, error: { kind: "unreachable", url, code: "ETIMEDOUT" } };
    },
  });
  const all = Array.from({ length: 200 }, (_, index) => `${ECS_ORIGIN}/v4/c${index}`);
  const findAll = async () => {
    for (const uri of all) names.find(uri);
    await names.settled();
  };
  await findAll();
  await findAll();
  ok(asked <= 8, `${asked} questions to nobody`);
  isThere = true;
  nowMs = ASK_AGAIN_MS;
  await findAll();
  equal(
    all.every((uri) => names.find(uri)?.service === "curltest/curl"),
    true,
  );
});

test("an agent that never answers delays rows no longer than the bound", async () => {
  const names = createEcsNames({ nowMs: () => 0, ask: () => new Promise(() => undefined) });
  equal(names.find(`${ECS_ORIGIN}/v4/x`), null);
  await names.settled();
  equal(names.find(`${ECS_ORIGIN}/v4/x`), null);
});
