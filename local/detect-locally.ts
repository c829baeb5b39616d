// Runs the detection handler on a folder's lake, as the scheduler does on AWS.
import type { Context } from "aws-lambda";
import type { Window } from "../functions/core/window.ts";
import { createDetectHandler } from "../functions/detect.ts";
import type { QueryEngine } from "../functions/edges.ts";
import type { Finding } from "../schema/columns.ts";
import { folderStore } from "./folder-store.ts";

export async function detectLocally(
  queries: QueryEngine,
  folder: string,
  window: Window,
  thresholds: Readonly<Record<string, number>>,
): Promise<readonly Finding[]> {
  const handler = createDetectHandler({ queries, store: folderStore(folder), thresholds });
  return handler({ window }, { functionName: "detect", getRemainingTimeInMillis: () => 15 * 60_000 } as Context);
}
