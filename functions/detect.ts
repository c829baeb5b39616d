// Scheduled: asks the lake who leaks, holds or runs out of memory, files the findings as rows, and tells people what is new.
// What counts is in queries/ and core; where messages go is the notifier's.
import middy from "@middy/core";
import type { Finding } from "../schema/columns.ts";
import { ALERT_CONFIG_KEY, lakeKey, partitionOf } from "../schema/keys.ts";
import { detectAcute } from "./ask/acute.ts";
import { detect, type Thresholds } from "./ask/detection.ts";
import { adviseOnFindings, fileRecommendations, isLedgerDue, updateLedger } from "./ask/ledger.ts";
import { reviewDuePeaks } from "./ask/peaks.ts";
import { type ReadAlertConfig, readAlertConfig } from "./core/alert-config.ts";
import { configFindings } from "./core/alert-config-findings.ts";
import { mutedBecause, thresholdSets } from "./core/alert-config-rules.ts";
import { type Detector, isBlind, nextStates } from "./core/finding-states.ts";
import { findingOf, findingTable } from "./core/finding-table.ts";
import { alertMessages, resolvedMessages } from "./core/messages.ts";
import { writeParquet } from "./core/parquet/write.ts";
import { maybeNumber } from "./core/result-rows.ts";
import { type Window, windowParameters } from "./core/window.ts";
import type { Notifier, ObjectStore, QueryEngine } from "./edges.ts";

export interface DetectEdge {
  readonly queries: QueryEngine;
  readonly lake: ObjectStore;
  readonly notifier: Notifier;
  /** Where the team's copy of docs/runbook.md can be read; without an address messages name its headings. */
  readonly runbookUrl?: string;
  readonly thresholds: Thresholds;
  /** All thresholds that the queries know, by name. */
  readonly thresholdNames: ReadonlySet<string>;
  /** Hears how the lake is at the end of each run over trends. */
  readonly observe: (observation: LakeObservation) => void;
}

/** Null where the last day has no samples at all. */
export interface LakeObservation {
  readonly findingsOpen: number;
  readonly newestSampleAgeSeconds: number | null;
  readonly silentHosts: number | null;
  /** What is wrong with the alert settings. */
  readonly alertConfigProblems: readonly string[];
}

export interface DetectEvent {
  readonly window: Window;
  /** Trends over the whole window, every hour; or what is acute in the minutes before its end, every few minutes. */
  readonly detector: Detector;
}

const DAY_MS = 24 * 3_600_000;
/** Findings that were last seen longer ago are news: damping takes a day, and detection itself may be down over a weekend. */
const KNOWN_MS = 3 * DAY_MS;
/** How far back the freshest row is looked for: a day shows how many hosts are silent, an hour whether minutes can be judged. */
const FRESHNESS_MS: Readonly<Record<Detector, number>> = { trends: DAY_MS, acute: DAY_MS / 24 };

/** Returns what was found, each with its state. */
export const createDetectHandler = (edge: DetectEdge) =>
  middy(async ({ window, detector }: DetectEvent): Promise<readonly Finding[]> => {
    const { queries, notifier } = edge;
    const { endMs } = window;
    const before = (spanMs: number) => windowParameters({ startMs: endMs - spanMs, endMs });
    const settings = await alertConfigOf(edge, endMs);
    const found = [
      ...(await findBySets(edge, { window, detector }, settings)),
      ...(detector === "trends" ? configFindings(settings, endMs) : []),
    ];
    const known = (await queries.run("recent_findings", before(KNOWN_MS))).map(findingOf);
    // Asked before anything is said: a run that fails after its messages are out would say them again when it is retried.
    const [freshness] = await queries.run("sample_freshness", before(FRESHNESS_MS[detector]));
    const newestSampleAgeSeconds = freshness === undefined ? null : maybeNumber(freshness, "newest_sample_age_seconds");
    const { rows, news, resolved } = nextStates({
      detector,
      nowMs: endMs,
      found,
      known,
      isBlind: isBlind(detector, newestSampleAgeSeconds),
      mutedBecause: (finding) => mutedBecause(settings.config, finding, endMs),
    });
    const peaks = detector === "trends" ? await reviewDuePeaks(queries, settings.config.peaks, window) : [];
    const open = rows.filter(({ state }) => state !== "resolved");
    // Once a period, and when there is news to give it with: it reads a period of samples.
    const isDue = detector === "trends" && (await isLedgerDue(edge.lake, window));
    const isAdvised = isDue || (detector === "trends" && news.length > 0);
    const advice = await adviseOnFindings(queries, isAdvised ? open : [], window);
    for (const message of [...alertMessages(news, advice.adviceOf, edge.runbookUrl), ...resolvedMessages(resolved), ...peaks])
      await notifier.send(message);

    // Filed after the messages are out: a run that fails between the two says something twice rather than never.
    await file(edge.lake, { window, detector }, rows);
    await fileRecommendations(edge.lake, "advice", advice.rows, endMs);
    if (isDue) await updateLedger(edge, window);
    if (detector === "trends") {
      edge.observe({
        findingsOpen: open.length,
        newestSampleAgeSeconds,
        silentHosts: freshness === undefined ? null : maybeNumber(freshness, "silent_host_count"),
        alertConfigProblems: settings.problems,
      });
    }
    return open;
  });

/** Settings that cannot be read are settings with a problem: they must not keep anybody from being told. */
async function alertConfigOf({ lake, thresholdNames }: DetectEdge, nowMs: number): Promise<ReadAlertConfig> {
  const context = { nowMs, thresholdNames };
  try {
    return readAlertConfig(await lake.get(ALERT_CONFIG_KEY), context);
  } catch (error) {
    return { ...readAlertConfig(null, context), problems: [`the file cannot be read: ${(error as Error).message}`] };
  }
}

/** Services with thresholds of their own are asked about with those, and everybody else with the fleet's. */
async function findBySets(
  { queries, thresholds }: DetectEdge,
  { window, detector }: DetectEvent,
  { config }: ReadAlertConfig,
): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for (const set of thresholdSets(config, thresholds)) {
    const all =
      detector === "trends"
        ? await detect(queries, window, set.thresholds)
        : await detectAcute(queries, window.endMs, set.thresholds);
    found.push(...all.filter(({ service }) => set.isFor(service)));
  }
  return found;
}

/** The key is the window's end, so that detecting the same window again replaces its findings. */
async function file(lake: ObjectStore, { window, detector }: DetectEvent, rows: readonly Finding[]): Promise<void> {
  // Of the many runs over minutes most find nothing: a year of empty files would slow every question about findings.
  if (detector === "acute" && rows.length === 0) return;
  const name = detector === "trends" ? "detect" : "acute";
  const key = lakeKey("finding", partitionOf(window.endMs), `${name}-${window.endMs}`);
  await lake.put(key, writeParquet("finding", findingTable(rows)));
}
