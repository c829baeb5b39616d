// Whether allocations have failed since the last look: per family, and what the file says when all of it have ended.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { createFailureWatch } from "../../../collector/black-box/failure-watch.ts";
import { type Failures, parseFailures } from "../../../collector/heap/failures.ts";
import { identityOf } from "../../support/black-box.ts";
import { failuresBytes } from "../../support/ring-bytes.ts";

const STARTED_MS = 1_000_000;
const young = identityOf(7, { process_started_at: STARTED_MS + 1 });
const old = identityOf(8, { process_started_at: STARTED_MS - 1 });
const told = (count: number, identity = young, family = "fd:01 5") => ({ identity, family, fileName: "7-1.failures", count });

/** As the library leaves it behind. */
function left(count: bigint, name = "7-1.failures") {
  const failures = parseFailures(failuresBytes([count, 1_790_000_000_000n, 4_096n, 12n]));
  if (!failures.ok) throw new Error(failures.error);
  return { name, kind: "failures" as const, failures: failures.value as Failures };
}

test("a rise is told once, and no failure at all never", () => {
  const watch = createFailureWatch(STARTED_MS);
  deepEqual(
    [0, 0, 3, 3, 4].map((count) => watch.hasRisen(told(count))),
    [false, false, true, false, true],
  );
});

test("what failed before our time is not told, what failed since the program started with us is", () => {
  equal(createFailureWatch(STARTED_MS).hasRisen(told(3, old)), false);
  equal(createFailureWatch(STARTED_MS).hasRisen(told(3, young)), true);
});

test("when another of the family tells on, its count goes on, and another family's is its own", () => {
  const watch = createFailureWatch(STARTED_MS);
  watch.hasRisen(told(3));
  equal(watch.hasRisen(told(3, identityOf(9, { process_started_at: STARTED_MS + 5 }))), false);
  equal(watch.hasRisen(told(3, young, "fd:01 6")), true);
});

test("the last word: who told last, when allocations failed after that; and only once", () => {
  const watch = createFailureWatch(STARTED_MS);
  watch.hasRisen(told(3));
  equal(watch.lastWord(left(9n, "8-1.failures")), null, "a file nobody told of");
  deepEqual(watch.lastWord(left(4n)), { identity: young, failedAtMs: 1_790_000_000_000 });
  equal(watch.lastWord(left(4n)), null);
  watch.hasRisen(told(3));
  equal(watch.lastWord(left(3n)), null, "nothing that was not known");
});
