// The ledger on lakes with real SQL: changes that help, do nothing or harm, with and without hosts to compare with.
// The statistics by themselves are test/functions/core/ledger/estimate.test.ts's.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { after, before, test } from "node:test";
import { recentRecommendations, updateLedger, verifiedSavings } from "../../functions/ask/ledger.ts";
import { advise } from "../../functions/core/advice/advise.ts";
import { withdrawnOf } from "../../functions/core/ledger/known-recommendation.ts";
import { type Lake, openLake } from "../../local/duckdb.ts";
import { folderStore } from "../../local/folder-store.ts";
import type { Saving } from "../../schema/columns.ts";
import { input } from "../functions/core/advice/inputs.ts";
import {
  DAY_MS,
  FLEET_DAYS,
  FLEET_END_MS,
  FLEET_START_MS,
  type FleetHost,
  HOUR_MS,
  hoursFolder,
  hoursOf,
  MIB,
  recommended,
  type Settings,
} from "../support/settings-fleet.ts";

const ARENAS: Settings = { tunables: "GLIBC_TUNABLES=glibc.malloc.arena_max=2" };
/** Ten o'clock on the eleventh day. */
const CHANGE = 10 * 24 + 10;
const isPeak = (hour: number) => hour % 24 >= 8 && hour % 24 < 20;
/** A day of the service: half as much again at its peak. */
const daily = (mib: number) => (hour: number) => mib * (isPeak(hour) ? 1.5 : 1);
/** The fleet's traffic falls to 60 % over the twenty days. */
const falling = (hour: number) => 1 - (0.4 * hour) / (FLEET_DAYS * 24);

interface Story {
  readonly hosts: number;
  readonly controls: number;
  readonly changedAt?: number;
  readonly settings?: Settings;
  /** Memory with the change as a part of that without it. */
  readonly factor?: (hour: number) => number;
  readonly load?: (hour: number) => number;
  readonly before?: Settings;
}

function hostsOf(service: string, story: Story): readonly FleetHost[] {
  const { hosts, controls, changedAt = CHANGE, settings = ARENAS, factor = () => 1, load = () => 1 } = story;
  return Array.from({ length: hosts + controls }, (_, index): FleetHost => {
    const base = daily(200 * (1 + (index % 3)));
    const changes = index < hosts;
    return {
      service,
      hostId: `i-${service}-${index}`,
      restarts: changes ? [changedAt] : [],
      settings: (hour) => (changes && hour >= changedAt ? settings : (story.before ?? {})),
      mib: (hour) => base(hour) * load(hour) * (changes && hour >= changedAt ? factor(hour) : 1),
    };
  });
}

const HOSTILE = `'; DROP TABLE findings; --<img src=x> "größe" \u{1f600}`;
const stories: Readonly<Record<string, Story>> = {
  helps: { hosts: 6, controls: 12, factor: () => 0.6, load: falling },
  [HOSTILE]: { hosts: 3, controls: 4, factor: () => 0.6 },
  nothing: { hosts: 6, controls: 12, load: falling },
  worse: { hosts: 6, controls: 12, factor: () => 1.4, load: falling },
  everywhere: { hosts: 6, controls: 0, factor: () => 0.6, load: falling },
  everywhereNothing: { hosts: 6, controls: 0, load: falling },
  alone: { hosts: 1, controls: 0, factor: () => 0.5 },
  canary: { hosts: 1, controls: 8, factor: () => 0.5, load: falling },
  early: { hosts: 6, controls: 12, changedAt: (FLEET_DAYS - 2) * 24 + 10, factor: () => 0.6 },
  unasked: { hosts: 6, controls: 12, settings: { tunables: "MALLOC_TOP_PAD_=67108864" }, factor: () => 1.3 },
  otherValue: { hosts: 6, controls: 12, settings: { tunables: "GLIBC_TUNABLES=glibc.malloc.arena_max=8" }, factor: () => 0.9 },
  restarted: { hosts: 6, controls: 12, settings: {}, factor: () => 0.6 },
  // A heap that fills for weeks: the restart emptied it, and it fills again as before.
  filling: { hosts: 6, controls: 12, factor: (hour) => Math.min(1, 0.4 + 0.05 * ((hour - CHANGE) / 24)) },
};

/** Hosts whose settings are said hour by hour; all hold 200 MiB, and with two arenas 100. */
const byHour = (service: string, index: number, settings: (hour: number) => Settings | null): FleetHost => ({
  service,
  hostId: `i-${service}-${index}`,
  settings,
  mib: (hour) => daily(200)(hour) * falling(hour) * (settings(hour)?.tunables === ARENAS.tunables ? 0.5 : 1),
});
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
const ROLLOUT = CHANGE + 4 * 24;
const more: readonly FleetHost[] = [
  // One host first, five more four days later, and six that stay as they are.
  ...numbers(12).map((index) =>
    byHour("steps", index, (hour) =>
      hour >= (index === 0 ? CHANGE : index < 6 ? ROLLOUT : Number.POSITIVE_INFINITY) ? ARENAS : {},
    ),
  ),
  // Host after host over some hours, each with an hour in which the old process still speaks.
  ...numbers(8).map((index) =>
    byHour("rolling", index, (hour) => (index < 4 && hour >= CHANGE + index && hour !== CHANGE + index + 1 ? ARENAS : {})),
  ),
  // Two kinds of process of about the same size: now one has more memory, now the other.
  ...numbers(6).map((index) => byHour("mixed", index, (hour) => (Math.floor(hour / 7) % 2 === index % 2 ? ARENAS : {}))),
  // A new build that was waited for, and the same where nobody waited.
  ...["pooled", "deployed"].flatMap((service) =>
    numbers(8).map((index) => ({
      ...byHour(service, index, (hour) => ({ service_version: index < 4 && hour >= CHANGE ? "2" : "1" })),
      mib: (hour: number) => 200 * (index < 4 && hour >= CHANGE ? 0.5 : 1),
    })),
  ),
  // On the hosts since yesterday: there is nothing before it.
  ...numbers(4).map((index) =>
    byHour("young", index, (hour) => (hour < (FLEET_DAYS - 1) * 24 ? null : hour % 2 === 0 ? ARENAS : {})),
  ),
];
const pool = { recommendation_id: "program.pool", title: "Pool the sizes that pin pages", setting: null, changes: "" };

let lake: Lake;
let folder: string;
let savings: readonly Saving[];
const window = { startMs: FLEET_END_MS - 7 * DAY_MS, endMs: FLEET_END_MS + 5 * HOUR_MS, periodMs: DAY_MS };

before(async () => {
  const hosts = [...Object.entries(stories).flatMap(([service, story]) => hostsOf(service, story)), ...more];
  const hours = hosts.flatMap((host, index) => hoursOf(host, index + 1));
  folder = hoursFolder(hours, [
    ...[...Object.keys(stories), "steps", "rolling", "mixed", "deployed", "young"].map((service) => recommended(service)),
    recommended("pooled", pool),
  ]);
  lake = await openLake(folder);
  savings = await updateLedger({ queries: lake, lake: folderStore(folder) }, window);
});
after(() => lake.close());

function only(service: string): Saving {
  const found = savings.filter((saving) => saving.service === service);
  equal(found.length, 1, `${service}: ${found.length} savings`);
  return found[0] as Saving;
}
const share = (saving: Saving) =>
  (saving.saved_bytes_per_host ?? Number.NaN) / ((saving.after_bytes_per_host ?? 0) + (saving.saved_bytes_per_host ?? 0));

test("a change that helps while the whole fleet's traffic falls: its own part is told, and not the traffic's", () => {
  const saving = only("helps");
  equal(saving.verdict, "helped");
  deepEqual(
    [saving.recommendation_id, saving.finding_id, saving.host_count, saving.control_host_count],
    ["glibc.arena_max", "id-helps", 6, 12],
  );
  ok(Math.abs(share(saving) - 0.4) < 0.02, `${share(saving)}`);
  // Before and after by themselves would claim half as much again.
  const naive = 1 - (saving.after_bytes_per_host ?? 0) / (saving.before_bytes_per_host ?? 0);
  ok(naive > 0.5, `${naive}`);
  const truth = 0.4 * ((saving.after_bytes_per_host ?? 0) / 0.6);
  ok((saving.saved_bytes_per_host_low ?? Infinity) <= truth && truth <= (saving.saved_bytes_per_host_high ?? 0));
  equal(saving.saved_bytes, 6 * (saving.saved_bytes_per_host ?? 0));
  ok((saving.dollars_per_month_least ?? 0) > 0 && (saving.dollars_per_month_most ?? 0) > (saving.dollars_per_month_least ?? 0));
  equal(saving.changed_at, FLEET_START_MS + CHANGE * HOUR_MS);
  equal(saving.setting, "+GLIBC_TUNABLES=glibc.malloc.arena_max=2");
  equal(
    saving.evidence,
    "6 hosts against 12 without the change, 7 periods before and 7 after; interval by the spread between hosts",
  );
});

test("names of services are text, whatever they hold", () => {
  equal(only(HOSTILE).verdict, "helped");
});

test("a change that does nothing has no effect, although every host holds less than before", () => {
  const saving = only("nothing");
  equal(saving.verdict, "no_effect");
  ok((saving.after_bytes_per_host ?? 0) < 0.85 * (saving.before_bytes_per_host ?? 0));
  deepEqual([saving.dollars_per_month_least, saving.dollars_per_month_most], [null, null]);
});

test("a change that makes it worse is called that, and costs", () => {
  const saving = only("worse");
  equal(saving.verdict, "worse");
  ok((saving.saved_bytes_per_host_high ?? 0) < 0 && (saving.dollars_per_month_most ?? 0) < 0);
});

test("a change on all hosts is judged by the periods beside the trend, and says what it cannot know", () => {
  const saving = only("everywhere");
  deepEqual([saving.verdict, saving.control_host_count], ["helped", 0]);
  ok(Math.abs(share(saving) - 0.4) < 0.05, `${share(saving)}`);
  match(saving.evidence, /with no host left without it, a change of load at the same time would look the same$/);
  equal(only("everywhereNothing").verdict, "no_effect");
});

test("a single host alone, and a single one against others", () => {
  deepEqual([only("alone").verdict, only("alone").control_host_count], ["helped", 0]);
  deepEqual([only("canary").verdict, only("canary").control_host_count], ["helped", 8]);
  ok(Math.abs(share(only("canary")) - 0.5) < 0.05);
});

test("a canary and the rollout after it are two changes: the canary's periods end where the rollout begins", () => {
  const found = savings.filter(({ service }) => service === "steps").sort((a, b) => a.changed_at - b.changed_at);
  deepEqual(
    found.map(({ changed_at, host_count, control_host_count, verdict }) => [
      (changed_at - FLEET_START_MS) / HOUR_MS,
      host_count,
      control_host_count,
      verdict,
    ]),
    [
      [CHANGE, 1, 11, "helped"],
      [ROLLOUT, 5, 7, "helped"],
    ],
  );
  for (const saving of found) ok(Math.abs(share(saving) - 0.5) < 0.03, `${share(saving)}`);
});

test("a rollout over some hours is one change, its mixed hours are none, and settings that alternate are none either", () => {
  const saving = only("rolling");
  deepEqual([saving.host_count, saving.control_host_count, saving.verdict], [4, 4, "helped"]);
  for (const service of ["mixed", "young"])
    deepEqual(
      savings.filter((each) => each.service === service),
      [],
      service,
    );
});

test("a new version is a change where one of the code was recommended, and else a deploy like any other", () => {
  const saving = only("pooled");
  deepEqual([saving.recommendation_id, saving.setting, saving.verdict], ["program.pool", "version 1 to 2", "helped"]);
  deepEqual(
    savings.filter(({ service }) => service === "deployed"),
    [],
  );
});

test("two days after a change it is too early, and no figure is claimed", () => {
  const { verdict, saved_bytes_per_host, control_host_count, evidence } = only("early");
  deepEqual([verdict, saved_bytes_per_host, control_host_count], ["too_early", null, null]);
  equal(evidence, "fewer than two whole periods after the change and one to settle in");
});

test("a change that nobody recommended, or with another value, is recorded without a recommendation", () => {
  const { verdict, recommendation_id, finding_id, setting } = only("unasked");
  deepEqual([verdict, recommendation_id, finding_id, setting], ["worse", null, null, "+MALLOC_TOP_PAD_=67108864"]);
  deepEqual([only("otherValue").recommendation_id, only("otherValue").verdict], [null, "helped"]);
});

test("a restart with the same settings is no change, however much it brings", () => {
  deepEqual(
    savings.filter(({ service }) => service === "restarted"),
    [],
  );
});

test("what fills again after the restart is not called saved", () => {
  const { verdict, evidence } = only("filling");
  equal(verdict, "too_early");
  match(evidence, /memory climbs again since the restart/);
});

test("what did not help is withdrawn with the reason, and later advice for that service says so", async () => {
  const again = await openLake(folder);
  const known = await recentRecommendations(again, window.endMs + DAY_MS);
  again.close();
  deepEqual(
    known
      .filter(({ state }) => state === "withdrawn")
      .map(({ service }) => service)
      .sort(),
    ["everywhereNothing", "nothing", "worse"],
  );
  const withdrawn = withdrawnOf(known)("nothing", "live");
  const held = input("arena_bloat", {
    free_resident_bytes: 100 * MIB,
    reclaimable_bytes: 0,
    non_main_free_bytes: 90 * MIB,
    arena_count_over_1mib: 8,
  });
  ok(advise(held).recommendations.some(({ id }) => id === "glibc.arena_max"));
  const advice = advise(held, withdrawn);
  ok(!advice.recommendations.some(({ id }) => id === "glibc.arena_max"));
  match(
    advice.notAdvised.find(({ id }) => id === "glibc.arena_max")?.because ?? "",
    /^tried here on 2026-11-13, it did not help: .* on a host \(95 % interval .*; 6 hosts against 12 without the change/,
  );
  deepEqual(withdrawnOf(known)("nothing", null).size, 0, "another environment is another matter");
  deepEqual(withdrawnOf(known)("helps", "live").size, 0);
});

test("the ledger is a table: the last measurement of each change, for whoever asks", async () => {
  const again = await openLake(folder);
  const rows = await verifiedSavings(again, { startMs: FLEET_START_MS, endMs: FLEET_END_MS + 1 });
  again.close();
  equal(rows.length, savings.length);
  deepEqual(
    rows.find(({ service }) => service === "helps"),
    only("helps"),
  );
});
