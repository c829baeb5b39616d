// The ledger on recorded programs: the run without a setting before, the run with it after, beside hosts that go on without.
// What the runs brought is RSS at their ends, as in docs/advice.md; the ledger sees none of that, only the hours.
import { equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { EVENTS_MAX, updateLedger } from "../../functions/ask/ledger.ts";
import { openLake } from "../../local/duckdb.ts";
import { folderStore } from "../../local/folder-store.ts";
import { readTraceText, traceFiles } from "../../local/replay/trace.ts";
import { seededRandom } from "../../local/seeded-random.ts";
import type { RecommendationRow, Saving } from "../../schema/columns.ts";
import { HOUR_MS, hourRow, hoursFolder, MIB, type ProcessHour, recommended, type Settings } from "../support/settings-fleet.ts";

const tracesFolder = fileURLToPath(new URL("../traces/", import.meta.url));
const PRELOADS: Readonly<Record<string, string>> = {
  jemalloc: "LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
  tcmalloc: "LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4",
};

interface Recorded {
  readonly id: string;
  readonly control: string;
  readonly mitigation: string;
  readonly settings: Settings;
  /** Of the last cycle, when the program is as it stays, without the trim at the end. */
  readonly bytes: readonly number[];
  readonly rssAtEnd: number;
}

function read(path: string): Recorded {
  const [header, ...lines] = readTraceText(path).trim().split("\n");
  const head = JSON.parse(header ?? "{}");
  const all = lines.map((line) => JSON.parse(line));
  const rows = all.filter(({ phase }) => phase !== "probe");
  const last = Math.max(...rows.map(({ cycle }) => Number(cycle)));
  const settled = rows.filter(({ cycle }) => Number(cycle) === last);
  const words = [
    PRELOADS[head.allocator],
    ...Object.entries(head.environment ?? {}).map(([name, value]) => `${name}=${value}`),
  ];
  return {
    id: head.id,
    control: head.params?.control ?? "",
    mitigation: head.mitigation ?? "",
    settings: {
      allocator: head.allocator,
      tunables: words
        .filter((word) => word !== undefined)
        .sort()
        .join(" "),
    },
    bytes: (settled.length > 0 ? settled : rows).map((row) => row.anon_bytes ?? row.rss_bytes),
    rssAtEnd: settled.at(-1)?.rss_bytes ?? Number.NaN,
  };
}

const PERIOD_MS = 6 * HOUR_MS;
const PERIODS = 18;
const END_MS = Date.UTC(2026, 10, 23);
const START_MS = END_MS - PERIODS * PERIOD_MS;
/** So many rows of a recording are one hour of the lake's, so that a period has thirty. */
const STEP = 4;
const STEP_MS = PERIOD_MS / 30;
const CHANGE_MS = START_MS + 8 * PERIOD_MS + PERIOD_MS / 2;
const CONTROLS = 3;

/** Recordings played over and over; the last host changes to the run with the setting. */
function hoursOf(without: Recorded, with_: Recorded, seed: number): readonly ProcessHour[] {
  const random = seededRandom(seed);
  return Array.from({ length: CONTROLS + 1 }, (_, host) => host).flatMap((host) =>
    Array.from({ length: (END_MS - START_MS) / STEP_MS }, (_, at): ProcessHour => {
      const hourMs = START_MS + at * STEP_MS;
      const isAfter = host === CONTROLS && hourMs >= CHANGE_MS;
      const { bytes, settings } = isAfter ? with_ : without;
      const noise = 1 + 0.04 * (random() - 0.5);
      const held = Math.round((bytes[((at + 7 * host) * STEP) % bytes.length] ?? 0) * noise);
      return hourRow({
        service: with_.id,
        hostId: `${with_.id}-${host}`,
        start: isAfter ? 2 : 1,
        hourMs,
        bytes: held,
        ...settings,
      });
    }),
  );
}

const remedies = [
  ["glibc.arena_max", "glibc.arena_max=2"],
  ["jemalloc.switch", "loader.preload=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2 jemalloc.background_thread=true"],
  ["gperftools.aggressive_decommit", "gperftools.aggressive_decommit=1"],
  ["glibc.tcache_count", "glibc.tcache_count=0"],
] as const;
/** Nobody is advised to run jemalloc with jemalloc. */
const remediesFor = (control: string) => remedies.filter(([id]) => id !== "jemalloc.switch" || !control.includes("_je_"));
const remedyOf: Readonly<Record<string, string>> = {
  arena_max2: "glibc.arena_max",
  je_bg: "jemalloc.switch",
  aggressive: "gperftools.aggressive_decommit",
  tcache0: "glibc.tcache_count",
};

async function savingsOf(
  hours: readonly ProcessHour[],
  recommendations: readonly RecommendationRow[],
): Promise<readonly Saving[]> {
  const folder = hoursFolder(hours, recommendations);
  const lake = await openLake(folder);
  try {
    const window = { startMs: START_MS, endMs: END_MS, periodMs: PERIOD_MS };
    return await updateLedger({ queries: lake, lake: folderStore(folder) }, window);
  } finally {
    lake.close();
  }
}

test("the ledger has the sign of every measured effect, and knows the remedies that were recommended", async (context) => {
  const bases = new Map(
    traceFiles(tracesFolder)
      .map(read)
      .map((run) => [run.id, run]),
  );
  const runs = traceFiles(join(tracesFolder, "mitigations")).map(read);
  const cases = runs.flatMap((run, index) => {
    const base = bases.get(run.control);
    const isSeen = base !== undefined && JSON.stringify(base.settings) !== JSON.stringify(run.settings);
    return base !== undefined && isSeen ? [{ base, run, index }] : [];
  });
  ok(cases.length >= 30, `${cases.length} runs with a base and settings that differ`);
  const recommendations = cases.flatMap(({ run }): readonly RecommendationRow[] =>
    remediesFor(run.control).map(([recommendation_id, changes]) =>
      recommended(run.id, {
        recommended_at: START_MS,
        recommendation_id,
        changes,
        finding_id: `${run.id} ${recommendation_id}`,
      }),
    ),
  );
  const savings: Saving[] = [];
  // A period has room for so many changes; more at once are a rollout of something else.
  for (let from = 0; from < cases.length; from += EVENTS_MAX) {
    const some = cases.slice(from, from + EVENTS_MAX);
    savings.push(
      ...(await savingsOf(
        some.flatMap(({ base, run, index }) => hoursOf(base, run, index + 1)),
        recommendations,
      )),
    );
  }
  const counts = { helped: 0, worse: 0, no_effect: 0, too_early: 0 };
  const errors: number[] = [];
  for (const { base, run } of cases) {
    const saving = savings.find(({ service }) => service === run.id);
    if (saving === undefined) throw new Error(`${run.id} has no saving`);
    const effect = base.rssAtEnd - run.rssAtEnd;
    const isClear = Math.abs(effect) >= Math.max(0.1 * base.rssAtEnd, 4 * MIB);
    counts[saving.verdict as keyof typeof counts]++;
    context.diagnostic(
      `${run.id}: measured ${Math.round(effect / MIB)} MiB, ledger ${Math.round((saving.saved_bytes_per_host ?? 0) / MIB)} MiB, ${saving.verdict}`,
    );
    equal(saving.recommendation_id ?? null, remedyOf[run.mitigation] ?? null, `${run.id}: ${saving.setting}`);
    if (isClear) {
      errors.push(Math.abs((saving.saved_bytes_per_host ?? 0) - effect) / Math.abs(effect));
      equal(saving.verdict, effect > 0 ? "helped" : "worse", `${run.id}: ${effect / MIB} MiB, ${JSON.stringify(saving)}`);
    }
  }
  const median = errors.sort((a, b) => a - b)[Math.floor(errors.length / 2)] ?? Number.NaN;
  context.diagnostic(
    `${cases.length} runs, ${errors.length} with an effect of 10 % or more; ${JSON.stringify(counts)}; median error ${(median * 100).toFixed(1)} %`,
  );
  ok(errors.length >= 20 && median < 0.1, `${errors.length} runs, median error ${median}`);
});
