// Settings from the environment.
import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "node:test";
import { readConfig } from "../../collector/config.ts";

test("with the folder alone, production's defaults hold", () => {
  const config = readConfig({ TIDEMARK_DELIVERY_FOLDER: "/var/lib/tidemark" });
  if (!config.ok) throw new Error(config.error.join());
  const { tickMs, rowMs, flushMs, walkCostShareMax } = config.value;
  deepEqual([tickMs, rowMs, flushMs, walkCostShareMax], [10_000, 60_000, 60_000, 0.002]);
});

test("every bad setting is named with its value, all at once", () => {
  const config = readConfig({ TIDEMARK_TICK_MS: "soon", TIDEMARK_WALK_COST_SHARE_MAX: "7" });
  const problems = config.ok ? [] : config.error;
  equal(problems.length, 3);
  match(problems.join("\n"), /TIDEMARK_DELIVERY_FOLDER is not set/);
  match(problems.join("\n"), /TIDEMARK_TICK_MS is soon/);
  match(problems.join("\n"), /TIDEMARK_WALK_COST_SHARE_MAX is 7/);
});

test("a row shorter than a tick is refused with both values", () => {
  const config = readConfig({ TIDEMARK_DELIVERY_FOLDER: "x", TIDEMARK_TICK_MS: "2000", TIDEMARK_ROW_MS: "1000" });
  deepEqual(config, { ok: false, error: ["TIDEMARK_ROW_MS is 1000: at least TIDEMARK_TICK_MS, 2000"] });
});
