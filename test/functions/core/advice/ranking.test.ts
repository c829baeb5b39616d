// The ranking against what was measured: the same programs run with and without each setting or allocator.
// Which run stands for which remedy is runs.ts's, the comparison ranking.ts's.
import { ok } from "node:assert/strict";
import { test } from "node:test";
import { advise } from "../../../../functions/core/advice/advise.ts";
import {
  forecasts,
  judged,
  judgedWithVariants,
  measuredAs,
  medianError,
  modelForecasts,
  unfittedForecasts,
} from "./ranking.ts";

test("the first recommendation that was measured is the best measured one, or within 10 % of its effect, in 80 % of cases", () => {
  const wrong = judgedWithVariants.filter(({ isRight }) => !isRight);
  ok(judgedWithVariants.length >= 15, `${judgedWithVariants.length} cases`);
  const share = 1 - wrong.length / judgedWithVariants.length;
  ok(share >= 0.8, `${share}: ${wrong.map(({ run }) => run.id).join(" ")}`);
});

test("no recommendation that was measured made it worse", () => {
  for (const { run } of judged) {
    const ids = new Set(advise(run.input).recommendations.map(({ id }) => measuredAs(id)));
    // A hundredth of what is held and a MiB: two runs of the same program differ by as much.
    const noiseBytes = 0.01 * run.heldBytes + 1_048_576;
    for (const { name, effectBytes } of run.measured.filter((measured) => ids.has(measured.id)))
      ok(effectBytes > -noiseBytes, `${run.id}: ${name} ${effectBytes}`);
  }
});

test("where memory is in use, no setting is recommended to give it back", () => {
  const inUse = judged.filter(({ run }) => ["leak", "cache_growth", "file_growth", "none"].includes(run.input.cause));
  ok(inUse.length >= 20, `${inUse.length} cases`);
  for (const { run } of inUse)
    for (const { changes, id } of advise(run.input).recommendations) ok(changes.length === 0, `${run.id}: ${id}`);
});

test("forecasts are within 25 % of what was measured in the median: all, the models alone, and those without a fitted constant", () => {
  ok(forecasts.length >= 25 && modelForecasts.length >= 10 && unfittedForecasts.length >= 6);
  for (const list of [forecasts, modelForecasts, unfittedForecasts]) ok(medianError(list) <= 0.25, `${medianError(list)}`);
});
