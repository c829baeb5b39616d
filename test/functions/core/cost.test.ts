// The bill: what it must not exceed, and that it moves with what it is made of.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { alternatives, type Measured, monthlyBill, total } from "../../../functions/core/cost/bill.ts";
import { measureFleet } from "../../../local/cost-measure.ts";

const measured = await measureFleet(30);
const perHost = (hosts: number, values: Partial<Measured> = {}) =>
  total(monthlyBill({ hosts, processesPerHost: 30 }, { ...measured, ...values })) / hosts;

test("a host-month costs at most 5 cents at 1,000 hosts and 2 cents at 10,000", () => {
  ok(perHost(1_000) <= 0.05, `${perHost(1_000)} dollars`);
  ok(perHost(10_000) <= 0.02, `${perHost(10_000)} dollars`);
});

test("Firehose bills at most 110 KB for a thousand rows of 30 processes whose figures wander, five minutes a record", () => {
  ok((measured.recordBilledBytes / (30 * 5)) * 1_000 <= 110_000, `${measured.recordBilledBytes} bytes a record`);
  ok(measured.recordBilledBytes >= measured.recordBytes);
  ok(perHost(10_000, { recordBilledBytes: 20_480 }) > perHost(10_000, { recordBilledBytes: 15_360 }) + 0.001);
});

test("the bill grows with hosts, with bytes and with slowness, and falls with none of them", () => {
  const fleet = { hosts: 10_000, processesPerHost: 30 };
  const base = total(monthlyBill(fleet, measured));
  ok(total(monthlyBill({ ...fleet, hosts: 20_000 }, measured)) > 1.9 * base);
  for (const worse of [{ processRowBytes: 200 }, { hourRowBytes: 500 }, { rowsPerCpuSecond: 5_000 }]) {
    ok(total(monthlyBill(fleet, { ...measured, ...worse })) > base, JSON.stringify(worse));
  }
});

test("each line is a service's own, and none is negative or not a number", () => {
  for (const hosts of [1, 100, 100_000]) {
    for (const { service, dollarsPerMonth } of monthlyBill({ hosts, processesPerHost: 1 }, measured)) {
      ok(dollarsPerMonth >= 0, `${service} is ${dollarsPerMonth}`);
    }
  }
});

test("CloudWatch's tiers and Grafana's included series are counted as their price lists say", () => {
  const [cloudWatch, datadog, grafana] = alternatives({ hosts: 1_000, processesPerHost: 5 });
  equal(cloudWatch?.dollarsPerMonth, 10_000 * 0.3 + 10_000 * 0.1);
  equal(datadog?.dollarsPerMonth, 15_000);
  equal(grafana?.dollarsPerMonth, 29);
  deepEqual(
    alternatives({ hosts: 1_000, processesPerHost: 6 }).map((line) => Math.round(line.dollarsPerMonth)),
    [4_400, 15_000, 61],
  );
});
