// How fast an outage's records may follow: by the steady rate, never saved up for long, slowly again after a failure.
import { equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { createDrain } from "../../../collector/ship/drain.ts";

const MINUTE_MS = 60_000;

function drained() {
  const clock = { ms: 0 };
  const drain = createDrain(() => clock.ms);
  /** A minute in which this many new bytes were made. */
  const minute = (bytes: number) => {
    clock.ms += MINUTE_MS;
    drain.noteFresh(bytes);
  };
  return { clock, drain, minute };
}

test("nothing goes before the steady rate is known", () => {
  const { clock, drain } = drained();
  clock.ms += 10 * MINUTE_MS;
  equal(drain.allowance(), 0);
  equal(drain.isFull(), false);
});

test("as much may go as is made, and what was not used is forfeit after a minute", () => {
  const { clock, drain, minute } = drained();
  minute(6_000);
  minute(6_000);
  equal(Math.round(drain.allowance()), 6_000);
  drain.spend(6_000);
  equal(Math.round(drain.allowance()), 0);
  clock.ms += MINUTE_MS / 2;
  equal(Math.round(drain.allowance()), 3_000);
  clock.ms += 60 * MINUTE_MS;
  equal(Math.round(drain.allowance()), 6_000);
  ok(drain.isFull());
});

test("a record larger than the savings is paid back before the next", () => {
  const { clock, drain, minute } = drained();
  minute(6_000);
  minute(6_000);
  drain.allowance();
  drain.spend(20_000);
  clock.ms += 2 * MINUTE_MS;
  ok(drain.allowance() < 0);
  equal(drain.isFull(), false);
  clock.ms += 2 * MINUTE_MS;
  ok(drain.allowance() > 0);
});

test("after a failure the savings are gone; what is owed is not", () => {
  const { drain, minute } = drained();
  minute(6_000);
  minute(6_000);
  drain.reset();
  equal(drain.allowance(), 0);
  drain.spend(100);
  drain.reset();
  equal(drain.allowance(), -100);
});

test("one burst moves the steady rate by less than a third of it", () => {
  const { drain, minute } = drained();
  for (let index = 0; index < 10; index++) minute(6_000);
  minute(600_000);
  drain.reset();
  minute(6_000);
  ok(drain.allowance() < 0.31 * 600_000, `${drain.allowance()}`);
});
