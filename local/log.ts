// What the one-machine pipeline says and counts while it works.
import type { ConvertReport } from "../functions/convert.ts";
import { formatBytes, formatCount } from "../functions/core/units.ts";
import type { Log } from "../functions/edges.ts";

const write = (level: string, message: string, fields: Readonly<Record<string, unknown>> = {}) => {
  const { error, ...rest } = fields;
  const cause = error instanceof Error ? { error: error.message } : {};
  process.stderr.write(`${JSON.stringify({ level, message, ...rest, ...cause })}\n`);
};

/** Warnings and errors as JSON lines on stderr; information would only disturb a person. */
export const stderrLog: Log = {
  info: () => undefined,
  warn: (message, fields) => write("warn", message, fields),
  error: (message, fields) => write("error", message, fields),
};

export interface ConversionTotals {
  add(report: ConvertReport): void;
  /** Keeps the collector's last words, for the case that it ends before it should. */
  noteLog(line: string): void;
  lastLog(): string;
  text(): string;
}

export function conversionTotals(): ConversionTotals {
  const sums = { objects: 0, rows: 0, rejects: 0, bytesIn: 0, bytesOut: 0 };
  let lastLine = "";
  return {
    add(report) {
      if (report.kind === "refused") {
        sums.rejects++;
        return;
      }
      sums.objects++;
      sums.rows += Object.values(report.rows).reduce((total, rows) => total + rows, 0);
      sums.rejects += report.rejects;
      sums.bytesIn += report.bytesIn;
      sums.bytesOut += report.bytesOut;
    },
    noteLog(line) {
      lastLine = line;
    },
    lastLog: () => lastLine,
    text: () =>
      `${formatCount(sums.rows)} rows in ${formatCount(sums.objects)} objects (${formatBytes(sums.bytesIn)}) ` +
      `-> Parquet (${formatBytes(sums.bytesOut)}), ${formatCount(sums.rejects)} rejects`,
  };
}
