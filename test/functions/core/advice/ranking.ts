// Advice beside what was measured: which recommendation comes first, and how far its forecast was off.
// What must come of it is ranking.test.ts's; docs/advice.md shows it as tables.
import { advise } from "../../../../functions/core/advice/advise.ts";
import { type Case, type Measured, readCases } from "./runs.ts";

/** As in advise.ts: less than this is no help, so that the right answer is to recommend none of what was measured. */
const NO_HELP_SHARE = 0.1;
const NO_HELP_BYTES = 4_194_304;
/** As good as the best. */
const SAME_SHARE = 0.1;

export interface Judged {
  readonly run: Case;
  readonly best: Measured;
  /** The first recommendation that was measured. */
  readonly first: Measured | undefined;
  readonly isRight: boolean;
}

export interface Forecast {
  readonly caseId: string;
  readonly id: string;
  /** The run's word for it. */
  readonly name: string;
  readonly likelyBytes: number;
  readonly measuredBytes: number;
  /** Part of the measured effect. */
  readonly error: number;
}

export const cases = readCases();

/** The JVM's timer and the shim's relief make the same call. */
export const measuredAs = (id: string): string => (id === "jvm.trim_native_heap" ? "relief" : id);

export const judged: readonly Judged[] = cases.map((run) => {
  const best = run.measured.toSorted((a, b) => b.effectBytes - a.effectBytes)[0];
  if (best === undefined) throw new Error(`${run.id} has no measurement`);
  const first = advise(run.input)
    .recommendations.map(({ id }) => run.measured.find((measured) => measured.id === measuredAs(id)))
    .find((measured) => measured !== undefined);
  const helps = best.effectBytes >= Math.max(NO_HELP_BYTES, NO_HELP_SHARE * run.heldBytes);
  const isRight = helps ? (first?.effectBytes ?? 0) >= (1 - SAME_SHARE) * best.effectBytes : first === undefined;
  return { run, best, first, isRight };
});

/** The runs with something changed; every other trace has the trim at its end alone. */
export const judgedWithVariants = judged.filter(({ run }) => run.variantCount > 0);

/** Every recommendation whose effect was forecast and measured. */
export const forecasts: readonly Forecast[] = cases.flatMap(({ id: caseId, input, measured }) =>
  advise(input).recommendations.flatMap(({ id, effect }) =>
    effect === null
      ? []
      : measured
          .filter((one) => one.id === measuredAs(id))
          .map(({ name, effectBytes }) => ({
            caseId,
            id,
            name,
            likelyBytes: effect.likely,
            measuredBytes: effectBytes,
            error: Math.abs(effect.likely - effectBytes) / Math.abs(effectBytes),
          })),
  ),
);

/** Relief is forecast from what is free now, not by a model. */
export const modelForecasts = forecasts.filter(({ id }) => measuredAs(id) !== "relief");

/** Of the models, those with a constant that was fitted to these very runs, or chosen with them in view. */
const fitted = new Set(["jemalloc.switch", "program.pool", "python.malloc", "jvm.g1_periodic", "jvm.zgc"]);
export const unfittedForecasts = modelForecasts.filter(({ id }) => !fitted.has(id));

export function medianError(list: readonly Forecast[]): number {
  const sorted = list.map(({ error }) => error).sort((a, b) => a - b);
  const low = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  const high = sorted[Math.ceil((sorted.length - 1) / 2)] ?? Number.NaN;
  return (low + high) / 2;
}
