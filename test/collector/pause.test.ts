// A sleep that can be cut short: by whom and when does not matter, nobody is woken twice for one call.
import { equal } from "node:assert/strict";
import { test } from "node:test";
import { createPause } from "../../collector/pause.ts";

const LONG_MS = 1_000_000_000;

test("it ends when woken, and can be used again", async () => {
  const pause = createPause();
  for (let round = 0; round < 3; round++) {
    const waited = pause.wait(LONG_MS);
    pause.wake();
    await waited;
  }
});

test("woken before it began it does not begin, once", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const pause = createPause();
  pause.wake();
  pause.wake();
  await pause.wait(LONG_MS);
  let isOver = false;
  const second = pause.wait(1_000).then(() => {
    isOver = true;
  });
  t.mock.timers.tick(999);
  await Promise.resolve();
  equal(isOver, false);
  t.mock.timers.tick(1);
  await second;
});
