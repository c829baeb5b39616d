// Scheduled weekly: asks about the week and the one before, keeps the drawn page, and tells people where it lies.
// What is asked is ask/weekly.ts's, what it says core/weekly's; which week is meant is the entry's decision.
import middy from "@middy/core";
import { REPORTS_PREFIX } from "../schema/keys.ts";
import { askWeekly, type QueryAbout } from "./ask/weekly.ts";
import { weeklyMessage } from "./core/weekly/message.ts";
import { renderWeekly } from "./core/weekly/page.ts";
import type { Window } from "./core/window.ts";
import type { Notifier, ObjectStore, QueryEngine } from "./edges.ts";

export interface ReportEdge {
  readonly queries: QueryEngine;
  /** The named queries, for the page's appendix. */
  readonly catalogue: ReadonlyMap<string, QueryAbout>;
  readonly lake: ObjectStore;
  readonly notifier: Notifier;
}

export interface ReportEvent {
  readonly window: Window;
}

/** Returns the key of the page. Of the same window it is always the same, so that a retry takes the place of its page. */
export const createReportHandler = ({ queries, catalogue, lake, notifier }: ReportEdge) =>
  middy(async ({ window }: ReportEvent): Promise<string> => {
    const model = await askWeekly({ queries, catalogue, window, generatedAtMs: window.endMs });
    const key = `${REPORTS_PREFIX}weekly-report-${new Date(window.endMs).toISOString().slice(0, 16).replace(":", "")}.html`;
    await lake.put(key, Buffer.from(await renderWeekly(model)));
    await notifier.send(weeklyMessage(model, { key, link: await lake.link(key) }));
    return key;
  });
