// Athena behind the questions of `tidemark sql`: what a question can cost before it is asked, and what it has cost.
// Credentials and region are the SDK's usual ones; what a person may read is the workgroup's and IAM's.
import { AthenaClient } from "@aws-sdk/client-athena";
import { S3Client } from "@aws-sdk/client-s3";
import { execute, resultPages } from "../../functions/aws/athena-execution.ts";
import { executionParameters } from "../../functions/aws/athena-literals.ts";
import { clientSettings } from "../../functions/aws/clients.ts";
import { prices } from "../../functions/core/cost/prices.ts";
import { formatBytes } from "../../functions/core/units.ts";
import type { Answer, Asker, Question } from "./asker.ts";
import { type Estimate, estimateScan } from "./scan-estimate.ts";

export interface AthenaOptions {
  readonly workgroup: string;
  readonly database: string;
  /** Needed for the estimate alone; null: none is made. */
  readonly lakeBucket: string | null;
  /** A question that may cost more is not asked. */
  readonly dollarsMax: number;
}

/** A person waits at the terminal, and can press Ctrl-C; the workgroup's limit of bytes ends what is too large. */
const WAIT_MS = 30 * 60_000;
const USUAL_WINDOW_MS = 7 * 86_400_000;
/** What fits on nobody's screen; with more, the answer is cut and says so. */
const ROWS_MAX = 100_000;

export function askAthena({ workgroup, database, lakeBucket, dollarsMax }: AthenaOptions): Asker {
  const client = new AthenaClient(clientSettings);
  const startedMs = Date.now();
  let scannedBytes: number | null = null;
  const run = (name: string, sql: string, literals: readonly string[]) =>
    execute(
      {
        client,
        workgroup,
        database,
        remainingMs: () => startedMs + WAIT_MS - Date.now(),
        onOutcome: (outcome) => {
          scannedBytes = outcome.scannedBytes;
        },
        sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      },
      { name, sql, literals },
    );
  const ask = async (question: Question, prefix: string): Promise<Answer> => {
    const named = question.kind === "named";
    const literals = named ? executionParameters(question.query, question.parameters) : [];
    const sql = named ? question.query.sql.trimEnd() : question.sql;
    return readAnswer(client, await run(named ? question.query.name : "statement", prefix + sql, literals));
  };

  return {
    async answer(question) {
      const estimate = lakeBucket === null ? null : await estimateScan(new S3Client(clientSettings), lakeBucket, question);
      announce(estimate, dollarsMax);
      return ask(question, "");
    },
    async explain(question) {
      const { rows } = await ask(question, "EXPLAIN ");
      return rows.map((row) => String(row[0] ?? "")).join("\n");
    },
    // Looking for the first and last sample would read the whole lake.
    usualWindow: async () => ({ startMs: startedMs - USUAL_WINDOW_MS, endMs: startedMs }),
    closingLine: () =>
      scannedBytes === null ? null : `${formatBytes(scannedBytes)} scanned, ${dollars(scanDollars(scannedBytes))}`,
    close: () => client.destroy(),
  };
}

/** Athena bills at least 10 MB a query. Source: Athena pricing. */
const scanDollars = (bytes: number): number => (Math.max(bytes, prices.athenaBytesMin) / 1e12) * prices.athenaPerTb;
const dollars = (amount: number): string => `$${amount < 0.01 ? amount.toPrecision(2) : amount.toFixed(2)}`;

function announce(estimate: Estimate | null, dollarsMax: number): void {
  if (estimate === null) {
    process.stderr.write("no estimate: TIDEMARK_LAKE_BUCKET is not set\n");
    return;
  }
  const most = scanDollars(estimate.bytesMax);
  const what = `at most ${formatBytes(estimate.bytesMax)} in ${estimate.fileCount} files of ${estimate.days} days, ${dollars(most)}`;
  if (most > dollarsMax) {
    throw new Error(`this may scan ${what}; --dollars-max is ${dollarsMax}: narrow the window, or raise it`);
  }
  process.stderr.write(`to scan: ${what}; columns that are not asked for are not read\n`);
}

async function readAnswer(client: AthenaClient, id: string): Promise<Answer> {
  let columns: readonly string[] = [];
  const rows: (readonly (string | null)[])[] = [];
  for await (const page of resultPages(client, id)) {
    columns = page.columns.map(({ Name }) => Name ?? "");
    for (const { Data } of page.rows) rows.push(columns.map((_, at) => Data?.[at]?.VarCharValue ?? null));
    if (rows.length >= ROWS_MAX) {
      process.stderr.write(`tidemark: only the first ${rows.length} rows are shown\n`);
      break;
    }
  }
  return { columns, rows };
}
