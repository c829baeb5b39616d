// On demand, the day after a peak: asks what it left behind, keeps the drawn page, and tells people where it lies.
// What is read and judged is ask/review.ts and core/review; which peak is meant is the entry's.
import middy from "@middy/core";
import { REPORTS_PREFIX } from "../schema/keys.ts";
import type { Thresholds } from "./ask/detection.ts";
import type { Catalogue } from "./ask/recorded-queries.ts";
import { askReview } from "./ask/review.ts";
import { reviewMessage } from "./core/review/message.ts";
import { renderReview } from "./core/review/page.ts";
import { type ReviewRequest, reviewSpans, type Span } from "./core/review/span.ts";
import type { Notifier, ObjectStore, QueryEngine } from "./edges.ts";

export interface ReviewEdge {
  readonly queries: Pick<QueryEngine, "run">;
  readonly lake: ObjectStore;
  readonly notifier: Notifier;
  readonly thresholds: Thresholds;
  readonly catalogue: Catalogue;
  readonly nowMs: () => number;
}

/** Returns the key of the page. Asked again, the same review takes its place. */
export const createReviewHandler = (edge: ReviewEdge) =>
  middy(async (request: ReviewRequest): Promise<string> => {
    const { thresholds, catalogue } = edge;
    const generatedAtMs = edge.nowMs();
    const spans = reviewSpans(request, generatedAtMs);
    const model = await askReview(edge.queries, { spans, thresholds, catalogue, generatedAtMs });
    const key = reviewKey(spans.peak);
    await edge.lake.put(key, Buffer.from(await renderReview(model)));
    await edge.notifier.send(reviewMessage(model, (await edge.lake.link(key)) ?? key));
    return key;
  });

export const reviewKey = ({ fromMs, toMs }: Span): string =>
  `${REPORTS_PREFIX}peak-review-${fileTime(fromMs)}-${fileTime(toMs)}.html`;

/** `2026-11-23T1200`: no colon, which file systems and URLs mind. */
const fileTime = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 16).replace(":", "");
