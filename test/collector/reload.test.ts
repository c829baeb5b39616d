// What a second reading of the settings changes at once, and what it leaves to a restart.
import { deepEqual } from "node:assert/strict";
import { test } from "node:test";
import { resolveConfig } from "../../collector/config.ts";
import { reloadOf } from "../../collector/reload.ts";

const valuesOf = (env: Readonly<Record<string, string>>) => resolveConfig({ flags: new Map(), env, filePath: null }).values;

test("what is read at every use changes at once, each named with its old and its new value", () => {
  const before = valuesOf({ TIDEMARK_FIREHOSE_STREAM: "a" });
  const { values, changed, needRestart } = reloadOf(
    before,
    valuesOf({ TIDEMARK_FIREHOSE_STREAM: "b", TIDEMARK_TICK_MS: "5000", TIDEMARK_WALK_COST_SHARE_MAX: "0.001" }),
  );
  deepEqual(changed, [
    "TIDEMARK_FIREHOSE_STREAM a -> b",
    "TIDEMARK_TICK_MS 10000 -> 5000",
    "TIDEMARK_WALK_COST_SHARE_MAX 0.002 -> 0.001",
  ]);
  deepEqual([needRestart, values.TIDEMARK_FIREHOSE_STREAM, values.TIDEMARK_TICK_MS], [[], "b", 5_000]);
});

test("what was opened at start stays as it was, is said, and is said again the next time", () => {
  const before = valuesOf({ TIDEMARK_FIREHOSE_STREAM: "a" });
  const read = valuesOf({ TIDEMARK_FIREHOSE_STREAM: "a", TIDEMARK_SPOOL_FOLDER: "/s", TIDEMARK_ROW_MS: "30000" });
  const first = reloadOf(before, read);
  deepEqual([first.values.TIDEMARK_SPOOL_FOLDER, first.values.TIDEMARK_ROW_MS], [null, 30_000]);
  deepEqual(first.needRestart, ["TIDEMARK_SPOOL_FOLDER not set -> /s"]);
  deepEqual(reloadOf(first.values, read), { ...first, changed: [] });
});

test("from a stream to a folder needs a restart: the spool's place and the SDK depend on it", () => {
  const before = valuesOf({ TIDEMARK_FIREHOSE_STREAM: "a" });
  const { values, changed, needRestart } = reloadOf(before, valuesOf({ TIDEMARK_DELIVERY_FOLDER: "f" }));
  deepEqual([changed, values], [[], before]);
  deepEqual(needRestart, ["TIDEMARK_FIREHOSE_STREAM a -> not set", "TIDEMARK_DELIVERY_FOLDER not set -> f"]);
});

test("nothing changed is nothing to say", () => {
  const values = valuesOf({ TIDEMARK_DELIVERY_FOLDER: "f" });
  deepEqual(reloadOf(values, { ...values }), { values, changed: [], needRestart: [] });
});
