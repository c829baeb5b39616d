// A fault strikes the whole line at many random moments; then every row that was promised is looked for.
// The faults themselves are the tests'.
import { deepEqual, equal, ok } from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Line } from "./line.ts";
import { momentsOf, randomFor, report } from "./suite.ts";

export interface Trouble {
  readonly name: string;
  readonly moments: number;
  /** Each moment lies within so many ms of the last one's end. */
  readonly spreadMs: number;
  strike(random: () => number, moment: number): Promise<void> | void;
  /** Strikes again before all is well again; it must be well after the last moment. */
  readonly isRelentless?: boolean;
  /** Once after all moments, before the verdict. */
  mend?(): Promise<void> | void;
  /** Whether what it does to rows is a reason to reject them. */
  readonly mayReject?: boolean;
}

/** Rows of all faults before this one on the same line. */
const before = new WeakMap<Line, { rejected: number; repeated: number }>();

export async function suffer(t: TestContext, line: Line, trouble: Trouble): Promise<void> {
  const { name, spreadMs, strike, isRelentless = false, mayReject = false } = trouble;
  const random = randomFor(name);
  const moments = momentsOf(trouble.moments);
  const known = before.get(line) ?? { rejected: 0, repeated: 0 };
  for (let moment = 0; moment < moments; moment++) {
    await sleep(random() * spreadMs);
    await strike(random, moment);
    if (!isRelentless) await line.recovered();
  }
  await trouble.mend?.();
  await line.recovered();
  const { fresh, sentBack, unwell, lost, doubled, rejected, repeated } = await line.settle();
  before.set(line, { rejected, repeated });
  const isSurvived = lost.length === 0 && doubled.length === 0 && unwell.length === 0;
  report(t, {
    fault: name,
    moments,
    survived: isSurvived ? moments : 0,
    checked: fresh,
    unit: "rows",
    lost: lost.length,
    doubled: doubled.length,
    rejected: rejected - known.rejected,
    repeated: repeated - known.repeated,
    sentBack,
  });
  deepEqual(unwell, []);
  const log = () => line.host.log().split("\n").slice(-20).join("\n");
  ok(lost.length === 0, `${lost.length} lost, first ${lost[0]}\n${log()}`);
  equal(doubled.length, 0, `first ${doubled[0]}`);
  ok(fresh > 0, "there were rows to lose");
  if (!mayReject) equal(rejected, known.rejected);
}
