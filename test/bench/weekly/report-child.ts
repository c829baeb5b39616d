// One weekly report in a process of its own: prints its seconds, peak memory and the size of its page.
// Arguments: the folder of the lake, and where the page goes.
import { readFileSync, writeFileSync } from "node:fs";
import type { Context } from "aws-lambda";
import { windowBefore } from "../../../functions/core/window.ts";
import type { Message, QueryEngine } from "../../../functions/edges.ts";
import { createReportHandler } from "../../../functions/report.ts";
import { openLake } from "../../../local/duckdb.ts";
import { folderStore } from "../../../local/folder-store.ts";
import { END_MS } from "./source-lake.ts";

const [, , folder = "", path = ""] = process.argv;
const lake = await openLake(folder);
const secondsOf: Record<string, number> = {};
const queries: QueryEngine = {
  async run(name, parameters) {
    const startMs = performance.now();
    const rows = await lake.run(name, parameters);
    secondsOf[name] = (performance.now() - startMs) / 1_000;
    return rows;
  },
  unload: lake.unload,
};
const messages: Message[] = [];
const store = folderStore(folder);
const handler = createReportHandler({
  queries,
  catalogue: lake.catalogue,
  lake: store,
  notifier: { send: async (message) => void messages.push(message) },
});
const startMs = performance.now();
const key = await handler({ window: windowBefore(END_MS, 86_400_000, 7) }, {
  functionName: "report",
} as Context);
const seconds = (performance.now() - startMs) / 1_000;
const page = (await store.get(key)) ?? new Uint8Array();
writeFileSync(path, page);
lake.close();
process.stdout.write(
  JSON.stringify({
    seconds,
    secondsOf,
    pageBytes: page.length,
    textBytes: messages[0]?.text.length ?? 0,
    rssBytes: peakBytes(),
  }),
);

/** VmHWM of this program alone. */
function peakBytes(): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? Number.NaN) * 1_024;
}
