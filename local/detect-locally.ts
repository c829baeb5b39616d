// Runs the detection handler on a folder's lake, as the scheduler does on AWS. The terminal is the place for messages here.
import type { Context } from "aws-lambda";
import type { Window } from "../functions/core/window.ts";
import { createDetectHandler } from "../functions/detect.ts";
import type { Notifier, QueryEngine } from "../functions/edges.ts";
import type { Finding } from "../schema/columns.ts";
import { folderStore } from "./folder-store.ts";

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
    observe: () => undefined,
  });
  return handler({ window }, { functionName: "detect", getRemainingTimeInMillis: () => 15 * 60_000 } as Context);
}
