// The alert settings: what is taken, what is refused and how that is told, and what the entries do to findings.
// That a bad file silences nobody is test/functions/detect.test.ts's.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type AlertConfig, defaultAlertConfig, readAlertConfig } from "../../../functions/core/alert-config.ts";
import { configFindings } from "../../../functions/core/alert-config-findings.ts";
import { expiredMutes, fits, mutedBecause, thresholdSets } from "../../../functions/core/alert-config-rules.ts";
import type { Finding } from "../../../schema/columns.ts";

const NOW_MS = Date.UTC(2026, 10, 23, 12); // a Monday
const context = { nowMs: NOW_MS, thresholdNames: new Set(["held_bytes_min", "growth_bytes_min"]) };
const read = (content: unknown) =>
  readAlertConfig(Buffer.from(typeof content === "string" ? content : JSON.stringify(content)), context);

function good(content: unknown): AlertConfig {
  const { config, problems } = read(content);
  deepEqual(problems, []);
  return config;
}

const finding = (values: Partial<Finding> = {}): Finding => ({
  found_at: NOW_MS,
  finding_id: "id",
  service: "checkout",
  cause: "leak",
  since: NOW_MS,
  host_count: 1,
  process_count: 1,
  evidence: "it grew",
  ...values,
});

test("no file and an empty object are the defaults, without a word", () => {
  deepEqual(readAlertConfig(null, context), { config: defaultAlertConfig, problems: [] });
  deepEqual(good({}), defaultAlertConfig);
});

test("every problem is told at once: where, what is wrong, what was seen", () => {
  const { config, problems } = read({
    thresholds: { held_byte_min: 1 },
    mutes: [
      { service: "a", until: "next week", reason: "x" },
      { service: "b", until: "2026-12-01" },
    ],
    maintenance: [{ name: "n", services: [], from: "2026-12-01T00:00:00Z", to: "2026-12-02T00:00:00Z" }],
    peak: [],
  });
  deepEqual(config, defaultAlertConfig);
  const text = problems.join("\n");
  match(text, /mutes\.0\.until: expected a date.*"next week"/);
  match(text, /mutes\.1\.reason: /);
  match(text, /maintenance\.0\.services: /);
  match(text, /thresholds\.held_byte_min: no query has this parameter/);
  match(text, /peak/);
});

const refused: readonly (readonly [string, unknown, RegExp])[] = [
  ["no JSON", "{", /the file is no JSON/],
  ["no UTF-8", "\ud800", /the file: |no JSON/],
  ["another shape", [], /the file: /],
  [
    "a threshold that no query has",
    { thresholds: { held_byte_min: 1 } },
    /thresholds\.held_byte_min: no query has this parameter/,
  ],
  ["the same for a service", { services: [{ service: "a", thresholds: { x: 1 } }] }, /services\.0\.thresholds\.x: no query/],
  ["a negative threshold", { thresholds: { held_bytes_min: -1 } }, /thresholds\.held_bytes_min: .*\(it is -1\)/],
  ["a mute without a reason", { mutes: [{ service: "a", until: "2026-12-01", reason: "" }] }, /mutes\.0\.reason: /],
  [
    "a mute for ever",
    { mutes: [{ service: "a", until: "2999-01-01", reason: "r" }] },
    /mutes\.0\.until: is more than 366 days ahead/,
  ],
  [
    "a cause that there is not",
    { mutes: [{ service: "a", cause: "leek", until: "2026-12-01", reason: "r" }] },
    /mutes\.0\.cause: /,
  ],
  [
    "a window that ends before it begins",
    { maintenance: [{ name: "n", services: ["*"], from: "2026-12-02", to: "2026-12-01" }] },
    /maintenance\.0\.to: is not after from/,
  ],
  [
    "a window of a month",
    { maintenance: [{ name: "n", services: ["*"], from: "2026-12-01", to: "2026-12-31" }] },
    /maintenance\.0\.to: is more than 14 days after from/,
  ],
  [
    "a day that there is not",
    { maintenance: [{ name: "n", services: ["*"], days: ["so"], from: "01:00", to: "02:00" }] },
    /maintenance\.0: /,
  ],
  [
    "an hour that there is not",
    { maintenance: [{ name: "n", services: ["*"], days: ["sun"], from: "24:00", to: "02:00" }] },
    /maintenance\.0\.from: /,
  ],
  ["a peak without an end", { peaks: [{ name: "n", from: "2026-12-01" }] }, /peaks\.0\.to: /],
  [
    "more sets of thresholds than queries can be asked with",
    { services: Array.from({ length: 11 }, () => ({ service: "a", thresholds: {} })) },
    /services: /,
  ],
  ["a file that nobody wrote by hand", `"${"x".repeat(262_144)}"`, /the file has 262146 bytes, the limit is 262144/],
];
for (const [what, content, expected] of refused) {
  test(`refused, and told: ${what}`, () => {
    const { config, problems } = read(content);
    deepEqual(config, defaultAlertConfig);
    match(problems.join("\n"), expected);
    ok(problems.every((line) => line.length < 1_000));
  });
}

test("whatever the bytes are, reading them gives settings or problems, and never throws", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) =>
      ok(readAlertConfig(bytes, context).problems.length > 0 || bytes.length > 1),
    ),
  );
  fc.assert(
    fc.property(fc.json(), (json) => {
      const { config, problems } = read(json);
      ok(problems.length > 0 || typeof config.thresholds === "object");
    }),
  );
});

test("a mute fits by service, cause and environment, until its moment and not beyond", () => {
  const config = good({
    mutes: [{ service: "check*", cause: "leak", environment: "li*", until: "2026-11-23T12:00:01Z", reason: "TICKET-1" }],
  });
  const live = finding({ environment: "live" });
  equal(mutedBecause(config, live, NOW_MS), "muted until 2026-11-23 12:00:01 UTC: TICKET-1");
  for (const other of [{ service: "billing" }, { cause: "retention" }, { environment: "test" }, { environment: null }]) {
    equal(mutedBecause(config, { ...live, ...other }, NOW_MS), null, JSON.stringify(other));
  }
  equal(mutedBecause(config, live, NOW_MS + 1_000), null);
  deepEqual([expiredMutes(config, NOW_MS + 999).length, expiredMutes(config, NOW_MS + 1_000).length], [0, 1]);
});

test("a maintenance window is open from its start to before its end", () => {
  const config = good({
    maintenance: [{ name: "move", services: ["a", "check*"], from: "2026-11-23T12:00:00Z", to: "2026-11-23T13:00:00Z" }],
  });
  const open = (atMs: number, values = {}) => mutedBecause(config, finding(values), atMs);
  equal(open(NOW_MS), "maintenance: move");
  equal(open(NOW_MS, { service: "billing" }), null);
  deepEqual([open(NOW_MS - 1), open(NOW_MS + 3_599_999), open(NOW_MS + 3_600_000)], [null, "maintenance: move", null]);
});

test("a weekly window is open on its days, and over midnight into the next", () => {
  const config = good({ maintenance: [{ name: "patching", services: ["*"], days: ["mon"], from: "22:00", to: "02:00" }] });
  const isOpen = (iso: string) => mutedBecause(config, finding(), Date.parse(iso)) !== null;
  deepEqual(
    [
      "2026-11-23T21:59:00Z",
      "2026-11-23T22:00:00Z",
      "2026-11-24T01:59:00Z",
      "2026-11-24T02:00:00Z",
      "2026-11-24T22:00:00Z",
      "2026-11-23T01:00:00Z",
    ].map(isOpen),
    [false, true, true, false, false, false],
  );
});

test("what is wrong with the settings themselves cannot be muted", () => {
  const config = good({ mutes: [{ service: "*", until: "2026-12-01", reason: "quiet please" }] });
  const [problem] = configFindings({ config, problems: ["mutes.0: odd"] }, NOW_MS);
  equal(mutedBecause(config, problem ?? finding(), NOW_MS), null);
  match(problem?.evidence ?? "", /config\/alerts\.json: mutes\.0: odd/);
});

test("an expired mute is a finding of its own as long as it is in the file", () => {
  const mutes = ["2026-11-01", "2026-11-02"].map((until) => ({ service: "a", cause: "leak", until, reason: "TICKET-1" }));
  const found = configFindings({ config: good({ mutes }), problems: [] }, NOW_MS);
  deepEqual(
    found.map(({ cause, evidence }) => `${cause}: ${evidence}`),
    ["01", "02"].map((day) => `mute_expired: the mute of a, leak (TICKET-1) ended 2026-11-${day} 00:00 UTC`),
  );
  equal(new Set(found.map(({ finding_id }) => finding_id)).size, 2);
});

test("every service has exactly one set of thresholds: the first entry that fits, over the fleet's, over the deployment's", () => {
  const config = good({
    thresholds: { held_bytes_min: 2 },
    services: [
      { service: "batch-*", thresholds: { held_bytes_min: 3 } },
      { service: "batch-nightly", thresholds: { held_bytes_min: 4 } },
    ],
  });
  const sets = thresholdSets(config, { held_bytes_min: 1, growth_bytes_min: 1 });
  for (const [service, held] of [
    ["web", 2],
    ["batch-nightly", 3],
    ["batch-", 3],
  ] as const) {
    const own = sets.filter(({ isFor }) => isFor(service)).map(({ thresholds }) => thresholds);
    deepEqual(own, [{ held_bytes_min: held, growth_bytes_min: 1 }], service);
  }
});

test("a pattern means what it says, and stars in any number take no longer", () => {
  for (const [pattern, name, expected] of [
    ["a", "a", true],
    ["a", "ab", false],
    ["*", "", true],
    ["a*", "a", true],
    ["*a", "ba", true],
    ["a*a", "a", false],
    ["a*b*c", "a-b-c", true],
    ["a*b*c", "a-c-b", false],
    ["a.c", "abc", false],
    ["*ab*ab*", "ab", false],
  ] as const) {
    equal(fits(pattern, name), expected, `${pattern} ${name}`);
  }
  equal(fits("*a".repeat(100), "b".repeat(100_000)), false);
  fc.assert(
    fc.property(fc.stringMatching(/^[ab*]{0,8}$/), fc.stringMatching(/^[ab]{0,10}$/), (pattern, name) => {
      equal(fits(pattern, name), new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(name));
    }),
  );
});
