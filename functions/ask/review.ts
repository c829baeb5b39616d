// Asks the lake about a peak, the earlier ones that it is compared with, and what detection says of the days before.
// What follows from the rows is core/review's; keeping the page and telling people is the handler's.
import type { Finding } from "../../schema/columns.ts";
import { findingOf } from "../core/finding-table.ts";
import { changesOf } from "../core/review/changes.ts";
import { hostCount, hostTroubles } from "../core/review/hosts.ts";
import { judgeServices } from "../core/review/judge.ts";
import type { ReviewModel } from "../core/review/model.ts";
import { type Reading, type ReviewSpans, readingOf, type Span, spanText } from "../core/review/span.ts";
import { timelinesOf } from "../core/review/timelines.ts";
import { worseVersions } from "../core/review/versions.ts";
import { windowBefore, windowParameters } from "../core/window.ts";
import type { QueryEngine, QueryParameters, ResultRow } from "../edges.ts";
import { detect, type Thresholds } from "./detection.ts";
import { withdrawnAdvice } from "./ledger.ts";
import { type Catalogue, recordedQueries } from "./recorded-queries.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = DAY_MS / 24;
/** Days that detection looks at: it wants valleys between peaks. */
const DETECTION_DAYS = 7;
/** Detection files what it finds every hour; a day tells what is still so. */
const FILED_MS = DAY_MS;
/** Where the memory is afterwards: the last minutes of the calm have a row of every process. */
const COMPOSITION_MS = 30 * 60_000;
/** Largest heaps of a fleet that are read for advice: every service that matters has one among them. */
const COMPOSITION_PROCESSES_MAX = 2_000;

export interface ReviewQuestion {
  readonly spans: ReviewSpans;
  readonly thresholds: Thresholds;
  readonly catalogue: Catalogue;
  readonly generatedAtMs: number;
}

export async function askReview(
  engine: Pick<QueryEngine, "run">,
  { spans, thresholds, catalogue, generatedAtMs }: ReviewQuestion,
): Promise<ReviewModel> {
  const recorded = recordedQueries(engine, catalogue);
  const { queries } = recorded;
  const { peak } = spans;
  const reading = readingOf(peak);
  // What has not been yet cannot be read; the page says so where nothing came after the peak.
  const endMs = Math.min(reading.endMs, Math.max(generatedAtMs, peak.toMs));
  const rows = await askServices(queries, peak, { ...reading, endMs });
  const hosts = await queries.run("review_hosts", {
    ...windowParameters({ startMs: reading.startMs, endMs }),
    peak_from: peak.fromMs,
    peak_to: peak.toMs,
  });
  const events = await queries.run("review_events", windowParameters({ startMs: peak.fromMs, endMs: peak.toMs }));
  const earlier: (readonly ResultRow[])[] = [];
  for (const span of spans.against) earlier.push(await askServices(queries, span, readingOf(span)));
  // A lake without rows of the peak has nothing to say of the days before it either.
  const findings = rows.length === 0 ? [] : await findingsOf(queries, endMs, thresholds);
  const composition = rows.length === 0 ? [] : await queries.run("heap_composition", compositionParameters(peak, endMs));
  const timeline = rows.length === 0 ? [] : await queries.run("review_timeline", timelineParameters(reading, endMs));
  // As of now, not of the peak: what has failed since is not worth trying again.
  const withdrawn = await withdrawnAdvice(queries, { endMs: generatedAtMs });
  const services = judgeServices({ rows, events, earlier, findings });
  return {
    title: spans.title ?? `Peak review, ${spanText(peak)}`,
    peak,
    startMs: reading.startMs,
    endMs,
    reads: reading.reads,
    against: spans.against.map((span, index) => ({ span, hasRows: (earlier[index] ?? []).length > 0 })),
    generatedAtMs,
    services,
    worseVersions: worseVersions(services),
    hostCount: hostCount(hosts),
    hostTroubles: hostTroubles(hosts),
    changes: changesOf(services, composition, withdrawn),
    timelines: timelinesOf(timeline),
    queries: recorded.asked(),
  };
}

const askServices = (queries: Pick<QueryEngine, "run">, peak: Span, reading: Reading): Promise<readonly ResultRow[]> =>
  queries.run("review_services", {
    ...windowParameters(reading),
    peak_from: peak.fromMs,
    peak_to: peak.toMs,
    bucket_seconds: reading.bucketSeconds,
    reads: reading.reads,
  });

/**
 * What detection has filed until then, which costs next to nothing; where it has filed nothing it is run now, by whole hours, as
 * the rollup has them. What is acute is in the review's own figures.
 */
async function findingsOf(
  queries: Pick<QueryEngine, "run">,
  endMs: number,
  thresholds: Thresholds,
): Promise<readonly Finding[]> {
  const filed = await queries.run("recent_findings", windowParameters({ startMs: endMs - FILED_MS, endMs: endMs + 1 }));
  if (filed.length > 0) {
    const findings = filed.map(findingOf);
    return findings.filter(({ detector, state }) => detector !== "acute" && state !== "resolved");
  }
  const lastHourMs = Math.floor(endMs / HOUR_MS) * HOUR_MS;
  return detect(queries, windowBefore(lastHourMs, DAY_MS, DETECTION_DAYS), thresholds);
}

const compositionParameters = (peak: Span, endMs: number): QueryParameters => ({
  ...windowParameters({ startMs: Math.max(peak.toMs - COMPOSITION_MS, endMs - COMPOSITION_MS), endMs }),
  process_count_max: COMPOSITION_PROCESSES_MAX,
});

const timelineParameters = ({ startMs, reads, stepSeconds }: Reading, endMs: number): QueryParameters => ({
  ...windowParameters({ startMs, endMs }),
  reads,
  step_seconds: stepSeconds,
});
