// npm run soak: the packaged collector beside processes that come and go, for an hour unless told otherwise; a page shows what grew.
// Exit code 1 where something did. The world is the benchmarks', what is flat is judge.ts's.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { Command } from "commander";
import { formatBytes, formatDuration } from "../../functions/core/units.ts";
import { wholeNumber } from "../../local/arguments.ts";
import { printTable } from "../../local/table.ts";
import { decodeBatch } from "../../schema/decode.ts";
import { type AwsEndpoint, startAws } from "../aws/endpoint.ts";
import { startWorld } from "../bench/collector/world.ts";
import { jemalloc, shim } from "../bench/native/preloads.ts";
import { judge } from "./judge.ts";
import { type Look, lookAt } from "./look.ts";
import { soakPage } from "./page.ts";

/** A process is replaced every so many seconds, and so is one that keeps a ring file. */
const CHURN_SECONDS = 5;
const RING_PROCESSES = 12;
const WARM_UP_MS = 60_000;
const LOOK_MS = 10_000;

const program = new Command("soak")
  .description("Runs the packaged collector beside processes that come and go, and says what grew.")
  .option("--minutes <count>", "how long", wholeNumber, 60)
  .option("--processes <count>", "processes of the crowd", wholeNumber, 200)
  .option("--page <file>", "where the page goes", "soak.html")
  .parse();
const { minutes, processes, page } = program.opts<{ minutes: number; processes: number; page: string }>();
if (process.geteuid?.() !== 0) program.error("error: the soak makes a pid namespace, which takes root");

await using aws = await startAws();
const arrived = countArrivals(aws);
const folder = mkdtempSync("/var/tmp/tidemark-soak-");
const places = {
  spoolFolder: join(folder, "spool"),
  blackBoxFolder: join(folder, "black-box"),
  ringFolder: join(folder, "rings"),
};
mkdirSync(places.ringFolder, { mode: 0o1733 });
try {
  using world = await startWorld({
    processes,
    churnSeconds: CHURN_SECONDS,
    beside: ringKeepers(places.ringFolder),
    seesHost: true,
    env: {
      ...aws.environment,
      TIDEMARK_FIREHOSE_STREAM: "samples",
      TIDEMARK_SPOOL_FOLDER: places.spoolFolder,
      TIDEMARK_BLACK_BOX_FOLDER: places.blackBoxFolder,
      TIDEMARK_RING_FOLDER: places.ringFolder,
    },
  });
  await sleep(WARM_UP_MS);
  const [startedMs, cpuMs] = [performance.now(), world.cpuMs()];
  const looks: Look[] = [];
  const count = (minutes * 60_000) / LOOK_MS;
  while (looks.length < count) {
    await sleep(Math.max(0, startedMs + (looks.length + 1) * LOOK_MS - performance.now()));
    const look = lookAt({ ...places, pid: world.pid }, Date.now());
    looks.push(look);
    if (looks.length % 30 === 0) {
      const spanText = `${formatDuration(looks.length * LOOK_MS)} of ${formatDuration(minutes * 60_000)}`;
      process.stderr.write(
        `soak: ${spanText}: RSS ${formatBytes(look.rssBytes)}, anonymous ${formatBytes(look.anonBytes)}, ${look.handles} handles\n`,
      );
    }
  }
  const cpuShare = (world.cpuMs() - cpuMs) / (performance.now() - startedMs);
  const verdicts = judge(looks, LOOK_MS);
  const command = `npm run soak -- --minutes ${minutes} --processes ${processes}`;
  writeFileSync(page, await soakPage({ looks, verdicts, processes, command, rows: arrived(), cpuShare }));
  printTable(
    ["figure", "first third", "last third", "largest", "growth", "limit", "flat"],
    verdicts.map(({ name, first, last, largest, growth, growthMax, isFlat }) => [
      name,
      first,
      last,
      largest,
      growth,
      growthMax,
      isFlat ? "yes" : "NO",
    ]),
  );
  process.stdout.write(`page: ${resolve(page)}\n`);
  if (verdicts.some(({ isFlat }) => !isFlat)) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Programs on jemalloc with the shim, each for a while: their ring files must go when they do. */
function ringKeepers(ringFolder: string): string {
  const [library, allocator] = [shim(), jemalloc()];
  if (library === null || allocator === null) throw new Error("the soak needs build/libtidemark.so and libjemalloc2");
  const environment = `LD_PRELOAD=${allocator}:${library} TIDEMARK_RING_FOLDER=${ringFolder}`;
  const one = `env ${environment} python3 -c 'import time; kept = [bytes(2000) for _ in range(12000)]; time.sleep(600)'`;
  const seconds = RING_PROCESSES * CHURN_SECONDS;
  return `for i in $(seq ${RING_PROCESSES}); do (sleep $((i * ${CHURN_SECONDS})); while :; do timeout -s KILL ${seconds} ${one}; done) >&2 & done; wait`;
}

/** Rows, and processes they are of, as they arrive. */
function countArrivals({ s3, firehose }: AwsEndpoint) {
  let rowCount = 0;
  const keys = new Set<unknown>();
  s3.createBucket("raw");
  firehose.createStream({ name: "samples", bucket: "raw", bufferMs: 60_000 });
  firehose.refuse((record) => {
    for (const line of gunzipSync(record).toString().split("\n").filter(Boolean)) {
      const { process: table } = decodeBatch(line, Date.now()).tables;
      rowCount += table?.rowCount ?? 0;
      for (const key of (table?.columns["process_key"] ?? []) as readonly unknown[]) keys.add(key);
    }
    return false;
  });
  return () => ({ arrived: rowCount, processesSeen: keys.size });
}
