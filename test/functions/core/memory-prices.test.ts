// What memory costs, by instance type, and where the type is not in the table.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { dollarsPerMonth, memoryPrice } from "../../../functions/core/cost/memory-prices.ts";

test("a type is priced by its family, a variant by the plain one, and an unknown one by an assumed one, which is said", () => {
  const cases = [
    ["m7g.2xlarge", "m7g", false],
    ["r7gd.large", "r7g", false],
    ["c6gn.xlarge", "c6g", false],
    ["m5d.large", "m5", false],
    ["m5dn.24xlarge", "m5", false],
    ["fargate", "fargate", false],
    ["x2gd.medium", "m7g", true],
    ["toString", "m7g", true],
    ["", "m7g", true],
    [null, "m7g", true],
  ] as const;
  for (const [type, family, isAssumed] of cases) {
    const price = memoryPrice(type);
    deepEqual([price.family, price.isAssumed], [family, isAssumed], String(type));
  }
});

test("memory alone costs less than an instance that is there for its memory; of Fargate both are the same", () => {
  for (const type of ["c5.large", "m6i.large", "r8g.large", "m7a.large"]) {
    const { leastPerGibMonth, mostPerGibMonth } = memoryPrice(type);
    ok(0.5 < leastPerGibMonth && leastPerGibMonth < mostPerGibMonth && mostPerGibMonth < 30, type);
  }
  const fargate = memoryPrice("fargate");
  equal(fargate.leastPerGibMonth, fargate.mostPerGibMonth);
  // m7g.large: 8 GiB for $0.0816 an hour; c7g to r7g: 12 GiB more for $0.0346.
  deepEqual(
    Object.values(dollarsPerMonth(2 ** 30, memoryPrice("m7g.large"))).map((dollars) => dollars.toFixed(3)),
    ["2.105", "7.446"],
  );
});
