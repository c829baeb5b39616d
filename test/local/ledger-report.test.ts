// tidemark report on a folder's lake makes the ledger as well: from samples by the minute over the rollup to a saving that SQL can ask.
// What the ledger finds in other stories is ledger.test.ts's.
import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { verifiedSavings } from "../../functions/ask/ledger.ts";
import { openLake } from "../../local/duckdb.ts";
import { report } from "../../local/report.ts";
import { lakeFolder } from "../support/lake.ts";
import { processSample, samples } from "../support/samples.ts";

const MIB = 1_048_576;
const MINUTE_MS = 60_000;
/** Time is compressed: a period of the traffic is half an hour, and its hours are 75 seconds. */
const PERIOD_MS = 30 * MINUTE_MS;
const STEP_MS = 75_000;
const END_MS = Date.UTC(2026, 10, 23, 12);
const START_MS = END_MS - 18 * PERIOD_MS;
const CHANGE_MS = END_MS - 9.5 * PERIOD_MS;

test("a folder's report measures what a change of settings saved", async () => {
  const deliveries = Array.from({ length: 5 }, (_, host) => {
    const boot_id = `boot-${host}`;
    const process = Array.from({ length: (END_MS - START_MS) / STEP_MS }, (_, at) => {
      const sampled_at = START_MS + at * STEP_MS + 1_000;
      const isAfter = host < 2 && sampled_at >= CHANGE_MS;
      // A wave of its own for each host, so that no two are alike.
      const anon = Math.round((isAfter ? 120 : 200) * (1 + 0.02 * Math.sin(at * (host + 1))) * MIB);
      return processSample({
        sampled_at,
        sequence: at + 1,
        pid: isAfter ? 2 : 1,
        process_key: `${boot_id}-${isAfter ? 2 : 1}-1`,
        allocator: "glibc",
        allocator_version: "2.36",
        ...(isAfter ? { tunables: "MALLOC_ARENA_MAX=2" } : {}),
        rss_bytes: anon + MIB,
        anon_bytes: anon,
      });
    });
    return { host: { host_id: `i-${host}`, boot_id }, samples: samples({ process }) };
  });
  const folder = await lakeFolder(deliveries, END_MS);
  const { write } = process.stdout;
  let printed = "";
  process.stdout.write = (text: string | Uint8Array) => {
    printed += text;
    return true;
  };
  try {
    await report({ folder, reportPath: join(folder, "report.html"), periodMs: PERIOD_MS, periodCount: 7, parameters: {} });
  } finally {
    process.stdout.write = write;
  }
  ok(printed.includes("report:"), printed);
  const lake = await openLake(folder);
  const savings = await verifiedSavings(lake, { startMs: START_MS, endMs: END_MS + 1 });
  lake.close();
  deepEqual(
    savings.map(({ service, recommendation_id, setting, host_count, control_host_count, verdict, changed_at }) => [
      service,
      recommendation_id,
      setting,
      host_count,
      control_host_count,
      verdict,
      changed_at,
    ]),
    [["checkout", null, "+MALLOC_ARENA_MAX=2", 2, 3, "helped", CHANGE_MS]],
  );
  equal(Math.round((savings[0]?.saved_bytes_per_host ?? 0) / MIB / 10), 8, "80 MiB");
});
