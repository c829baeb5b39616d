// tidemark review: looks back at a peak on a folder's lake; the text on the terminal, the page in the lake's reports/ or where it is wanted.
// What is asked and judged is functions/ask/review.ts and functions/core/review.
import { globSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { askReview } from "../functions/ask/review.ts";
import { reviewText } from "../functions/core/review/message.ts";
import type { ReviewModel } from "../functions/core/review/model.ts";
import { renderReview } from "../functions/core/review/page.ts";
import { type ReviewRequest, type ReviewSpans, readingOf, reviewSpans } from "../functions/core/review/span.ts";
import { reviewKey } from "../functions/review.ts";
import type { TableName } from "../schema/columns.ts";
import { HOUR_MS, lakePrefix, partitionOf } from "../schema/keys.ts";
import { pendingConverter } from "./convert-pending.ts";
import { openLake } from "./duckdb.ts";
import { folderStore } from "./folder-store.ts";
import { conversionTotals, stderrLog } from "./log.ts";
import { rollUpLocally } from "./roll-up-locally.ts";

const DAY_MS = 24 * HOUR_MS;
/** Detection looks at so many days (functions/ask/review.ts). */
const DETECTION_MS = 7 * DAY_MS;

export interface ReviewVerb {
  readonly request: ReviewRequest;
  readonly folder: string;
  /** Null: in the lake. */
  readonly outPath: string | null;
  readonly json: boolean;
}

export async function review({ request, folder, outPath, json }: ReviewVerb): Promise<void> {
  const generatedAtMs = Date.now();
  const spans = reviewSpans(request, generatedAtMs);
  await prepare(folder, spans);
  const lake = await openLake(folder);
  try {
    const model = await askReview(lake, { spans, thresholds: {}, catalogue: lake.catalogue, generatedAtMs });
    const page = await renderReview(model);
    const key = reviewKey(spans.peak);
    if (outPath === null) await folderStore(folder).put(key, Buffer.from(page));
    else writeFileSync(outPath, page);
    const shown = relative(process.cwd(), outPath ?? join(folder, key));
    process.stdout.write(json ? `${JSON.stringify(jsonOf(model, shown))}\n` : `${reviewText(model, shown)}\n`);
  } finally {
    lake.close();
  }
}

/** What has arrived is converted, and the hours that the review reads are rolled up where they are not yet. */
async function prepare(folder: string, { peak, against }: ReviewSpans): Promise<void> {
  await pendingConverter(folder, { log: stderrLog, report: conversionTotals().add }).convertPending();
  const peakReading = readingOf(peak);
  const stretches = [
    { startMs: peakReading.endMs - DETECTION_MS, endMs: peakReading.endMs },
    ...[peak, ...against].map(readingOf).filter(({ reads }) => reads === "hours"),
  ];
  for (const stretch of stretches) await rollUpLocally(folder, stretch, HOUR_MS / 1_000, (hourMs) => isStale(folder, hourMs));
}

/** Rolled up never, or before its newest rows came. */
function isStale(folder: string, hourMs: number): boolean {
  const newest = (table: TableName) =>
    Math.max(
      0,
      ...globSync(join(folder, lakePrefix(table, partitionOf(hourMs)), "*.parquet")).map((file) => statSync(file).mtimeMs),
    );
  return newest("process_hour") < newest("process");
}

/** Names as in the model; maps as objects. */
const jsonOf = (model: ReviewModel, page: string) => ({ ...model, timelines: Object.fromEntries(model.timelines), page });
