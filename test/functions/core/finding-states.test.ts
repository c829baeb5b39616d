// The life of a finding over many runs: what is filed, what is told, and above all what is not told.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Detector, isBlind, nextStates, stateRules } from "../../../functions/core/finding-states.ts";
import type { Finding } from "../../../schema/columns.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 10, 23);
const MIB = 1_024 * 1_024;

const finding = (values: Partial<Finding> = {}): Finding => ({
  found_at: 0,
  finding_id: "id",
  service: "checkout",
  cause: "leak",
  since: START_MS,
  host_count: 1,
  process_count: 1,
  excess_bytes: 100 * MIB,
  evidence: "it grew",
  ...values,
});

interface Step {
  readonly hour: number;
  readonly found?: readonly Partial<Finding>[];
  readonly isBlind?: boolean;
  readonly muted?: string;
}

/** Runs at these hours, each with the last rows of those before it; gives what was filed and told, as short words. */
function live(steps: readonly Step[], detector: Detector = "trends", known: readonly Finding[] = []) {
  const last = new Map(known.map((row) => [row.finding_id, row]));
  return steps.map(({ hour, found = [], isBlind: blind = false, muted = null }) => {
    const nowMs = START_MS + hour * HOUR_MS;
    const { rows, news, resolved } = nextStates({
      detector,
      nowMs,
      found: found.map((values) => finding({ ...values, found_at: nowMs })),
      known: [...last.values()],
      isBlind: blind,
      mutedBecause: () => muted,
    });
    for (const row of rows) last.set(row.finding_id, row);
    return {
      rows,
      filed: rows.map(({ state }) => state).join(),
      told: [...news, ...resolved].map(({ state }) => state).join(),
    };
  });
}

const words = (steps: readonly Step[], detector?: Detector, known?: readonly Finding[]) =>
  live(steps, detector, known).map(({ filed, told }) => `${filed} > ${told}`);

const here = [{}];

test("a lasting finding is filed with every run and told once; its end is filed and told once", () => {
  deepEqual(
    words([
      { hour: 0, found: here },
      { hour: 1, found: here },
      { hour: 50, found: here },
      { hour: 51 },
      { hour: 52 },
      { hour: 53 },
      { hour: 54 },
    ]),
    ["new > new", "ongoing > ", "ongoing > ", " > ", " > ", "resolved > resolved", " > "],
  );
});

test("it keeps when it was first found, whatever happens in between", () => {
  const rows = live([
    { hour: 0, found: here },
    { hour: 7, found: [{ excess_bytes: 900 * MIB }] },
    { hour: 10 },
    { hour: 12, found: here },
  ]).flatMap((run) => run.rows);
  deepEqual(
    rows.map(({ state, first_found_at }) => [state, first_found_at]),
    [
      ["new", START_MS],
      ["worse", START_MS],
      ["resolved", START_MS],
      ["ongoing", START_MS],
    ],
  );
});

test("twice the memory is worse, once; less than twice, or twice of nearly nothing, is not", () => {
  const bytes = (mib: number) => [{ excess_bytes: mib * MIB }];
  deepEqual(
    words([
      { hour: 0, found: bytes(100) },
      { hour: 1, found: bytes(199) },
      { hour: 2, found: bytes(200) },
      { hour: 3, found: bytes(399) },
      { hour: 4, found: bytes(50) },
      { hour: 5, found: bytes(399) },
      { hour: 6, found: bytes(400) },
    ]),
    ["new > new", "ongoing > ", "worse > worse", "ongoing > ", "ongoing > ", "ongoing > ", "worse > worse"],
  );
  deepEqual(
    words([
      { hour: 0, found: bytes(20) },
      { hour: 1, found: bytes(83) },
      { hour: 2, found: bytes(84) },
    ]),
    ["new > new", "ongoing > ", "worse > worse"],
  );
});

test("more hosts are worse by their number and by their ratio", () => {
  const hosts = (host_count: number) => [{ host_count }];
  deepEqual(words([1, 3, 4, 7, 8].map((count, hour) => ({ hour, found: hosts(count) }))), [
    "new > new",
    "ongoing > ",
    "worse > worse",
    "ongoing > ",
    "worse > worse",
  ]);
});

test("a step in severity is worse, a step back is not", () => {
  const severity = (name: string) => [{ severity: name }];
  deepEqual(
    words([
      { hour: 0, found: severity("growing") },
      { hour: 1, found: severity("notice") },
      { hour: 2, found: severity("act") },
      { hour: 3, found: severity("growing") },
      { hour: 4, found: severity("act") },
    ]),
    ["new > new", "ongoing > ", "worse > worse", "ongoing > ", "ongoing > "],
  );
});

test("what is not about an amount of memory lives as well", () => {
  const none = [{ excess_bytes: null }];
  deepEqual(words([{ hour: 0, found: none }, { hour: 1, found: none }, { hour: 5 }]), [
    "new > new",
    "ongoing > ",
    "resolved > resolved",
  ]);
});

test("flapping is told once: gone for less than it takes, it was never gone", () => {
  const steps = Array.from({ length: 48 }, (_, hour) => ({ hour, ...(hour % 3 === 0 ? { found: here } : {}) }));
  equal(
    words(steps)
      .map((word) => word.split(" > ")[1])
      .filter(Boolean)
      .join(),
    "new",
  );
});

test("what comes back every day is told once, and so is its end", () => {
  // There for eight hours of each day.
  const steps = Array.from({ length: 24 * 5 }, (_, hour) => ({ hour, ...(hour % 24 < 8 ? { found: here } : {}) }));
  equal(
    live(steps)
      .map(({ told }) => told)
      .filter(Boolean)
      .join(),
    "new,resolved",
  );
});

test("what comes back after the damping time is new, on the very hour", () => {
  const end = { hour: 3 };
  const back = (hour: number) => words([{ hour: 0, found: here }, end, { hour, found: here }])[2];
  const dampingHours = stateRules.trends.dampingMs / HOUR_MS;
  equal(back(3 + dampingHours - 1), "ongoing > ");
  equal(back(3 + dampingHours), "new > new");
});

test("what comes back worse within the damping time is told", () => {
  deepEqual(
    words([{ hour: 0, found: here }, { hour: 3 }, { hour: 4, found: [{ excess_bytes: 300 * MIB }] }])[2],
    "worse > worse",
  );
});

test("a run that sees nothing ends nothing", () => {
  deepEqual(
    words([
      { hour: 0, found: here },
      { hour: 10, isBlind: true },
      { hour: 11, found: here },
    ]),
    ["new > new", " > ", "ongoing > "],
  );
  deepEqual([isBlind("trends", null), isBlind("trends", 7_200), isBlind("trends", 7_201)], [true, false, true]);
  deepEqual([isBlind("acute", 1_200), isBlind("acute", 1_201)], [false, true]);
});

test("what is muted is filed with the reason and told to nobody; when the mute is over it is told, if it is still there", () => {
  const runs = live([
    { hour: 0, found: here, muted: "known" },
    { hour: 1, found: here, muted: "known" },
    { hour: 2, found: here },
    { hour: 3, found: here },
  ]);
  deepEqual(
    runs.map(({ filed, told }) => `${filed} > ${told}`),
    ["new > ", "ongoing > ", "ongoing > ongoing", "ongoing > "],
  );
  deepEqual(
    runs.map(({ rows: [row] }) => [row?.muted, row?.announced_at ?? null]),
    [
      ["known", null],
      ["known", null],
      [null, START_MS + 2 * HOUR_MS],
      [null, START_MS + 2 * HOUR_MS],
    ],
  );
  deepEqual(
    words([
      { hour: 0, found: here, muted: "known" },
      { hour: 5, muted: "known" },
    ]),
    ["new > ", "resolved > "],
    "nobody knew of it, so nobody is told of its end",
  );
});

test("what becomes worse while it is muted is told when it is not any more; what does not, is not told again", () => {
  const worse = [{ excess_bytes: 900 * MIB }];
  const told = (found: readonly Partial<Finding>[]) =>
    words([
      { hour: 0, found: here },
      { hour: 1, found, muted: "known" },
      { hour: 2, found },
    ]).map((word) => word.split(" > ")[1]);
  deepEqual(told(worse), ["new", "", "ongoing"]);
  deepEqual(told(here), ["new", "", ""]);
});

test("a detector ends its own findings only", () => {
  const known = [finding({ detector: "trends", state: "ongoing", found_at: START_MS, announced_at: START_MS })];
  deepEqual(words([{ hour: 9 }], "acute", known), [" > "]);
  deepEqual(words([{ hour: 9 }], "trends", known), ["resolved > resolved"]);
});

test("what the other detector has told is filed without a word, until it becomes worse", () => {
  const known = [
    finding({
      finding_id: "other",
      detector: "acute",
      state: "new",
      found_at: START_MS,
      announced_at: START_MS,
      severity: "act",
    }),
  ];
  deepEqual(
    words(
      [
        { hour: 1, found: here },
        { hour: 2, found: here },
        { hour: 3, found: [{ excess_bytes: 900 * MIB }] },
      ],
      "trends",
      known,
    ),
    ["new > ", "ongoing > ", "worse > worse"],
  );
  for (const different of [{ state: "resolved" }, { announced_at: null }, { environment: "test" }, { cause: "retention" }]) {
    const [one] = known.map((row) => ({ ...row, ...different }));
    deepEqual(words([{ hour: 1, found: here }], "trends", one ? [one] : []), ["new > new"], JSON.stringify(different));
  }
});

test("rows from before findings had a state count as told, and as trends", () => {
  const old = finding({ found_at: START_MS });
  deepEqual(words([{ hour: 1, found: here }], "trends", [old]), ["ongoing > "]);
  deepEqual(words([{ hour: 9 }], "trends", [old]), ["resolved > resolved"]);
});

test("whatever comes and goes: an alert is never told twice without an end, a worsening or the damping time between", () => {
  const step = fc.record({
    present: fc.boolean(),
    mib: fc.integer({ min: 1, max: 2_000 }),
    hours: fc.integer({ min: 1, max: 30 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let hour = 0;
      const runs = live(
        steps.map(({ present, mib, hours }) => {
          hour += hours;
          return { hour, ...(present ? { found: [{ excess_bytes: mib * MIB }] } : {}) };
        }),
      );
      const told = runs.flatMap(({ told }) => (told === "" ? [] : [told]));
      for (const [at, word] of told.entries()) {
        if (word === "new" && at > 0) equal(told[at - 1], "resolved", told.join());
        if (word === "resolved") equal(["new", "worse"].includes(told[at - 1] ?? ""), true, told.join());
      }
      for (const { rows } of runs) equal(new Set(rows.map(({ finding_id }) => finding_id)).size, rows.length);
    }),
  );
});
