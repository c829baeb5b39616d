// When the instance is asked for, and that nobody waits for long.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { ImdsFault, Instance } from "../../../collector/identity/imds.ts";
import { ASK_AGAIN_MS, type InstanceEdge, noInstance, watchInstance } from "../../../collector/identity/instance.ts";
import { err, ok as okValue, type Result } from "../../../schema/result.ts";

const found: Instance = {
  instanceId: "i-0123456789abcdef0",
  account_id: "123456789012",
  region: "us-east-1",
  zone: null,
  instance_type: null,
  autoscaling_group: null,
  instance_name: null,
};
const refused: Result<Instance, ImdsFault> = err({ kind: "unreachable", url: "http://127.0.0.1/", code: "ECONNREFUSED" });

function watching(answers: readonly (Result<Instance, ImdsFault> | "throw" | "never")[]) {
  const seen = { asked: 0, known: [] as string[], told: [] as string[], nowMs: 0 };
  const edge: InstanceEdge = {
    async askInstance() {
      const answer = answers[seen.asked++] ?? "never";
      if (answer === "throw") throw new Error("a bug");
      return answer === "never" ? new Promise(() => undefined) : answer;
    },
    nowMs: () => seen.nowMs,
    onKnown: ({ instanceId }) => seen.known.push(instanceId),
    onUnknown: (reason) => seen.told.push(reason),
  };
  return { seen, watch: watchInstance(edge) };
}

test("it is asked at once, and no more when it has answered", async () => {
  const { seen, watch } = watching([okValue(found)]);
  equal(watch.current(), null);
  await watch.firstRound();
  deepEqual(watch.current(), found);
  seen.nowMs = 10 * ASK_AGAIN_MS;
  watch.askAgainIfDue();
  deepEqual([seen.asked, seen.known, seen.told], [1, [found.instanceId], []]);
});

test("while it is unknown it is asked again at a low rate, and its silence is told once", async () => {
  const { seen, watch } = watching([refused, "throw", refused, okValue(found)]);
  await watch.firstRound();
  for (const [nowMs, asked] of [
    [ASK_AGAIN_MS - 1, 1],
    [ASK_AGAIN_MS, 2],
    [ASK_AGAIN_MS + 1, 2],
    [2 * ASK_AGAIN_MS, 3],
    [3 * ASK_AGAIN_MS, 4],
  ] as const) {
    seen.nowMs = nowMs;
    watch.askAgainIfDue();
    await nextTurn();
    equal(seen.asked, asked);
  }
  deepEqual(watch.current(), found);
  deepEqual([seen.known, seen.told], [[found.instanceId], ["http://127.0.0.1/ cannot be reached: ECONNREFUSED"]]);
});

test("a service that never answers delays nobody beyond the bound, and is not asked twice at a time", async () => {
  const { seen, watch } = watching(["never"]);
  await watch.firstRound();
  equal(watch.current(), null);
  seen.nowMs = 5 * ASK_AGAIN_MS;
  watch.askAgainIfDue();
  equal(seen.asked, 1);
});

test("where nobody may be asked, nothing is known and nothing waits", async () => {
  await noInstance.firstRound();
  noInstance.askAgainIfDue();
  ok(noInstance.current() === null);
});
