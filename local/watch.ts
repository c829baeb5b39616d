// tidemark watch: the collector beside the converter, on one machine, until stopped.
// Detection and reports are other verbs, and may run on the same folder meanwhile.
import { setTimeout as sleep } from "node:timers/promises";
import { createLogUpdate } from "log-update";
import { formatDuration } from "../functions/core/units.ts";
import { startCollector } from "./collector-process.ts";
import { pendingConverter } from "./convert-pending.ts";
import { conversionTotals, stderrLog } from "./log.ts";

/** How often new raw objects are looked for. */
const LOOK_EVERY_MS = 1_000;

export async function watch(options: {
  readonly folder: string;
  readonly tickMs: number;
  readonly rowMs: number;
  readonly flushMs: number;
}): Promise<number> {
  const totals = conversionTotals();
  const stop = new AbortController();
  // Not once: log-update listens too, and would end the process by the same signal if it were left alone with it.
  process.on("SIGINT", () => stop.abort());
  process.on("SIGTERM", () => stop.abort());
  const converter = pendingConverter(options.folder, { log: stderrLog, report: totals.add });
  const collector = startCollector(
    {
      TIDEMARK_DELIVERY_FOLDER: options.folder,
      TIDEMARK_TICK_MS: options.tickMs,
      TIDEMARK_ROW_MS: options.rowMs,
      TIDEMARK_FLUSH_MS: options.flushMs,
    },
    totals.noteLog,
  );
  void collector.ended.then(() => stop.abort());

  process.stderr.write(`watching into ${options.folder}; first rows after ${formatDuration(options.flushMs)}; Ctrl-C ends\n`);
  const startedMs = Date.now();
  const terminal = process.stderr.isTTY ? createLogUpdate(process.stderr) : null;
  let code: number;
  try {
    while (!stop.signal.aborted) {
      await converter.convertPending();
      terminal?.(`${formatDuration(Math.floor((Date.now() - startedMs) / 1_000) * 1_000)}: ${totals.text()}`);
      await sleep(LOOK_EVERY_MS, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  } finally {
    // Also when conversion threw: the collector would go on filling the folder for as long as this process lives.
    code = await collector.stop();
  }
  await converter.convertPending();
  terminal?.done();
  process.stderr.write(`${totals.text()}\n`);
  if (code !== 0) process.stderr.write(`the collector ended with code ${code}: ${totals.lastLog()}\n`);
  return code;
}
