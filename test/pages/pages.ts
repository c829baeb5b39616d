// Every page that Tidemark draws, with plausible and with hostile contents: one line each, and pages.test.ts holds it to all rules.
// The contents come from the fixtures of each page's own tests.
import { rmSync } from "node:fs";
import { askReview } from "../../functions/ask/review.ts";
import { renderReport } from "../../functions/core/report/page.ts";
import { renderReview } from "../../functions/core/review/page.ts";
import { reviewSpans } from "../../functions/core/review/span.ts";
import { renderWeekly } from "../../functions/core/weekly/page.ts";
import { openLake } from "../../local/duckdb.ts";
import { flamePage } from "../../local/profile/flame-page.ts";
import { flameTree, type NamedStack } from "../../local/profile/flame-tree.ts";
import { type Outcome, outcomeOf } from "../../local/whatif/compare.ts";
import { whatifPage } from "../../local/whatif/page.ts";
import { calmModel, hostileModel, hostileNames, mib, reportModel, startMs } from "../functions/core/report/models.ts";
import { hostileRows, modelOf, noRows, ordinaryRows } from "../functions/core/weekly/rows.ts";
import { lakeFolder } from "../support/lake.ts";
import { AFTERWARDS_MS, earlierPeak, peak, peakDeliveries } from "../support/peak-stories.ts";

export const pages: Readonly<Record<string, () => Promise<string>>> = {
  report: () => renderReport(reportModel()),
  "report-calm": () => renderReport(calmModel),
  "report-hostile": () => renderReport(hostileModel),
  weekly: () => renderWeekly(modelOf(ordinaryRows)),
  "weekly-empty": () => renderWeekly(modelOf(noRows)),
  "weekly-hostile": () => renderWeekly(modelOf(hostileRows)),
  review: () => reviewPage(),
  whatif: () => whatifOf("redis-server --save ''", ["baseline", "jemalloc", "mimalloc"]),
  "whatif-hostile": () => whatifOf(hostileNames.join(" "), ["baseline", ...hostileNames.slice(0, 6)]),
  flame: () => flameOf(["handle", "parse", "cache_put", "arena_grow"]),
  "flame-hostile": () => flameOf(hostileNames),
};

/** Of stories that have a hostile service among them. */
async function reviewPage(): Promise<string> {
  const folder = await lakeFolder(peakDeliveries(), AFTERWARDS_MS, true);
  const lake = await openLake(folder);
  try {
    const spans = reviewSpans({ ...peak, title: null, against: [earlierPeak], weeks: 0 }, AFTERWARDS_MS);
    return await renderReview(
      await askReview(lake, { spans, thresholds: {}, catalogue: lake.catalogue, generatedAtMs: AFTERWARDS_MS }),
    );
  } finally {
    lake.close();
    rmSync(folder, { recursive: true });
  }
}

/** Rises to 200 MiB, and keeps less of it from setting to setting. */
function whatifOf(command: string, names: readonly string[]): Promise<string> {
  const outcomes = names.map((name, index): Outcome => {
    const kept = Math.round((180 * mib) / (index + 1));
    const points = Array.from({ length: 61 }, (_, at) => ({ atMs: at * 100, rssBytes: at <= 20 ? at * 10 * mib : kept }));
    const run = {
      ending: { kind: "ended" as const },
      points,
      heaps: [],
      peakRssBytes: 200 * mib,
      cpuSeconds: 1,
      seconds: 2,
      durationMs: 6_000,
      notes: [],
    };
    const changes: Readonly<Record<string, string>> = index === 0 ? {} : { LD_PRELOAD: `/usr/lib/${name}` };
    const setting = {
      id: name,
      title: name,
      changes,
      relief: false,
      effort: "setting" as const,
      expectedBytes: null,
      why: name,
      allocator: null,
    };
    return outcomeOf(setting, [run], 4_000);
  });
  const [base, ...others] = outcomes;
  if (base === undefined) throw new Error("a matrix has a baseline");
  return whatifPage({ command, load: null, base, others, leftOut: names.slice(1) }, startMs);
}

function flameOf(names: readonly string[]): Promise<string> {
  const stacks: readonly NamedStack[] = names.map((_, index) => ({
    places: names.slice(index).map((name) => ({ name, file: `/usr/lib/${name}.so` })),
    bytes: (index + 1) * 20 * mib,
    blocks: index + 1,
  }));
  return flamePage({ title: names[0] ?? "", about: names, tree: flameTree(stacks), stacks });
}
