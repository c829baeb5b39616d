// tidemark report --weekly: the weekly report of a folder's lake, with the message that a mail would have on the terminal.
// The handler is the one that AWS runs; rollup and detection, which it finds done there, are done first.
import { copyFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Context } from "aws-lambda";
import { windowBefore } from "../functions/core/window.ts";
import type { Message } from "../functions/edges.ts";
import { createReportHandler } from "../functions/report.ts";
import { detectLocally } from "./detect-locally.ts";
import { openLake } from "./duckdb.ts";
import { folderStore } from "./folder-store.ts";
import { bucketSecondsOf, convertAll, newestSample, type ReportVerb, thresholdsOf } from "./report.ts";
import { rollUpLocally } from "./roll-up-locally.ts";

export async function weekly({ folder, reportPath, periodMs, periodCount, parameters }: ReportVerb): Promise<void> {
  await convertAll(folder);
  const window = windowBefore((await newestSample(folder)) + 1, periodMs, periodCount);
  const thresholds = thresholdsOf(parameters);
  // The week before is compared with.
  await rollUpLocally(folder, { startMs: 2 * window.startMs - window.endMs, endMs: window.endMs }, bucketSecondsOf(periodMs));
  await withLake(folder, (lake) => detectLocally(lake, folder, window, thresholds));
  const messages: Message[] = [];
  // Opened again: a table that was empty before detection is not seen by a lake that was open then.
  const key = await withLake(folder, (queries) => {
    const handler = createReportHandler({
      queries,
      catalogue: queries.catalogue,
      lake: folderStore(folder),
      notifier: { send: async (message) => void messages.push(message) },
    });
    return handler({ window }, { functionName: "report" } as Context);
  });
  copyFileSync(join(folder, key), reportPath);
  for (const { subject, text } of messages) process.stdout.write(`${subject}\n\n${text}`);
  process.stdout.write(`report: ${relative(process.cwd(), reportPath)}\n`);
}

async function withLake<T>(folder: string, use: (lake: Awaited<ReturnType<typeof openLake>>) => Promise<T>): Promise<T> {
  const lake = await openLake(folder);
  try {
    return await use(lake);
  } finally {
    lake.close();
  }
}
