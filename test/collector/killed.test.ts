// The collector as a process, killed in the midst of an outage: the next one ships what the spool has, and no sequence names two rows.
// The spool's own promises are test/collector/ship/spool.test.ts's.
import { deepEqual, equal, ok } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { decodeBatch } from "../../schema/decode.ts";
import { startAws } from "../aws/endpoint.ts";
import { throttled } from "../aws/faults.ts";
import { walkerPath } from "../support/native.ts";
import { filesOf, newFolder, spoolIn } from "../support/spool.ts";

const entry = fileURLToPath(new URL("../../collector/main.ts", import.meta.url));
const ROUNDS = 3;
const started: ChildProcess[] = [];
after(() => {
  for (const child of started) child.kill("SIGKILL");
});

/** What names each row, and what a row of that name must be: every kind draws on the same numbers. */
function rowsOf(members: readonly Uint8Array[]): readonly (readonly [sequence: number, row: string])[] {
  return members.flatMap((member) =>
    gunzipSync(member)
      .toString()
      .split("\n")
      .slice(0, -1)
      .flatMap((line) =>
        Object.entries(decodeBatch(line, Date.now()).tables).flatMap(([kind, { columns }]) =>
          (columns["sequence"] ?? []).map((sequence, row) => {
            const [time, pid] = [columns["sampled_at"]?.[row], columns["pid"]?.[row]];
            return [sequence as number, `${kind} ${time} ${pid}`] as const;
          }),
        ),
      ),
  );
}

test("kill -9 in an outage: every row that was in the spool arrives, and a sequence names one row only", async () => {
  walkerPath();
  await using aws = await startAws();
  aws.s3.createBucket("raw");
  aws.firehose.createStream({ name: "samples", bucket: "raw", bufferMs: 60_000 });
  const folder = newFolder();
  const start = (): ChildProcess => {
    const child = spawn(process.execPath, [entry], {
      env: {
        PATH: process.env["PATH"],
        ...aws.environment,
        TIDEMARK_FIREHOSE_STREAM: "samples",
        TIDEMARK_SPOOL_FOLDER: folder,
        TIDEMARK_RING_FOLDER: join(mkdtempSync(join(tmpdir(), "tidemark-")), "rings"),
        TIDEMARK_IMDS: "off",
        TIDEMARK_TICK_MS: "100",
        TIDEMARK_ROW_MS: "100",
        TIDEMARK_FLUSH_MS: "300",
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    started.push(child);
    return child;
  };
  const arrived = () => {
    aws.firehose.flush();
    return rowsOf(aws.s3.keys("raw").map((key) => aws.s3.get("raw", key) ?? Buffer.alloc(0)));
  };

  aws.faults.inject({ service: "firehose", operation: "PutRecordBatch", ...throttled });
  let promised: ReturnType<typeof rowsOf> = [];
  for (let round = 0; round < ROUNDS; round++) {
    const child = start();
    child.stderr?.resume();
    const before = promised.length;
    for (let tries = 0; tries < 400 && promised.length === before; tries++) {
      await sleep(25 + 10 * round);
      if (existsSync(folder) && filesOf(folder).length > round) break;
    }
    await sleep(200 + 130 * round);
    child.kill("SIGKILL");
    await once(child, "exit");
    const spool = spoolIn(folder);
    promised = rowsOf(spool.take(Number.POSITIVE_INFINITY, true).map(({ bytes }) => bytes));
    spool.close();
    ok(promised.length > before, `round ${round}: ${promised.length} rows`);
  }

  aws.faults.clear();
  const last = start();
  let log = "";
  last.stderr?.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  const lost = () => {
    const found = new Set(arrived().map(([sequence]) => sequence));
    return promised.filter(([sequence]) => !found.has(sequence));
  };
  for (let tries = 0; tries < 300 && lost().length > 0; tries++) await sleep(100);
  last.kill("SIGTERM");
  equal((await once(last, "exit"))[0], 0);
  deepEqual(lost(), [], log);
  const rows = new Map<number, string>();
  for (const [sequence, row] of [...promised, ...arrived()]) {
    equal(rows.get(sequence) ?? row, row, `sequence ${sequence} names two rows`);
    rows.set(sequence, row);
  }
});
