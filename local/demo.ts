// What npm start does: real workloads under traffic, the real collector, conversion, detection and a report, in about a minute.
// Time is compressed by settings alone: a cycle of traffic stands for a day, a second for some minutes.
import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { drawReport } from "../functions/ask/report-page.ts";
import { windowBefore } from "../functions/core/window.ts";
import { startCollector } from "./collector-process.ts";
import { pendingConverter } from "./convert-pending.ts";
import { demoProgress } from "./demo-progress.ts";
import { detectLocally } from "./detect-locally.ts";
import { openLake } from "./duckdb.ts";
import { findingsText } from "./findings-text.ts";
import { conversionTotals, stderrLog } from "./log.ts";
import { rollUpLocally } from "./roll-up-locally.ts";
import { startWorkload, workloads } from "./workloads.ts";

/** One cycle of the workloads' traffic; it stands for a day. */
const CYCLE_SECONDS = 15;
/** A row interval; it stands for an hour. */
const BUCKET_SECONDS = 1;
/** A rise that lasts is seen from the third trough on. */
const CYCLES = 3;
/** Between the workloads' start and the first complete row of all of them. */
const HEAD_START_MS = 1_500;
const MIB = 1_024 * 1_024;
/** Byte floors for workloads of 48 MiB, and a day of so many hours; the defaults are for services of production size. */
const THRESHOLDS = {
  excess_bytes_min: 8 * MIB,
  free_bytes_min: 8 * MIB,
  kept_hours_min: CYCLE_SECONDS / BUCKET_SECONDS,
  valley_hours_min: 4,
};

/** Returns the exit code: 0 when each workload was judged rightly. */
export async function demo(options: { readonly folder: string; readonly reportPath: string }): Promise<number> {
  const { folder } = options;
  const totals = conversionTotals();
  const converter = pendingConverter(folder, { log: stderrLog, report: totals.add });
  const running = workloads(CYCLE_SECONDS).map(startWorkload);
  const collector = startCollector(
    {
      TIDEMARK_DELIVERY_FOLDER: folder,
      TIDEMARK_TICK_MS: 1_000,
      TIDEMARK_ROW_MS: 1_000,
      TIDEMARK_FLUSH_MS: 5_000,
      TIDEMARK_RSS_BYTES_MIN: MIB,
      TIDEMARK_HISTOGRAM_MS: 5_000,
      TIDEMARK_WALK_COST_SHARE_MAX: 0.05,
      TIDEMARK_ALL_WALKS_COST_SHARE_MAX: 0.5,
      TIDEMARK_ALL_LOOKS_COST_SHARE_MAX: 0.1,
      TIDEMARK_ROWS_COST_SHARE_MAX: 0.1,
      TIDEMARK_TICKS_COST_SHARE_MAX: 0.1,
      TIDEMARK_ROLLUP_COST_SHARE_MAX: 0.02,
    },
    (line) => totals.noteLog(line),
  );
  const progress = demoProgress(running, totals);
  const stopAll = () => {
    for (const { child } of running) child.kill("SIGTERM");
  };
  process.once("exit", stopAll);
  const interrupted = new AbortController();
  // Not once: log-update listens too, and would end the process by the same signal if it were left alone with it.
  process.on("SIGINT", () => interrupted.abort());
  process.on("SIGTERM", () => interrupted.abort());

  const startedMs = Date.now();
  const endMs = startedMs + HEAD_START_MS + CYCLES * CYCLE_SECONDS * 1_000;
  let collectorEnded = false;
  void collector.ended.then(() => {
    collectorEnded = true;
  });
  try {
    while (Date.now() < endMs && !interrupted.signal.aborted && !collectorEnded) {
      await converter.convertPending();
      progress.show({ elapsedMs: Date.now() - startedMs, totalMs: endMs - startedMs });
      await sleep(Math.min(1_000, Math.max(0, endMs - Date.now())), undefined, { signal: interrupted.signal }).catch(
        () => undefined,
      );
    }
    if (collectorEnded) throw new Error(`the collector ended with code ${await collector.ended}: ${totals.lastLog()}`);
  } finally {
    // Also when conversion threw: nobody else would end these programs while this process is on its way out.
    progress.done();
    await collector.stop();
    stopAll();
  }
  await converter.convertPending();
  if (interrupted.signal.aborted) return 130;

  const window = windowBefore(endMs, CYCLE_SECONDS * 1_000, CYCLES);
  await rollUpLocally(folder, window, BUCKET_SECONDS);
  const lake = await openLake(folder);
  try {
    const findings = await detectLocally(lake, folder, window, THRESHOLDS);
    const report = await drawReport(lake, {
      window,
      findings,
      title: "Tidemark demo",
      generatedAtMs: Date.now(),
      // On a machine with larger programs the healthy ones would otherwise be the last to be drawn.
      servicesFirst: running.map(({ service }) => service),
    });
    writeFileSync(options.reportPath, report);

    process.stdout.write(`${findingsText(findings, process.stdout.columns ?? 140)}\n`);
    const misjudged = running.filter(({ service, expectedCause }) => {
      const causes = findings.filter((finding) => finding.service === service).map((finding) => finding.cause);
      return causes.join() !== (expectedCause ?? "");
    });
    for (const { service, behaviour, expectedCause } of running) {
      const mark = misjudged.some((workload) => workload.service === service) ? "WRONG" : "right";
      process.stdout.write(`  ${mark}  ${service} ${behaviour}: expected ${expectedCause ?? "silence"}\n`);
    }
    const here = (path: string) => relative(process.cwd(), path) || ".";
    process.stdout.write(
      `\n${totals.text()}\nreport: ${here(options.reportPath)}\nlake:   ${here(join(folder, "lake"))}\n` +
        `ask it: npm run sql -- "select service, max(rss_bytes) from process_samples group by service"\n` +
        "        npm run sql      lists the named queries\n",
    );
    return misjudged.length === 0 ? 0 : 1;
  } finally {
    lake.close();
  }
}
