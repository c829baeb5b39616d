// The collector as a guest of its host: nobody can connect to it, and what it opens it closes again.
import { deepEqual, equal, ok } from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { startAws } from "../aws/endpoint.ts";
import { startCollector } from "../support/collector-child.ts";
import { until } from "../support/service.ts";
import { newFolder } from "../support/spool.ts";

/** What each descriptor of a process leads to. */
const openFiles = (pid: number): readonly string[] =>
  readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${name}`)];
    } catch {
      return []; // Closed meanwhile.
    }
  });

/** Sockets of the process that somebody else could talk to: listening on TCP or Unix, or bound on UDP. man 5 proc_net. */
function doors(pid: number): readonly string[] {
  const inodes = new Set(openFiles(pid).flatMap((path) => /^socket:\[(\d+)\]$/.exec(path)?.[1] ?? []));
  const rows = (name: string) =>
    readFileSync(`/proc/${pid}/net/${name}`, "utf8")
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/));
  const [listening, accepting] = ["0A", "00010000"];
  return [
    ...["tcp", "tcp6"].flatMap((name) => rows(name).filter((row) => row[3] === listening && inodes.has(row[9] ?? ""))),
    ...["udp", "udp6"].flatMap((name) => rows(name).filter((row) => inodes.has(row[9] ?? ""))),
    ...rows("unix").filter((row) => row[3] === accepting && inodes.has(row[6] ?? "")),
  ].map((row) => row.join(" "));
}

test("it has no door: while it ships, no socket of it listens; and its open files do not become more", async () => {
  await using aws = await startAws();
  aws.s3.createBucket("raw");
  aws.firehose.createStream({ name: "samples", bucket: "raw", bufferMs: 60_000 });
  const collector = startCollector({
    ...aws.environment,
    TIDEMARK_FIREHOSE_STREAM: "samples",
    TIDEMARK_SPOOL_FOLDER: newFolder(),
    TIDEMARK_TICK_MS: "100",
    TIDEMARK_ROW_MS: "100",
    TIDEMARK_FLUSH_MS: "200",
  });
  const deliveries = () => aws.calls.filter((call) => call === "firehose:PutRecordBatch").length;
  await until("it ships", () => (deliveries() >= 3 ? true : null), collector.log);
  const early = openFiles(collector.pid).length;
  deepEqual(doors(collector.pid), []);
  await until("it has shipped for a while", () => (deliveries() >= 20 ? true : null), collector.log);
  // A connection to the endpoint, the walker's pipes and a file that is just being read come and go.
  ok(openFiles(collector.pid).length <= early + 4, openFiles(collector.pid).join("\n"));
  deepEqual(doors(collector.pid), []);
  equal((await collector.stop()).code, 0);
});

test("and the look would have found one", async () => {
  await using _aws = await startAws();
  ok(doors(process.pid).length > 0);
});
