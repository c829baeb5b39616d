// Runs the detection handler on a folder's lake, as the schedulers do on AWS: trends, then what is acute at the end of the window.
// The terminal is the place for messages here.
import type { Context } from "aws-lambda";
import { thresholdNames } from "../functions/core/threshold-names.ts";
import type { Window } from "../functions/core/window.ts";
import { createDetectHandler } from "../functions/detect.ts";
import type { Notifier, QueryEngine } from "../functions/edges.ts";
import { readCatalogue } from "../queries/catalogue.ts";
import type { Finding } from "../schema/columns.ts";
import { folderStore } from "./folder-store.ts";
import { stderrLog } from "./log.ts";

/** Findings are printed as a table by the caller; a second telling would only be noise. */
const silent: Notifier = { send: async () => undefined };

export async function detectLocally(
  queries: QueryEngine,
  folder: string,
  window: Window,
  thresholds: Readonly<Record<string, number>>,
): Promise<readonly Finding[]> {
  const handler = createDetectHandler({
    queries,
    lake: folderStore(folder),
    notifier: silent,
    thresholds,
    thresholdNames: thresholdNames(readCatalogue().values()),
    observe: ({ alertConfigProblems }) => {
      for (const problem of alertConfigProblems) stderrLog.error("the alert settings are not used", { problem });
    },
  });
  const context = { functionName: "detect", getRemainingTimeInMillis: () => 15 * 60_000 } as Context;
  return [
    ...(await handler({ window, detector: "trends" }, context)),
    ...(await handler({ window, detector: "acute" }, context)),
  ];
}
