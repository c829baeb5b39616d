// Live progress of the demo: how far it is, and the resident memory of each workload as it rises and falls.
// On a terminal the picture is redrawn in place; elsewhere a line appears now and then.
import { createLogUpdate } from "log-update";
import { readAndParse } from "../collector/proc/read.ts";
import { parseStatus } from "../collector/proc/status.ts";
import { formatBytes } from "../functions/core/units.ts";
import type { ConversionTotals } from "./log.ts";
import type { RunningWorkload } from "./workloads.ts";

/** Characters of the longest bar; bars are drawn against the largest memory seen. */
const BAR_WIDTH = 32;
const LINE_EVERY_MS = 10_000;

export interface DemoProgress {
  show(at: { readonly elapsedMs: number; readonly totalMs: number }): void;
  done(): void;
}

export function demoProgress(running: readonly RunningWorkload[], totals: ConversionTotals): DemoProgress {
  const terminal = process.stderr.isTTY ? createLogUpdate(process.stderr) : null;
  const nameWidth = Math.max(...running.map(({ service }) => service.length));
  let largestBytes = 1;
  let nextLineMs = 0;
  return {
    show({ elapsedMs, totalMs }) {
      const head = `watching this machine: ${Math.round(elapsedMs / 1_000)} of ${Math.round(totalMs / 1_000)} s; ${totals.text()}`;
      if (terminal === null) {
        if (elapsedMs < nextLineMs) return;
        nextLineMs = elapsedMs + LINE_EVERY_MS;
        process.stderr.write(`${head}\n`);
        return;
      }
      const lines = running.map(({ service, child }) => {
        const status = readAndParse(`/proc/${child.pid}/status`, parseStatus);
        const rss = status.ok ? status.value.rss_bytes : null;
        largestBytes = Math.max(largestBytes, rss ?? 0);
        const bar = "█".repeat(Math.round(((rss ?? 0) / largestBytes) * BAR_WIDTH));
        return `  ${service.padEnd(nameWidth)} ${bar.padEnd(BAR_WIDTH)} RSS ${formatBytes(rss)}`;
      });
      terminal([head, ...lines].join("\n"));
    },
    done() {
      terminal?.clear();
    },
  };
}
