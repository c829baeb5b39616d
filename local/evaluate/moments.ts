// Detection as of every minute of every trace at once: each minute sees the rows up to it, as a process of its own.
// The rows go through the whole pipeline first: encoded, converted, and rolled up by the query that production runs.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { textOf } from "../../functions/core/result-rows.ts";
import { windowParameters } from "../../functions/core/window.ts";
import type { QueryParameters, ResultRow } from "../../functions/edges.ts";
import { processHourColumns } from "../../schema/made-columns.ts";
import { openLake } from "../duckdb.ts";
import { conversionTotals } from "../log.ts";
import { replayTraces } from "../replay/replay-traces.ts";
import type { Trace } from "../replay/trace.ts";
import { rollUpLocally } from "../roll-up-locally.ts";

export interface Moments {
  /** Minutes of each trace, in order: all that it was asked as of. */
  readonly minutes: readonly (readonly number[])[];
  /** Rows of a query whose grain is the process, each with the trace and the minute it was asked as of. */
  ask(query: string, parameters?: QueryParameters): Promise<readonly Asked[]>;
  close(): void;
}

export interface Asked {
  /** Index of the trace. */
  readonly trace: number;
  /** Buckets from the trace's first row to the last one seen: minutes, unless they are wider. */
  readonly minute: number;
  readonly row: ResultRow;
}

const BUCKET_SECONDS = 60;
const HOUR_MS = 3_600_000;
/** Any whole hour: the rules know no calendar. */
const START_MS = Date.UTC(2026, 0, 5);
/** With a number behind it, the service of a trace: no rule can read a cause in that. */
const NAME = "trace-";

export interface MomentOptions {
  /** A minute of the traces stands for an hour of production. */
  readonly bucketSeconds?: number;
  /** The last minute alone, where only the verdict counts: a hundredth of the work. */
  readonly lastOnly?: boolean;
}

export async function openMoments(traces: readonly Trace[], options: MomentOptions = {}): Promise<Moments> {
  const { bucketSeconds = BUCKET_SECONDS, lastOnly = false } = options;
  const folder = mkdtempSync(join(tmpdir(), "tidemark-evaluate-"));
  try {
    const { endMs } = await fill(folder, traces, bucketSeconds);
    const lake = await openLake(folder);
    await lake.query(momentsSql(bucketSeconds, lastOnly));
    await lake.query("CREATE OR REPLACE VIEW process_hours AS SELECT * FROM moments");
    const { rows } = await lake.query("SELECT DISTINCT host_id FROM moments");
    const known = rows.map(([host]) => momentOf(String(host)));
    return {
      minutes: traces.map((_, index) =>
        known.flatMap(({ trace, minute }) => (trace === index ? [minute] : [])).sort((a, b) => a - b),
      ),
      async ask(query, parameters = {}) {
        const window = windowParameters({ startMs: START_MS, endMs: endMs + HOUR_MS });
        const rows = await lake.run(query, { ...parameters, ...window });
        return rows.map((row) => ({ ...momentOf(textOf(row, "host_id")), row }));
      },
      close() {
        lake.close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (cause) {
    rmSync(folder, { recursive: true, force: true });
    throw cause;
  }
}

async function fill(folder: string, traces: readonly Trace[], bucketSeconds: number): Promise<{ readonly endMs: number }> {
  const neutral = traces.map(({ rows }, index) => {
    const firstMs = rows[0]?.offsetMs ?? 0;
    return { name: `${NAME}${index}`, rows: rows.map((row) => ({ ...row, offsetMs: row.offsetMs - firstMs })) };
  });
  const lastMs = Math.max(...neutral.flatMap(({ rows }) => rows.map(({ offsetMs }) => offsetMs)));
  const endMs = START_MS + lastMs;
  const replay = { folder, endMs, hosts: 1, repeat: 1, stretch: 1, totals: conversionTotals(), progress: () => undefined };
  await replayTraces(neutral, replay);
  await rollUpLocally(folder, { startMs: START_MS, endMs: endMs + HOUR_MS }, bucketSeconds);
  return { endMs };
}

const handedOn = Object.keys(processHourColumns).filter((name) => name !== "host_id" && name !== "process_key");

/** A host for each trace and minute, with the one process on it: whoever is judged still runs at that minute. */
const momentsSql = (bucketSeconds: number, lastOnly: boolean): string => `CREATE TABLE moments AS
WITH hours AS (
  SELECT
    *,
    min(hour) OVER (PARTITION BY service) AS hour_first,
    max(hour) OVER (PARTITION BY service) AS hour_last
  FROM process_hours
)
SELECT
  substring(h.service, ${NAME.length + 1}) || '@' || date_diff('second', m.hour_first, m.hour) / ${bucketSeconds} AS host_id,
  h.process_key,
  ${handedOn.map((name) => `h.${name}`).join(",\n  ")},
  h.dt,
  h.hr
FROM hours AS h
JOIN hours AS m
  ON m.service = h.service
  AND h.hour <= m.hour
  AND (${!lastOnly} OR m.hour = m.hour_last)`;

function momentOf(host: string): { readonly trace: number; readonly minute: number } {
  const [trace, minute] = host.split("@").map(Number);
  if (trace === undefined || minute === undefined) throw new Error(`${host} is no moment of a trace`);
  return { trace, minute };
}
