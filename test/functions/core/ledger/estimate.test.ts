// The statistics of the ledger: quantiles against printed tables, and intervals against a truth that is known, by seeded simulation.
// How changes are found and judged on a lake is test/local/ledger.test.ts's.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { estimate, type HostSeries } from "../../../../functions/core/ledger/estimate.ts";
import { quantile975, upperTail } from "../../../../functions/core/ledger/student-t.ts";
import { seededRandom } from "../../../../local/seeded-random.ts";

test("quantiles of t are those of the printed tables", () => {
  const table: readonly (readonly [number, number])[] = [
    [1, 12.7062],
    [2, 4.30265],
    [3, 3.18245],
    [5, 2.57058],
    [10, 2.22814],
    [30, 2.04227],
    [1_000, 1.96234],
  ];
  for (const [df, expected] of table) ok(Math.abs(quantile975(df) - expected) < 1e-4, `${df}: ${quantile975(df)}`);
  ok(quantile975(2.5) < quantile975(2) && quantile975(2.5) > quantile975(3), "fractions lie between");
  ok(Math.abs(upperTail(0, 5) - 0.5) < 1e-12);
});

const flat = (bytes: number, periods = 7): readonly number[] => Array.from({ length: periods }, () => bytes);
const host = (before: number, after: number): HostSeries => ({ before: flat(before), after: flat(after) });

test("what all hosts lose is the load's; what those with the change lose beyond it is the change's", () => {
  const found = estimate([host(100, 40), host(200, 80)], [host(100, 80), host(400, 320), host(50, 40)], 1);
  equal(found?.by, "hosts");
  ok(Math.abs(Math.exp(found?.change ?? 0) - 0.5) < 1e-9, "half of what they would hold, whatever their size");
});

test("one host, or none to compare with: periods are the sample, and a steady fall is not the change", () => {
  const falling = Array.from({ length: 15 }, (_, at) => 1_000 * 0.95 ** at);
  const found = estimate([{ before: falling.slice(0, 7), after: falling.slice(8) }], [], 1);
  equal(found?.by, "periods");
  ok(Math.abs(found?.change ?? 1) < 1e-9);
});

test("too few periods for a trend say nothing, not something uncertain", () => {
  equal(estimate([{ before: flat(100, 2), after: flat(50, 7) }], [], 1), null);
  equal(estimate([{ before: flat(100, 7), after: flat(50, 2) }], [], 1), null);
  equal(estimate([], [host(1, 1), host(1, 1), host(1, 1)], 1), null);
});

test("a missing period is left out, not taken for nothing", () => {
  const gaps: HostSeries = { before: [100, null, 100, 100, null, 100, 100], after: [50, 50, null, 50, 50, 50, 50] };
  const found = estimate([gaps, gaps], [host(100, 100), host(90, 90)], 1);
  ok(Math.abs(Math.exp(found?.change ?? 0) - 0.5) < 1e-9);
});

interface World {
  readonly treated: number;
  readonly controls: number;
  readonly truth: number;
  /** Correlation of a host's noise from period to period. */
  readonly correlation: number;
  readonly periods?: number;
}

const DRAWS = 2_000;

/** Hosts of different sizes with noise of 5 % of their own, and a load that all share: a trend and a noise of 5 %. */
function simulate({ treated, controls, truth, correlation, periods = 7 }: World, seed: number) {
  const random = seededRandom(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  let covered = 0;
  let helped = 0;
  for (let draw = 0; draw < DRAWS; draw++) {
    const trend = 0.03 * normal();
    const load = Array.from({ length: 2 * periods + 1 }, (_, at) => trend * at + 0.05 * normal());
    const series = (effect: number): HostSeries => {
      const size = 20 + normal();
      let noise = 0.05 * normal();
      const logs = load.map((common, at) => {
        noise = correlation * noise + Math.sqrt(1 - correlation ** 2) * 0.05 * normal();
        return size + common + noise + (at > periods ? effect : 0);
      });
      const bytes = logs.map(Math.exp);
      return { before: bytes.slice(0, periods), after: bytes.slice(periods + 1) };
    };
    const hosts = (count: number, effect: number) => Array.from({ length: count }, () => series(effect));
    const found = estimate(hosts(treated, truth), hosts(controls, 0), 1);
    if (found === null) throw new Error("nothing was estimated");
    if (found.low <= truth && truth <= found.high) covered++;
    if (found.high < 0) helped++;
  }
  return { covered: covered / DRAWS, helped: helped / DRAWS };
}

const worlds: readonly (readonly [string, World, number])[] = [
  ["2 against 2", { treated: 2, controls: 2, truth: -0.3, correlation: 0.5 }, 0.94],
  ["5 against 20", { treated: 5, controls: 20, truth: -0.3, correlation: 0.5 }, 0.93],
  ["1 against 10", { treated: 1, controls: 10, truth: -0.3, correlation: 0.5 }, 0.93],
  ["10 against 1", { treated: 10, controls: 1, truth: -0.3, correlation: 0.5 }, 0.93],
  ["50 against 50", { treated: 50, controls: 50, truth: -0.3, correlation: 0.9 }, 0.93],
  ["1 against 1", { treated: 1, controls: 1, truth: -0.3, correlation: 0 }, 0.93],
  ["1 alone", { treated: 1, controls: 0, truth: -0.3, correlation: 0 }, 0.93],
  ["1 alone, correlated", { treated: 1, controls: 0, truth: -0.3, correlation: 0.5 }, 0.88],
  ["1 alone, 4 periods", { treated: 1, controls: 0, truth: -0.3, correlation: 0, periods: 4 }, 0.93],
];

for (const [place, [name, world, least]] of worlds.entries()) {
  test(`intervals contain the truth as often as they say: ${name}`, (context) => {
    const { covered } = simulate(world, 100 + place);
    const { helped } = simulate({ ...world, truth: 0 }, 200 + place);
    context.diagnostic(
      `${name}: ${(covered * 100).toFixed(1)} % covered, ${(helped * 100).toFixed(1)} % below 0 without an effect`,
    );
    ok(covered >= least, `${covered}`);
    ok(helped <= 0.05, `${helped} of the draws without an effect seem to help`);
  });
}

test("the same hosts give the same interval", () => {
  const hosts = [host(100, 40), host(120, 50)];
  deepEqual(estimate(hosts, [host(80, 80), host(90, 85)], 1), estimate(hosts, [host(80, 80), host(90, 85)], 1));
});
