// Rolls up the hours of a folder's lake, as the scheduler does hour by hour on AWS.
// What a rolled-up row holds is the handler's and the query's.
import type { Context } from "aws-lambda";
import { createRollupHandler, settledAt } from "../functions/rollup.ts";
import { openLake } from "./duckdb.ts";
import { folderStore } from "./folder-store.ts";

const HOUR_MS = 3_600_000;

/** Every hour of the stretch that has process rows, or those of them that `isWanted`; hours without cost nothing. Times are ms since 1970. */
export async function rollUpLocally(
  folder: string,
  stretch: { readonly startMs: number; readonly endMs: number },
  bucketSeconds: number,
  isWanted: (hourMs: number) => boolean = () => true,
) {
  const lake = await openLake(folder);
  try {
    const { rows } = await lake.query(
      "SELECT DISTINCT epoch_ms(CAST(dt AS TIMESTAMP)) + hr * 3600000 AS hour FROM process ORDER BY hour",
    );
    const hoursMs = rows
      .map(([hour]) => Number(hour))
      .filter((hour) => hour + HOUR_MS > stretch.startMs && hour < stretch.endMs && isWanted(hour));
    const handler = createRollupHandler({ queries: lake, lake: folderStore(folder), bucketSeconds, report: () => undefined });
    const event = { hoursMs, settledMs: settledAt(Date.now()), runId: `local-${process.pid}` };
    await handler(event, { functionName: "rollup" } as Context);
  } finally {
    lake.close();
  }
}
