// SIGTERM to exit within five seconds whatever hangs: the endpoint, a walk, the disk. And what has become of the last rows.
// How a stop goes when nothing hangs is main.test.ts's.
import { equal, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { emptyFolder, startCollector } from "../support/collector-child.ts";
import { until } from "../support/service.ts";
import { filesOf, newFolder, spoolIn } from "../support/spool.ts";

/** What whoever stops us waits for, and as much again as a loaded machine needs to start a process and to end one. */
const STOP_MS_MAX = 5_000;

const quick = { TIDEMARK_TICK_MS: "100", TIDEMARK_ROW_MS: "200", TIDEMARK_FLUSH_MS: "200", TIDEMARK_RSS_BYTES_MIN: "1000000" };

/** Accepts connections, and says nothing for ever. */
async function blackHole(): Promise<{ readonly environment: Readonly<Record<string, string>>; callCount(): number }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on("error", () => undefined));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    callCount: () => sockets.length,
    environment: {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${address.port}`,
      AWS_REGION: "eu-central-1",
      AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
      AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
      AWS_EC2_METADATA_DISABLED: "true",
      TIDEMARK_FIREHOSE_STREAM: "samples",
    },
  };
}

function rowCountIn(folder: string): number {
  const spool = spoolIn(folder);
  try {
    return spool.take(Number.POSITIVE_INFINITY, true).reduce((sum, { rowCount }) => sum + rowCount, 0);
  } finally {
    spool.close();
  }
}

test("with an endpoint that never answers it ends in time, and the rows wait in the spool", async () => {
  const hole = await blackHole();
  const folder = newFolder();
  const collector = startCollector({ ...hole.environment, ...quick, TIDEMARK_SPOOL_FOLDER: folder });
  await until("a delivery hangs", () => (hole.callCount() > 0 ? true : null), collector.log);
  const { code, tookMs } = await collector.stop();
  equal(code, 0, collector.log());
  ok(tookMs <= STOP_MS_MAX, `${tookMs} ms\n${collector.log()}`);
  ok(rowCountIn(folder) > 0);
});

test("a walk that never ends is given up, and the rows of the others are delivered", async () => {
  const folder = emptyFolder();
  const walker = join(emptyFolder(), "walker");
  writeFileSync(walker, "#!/bin/sh\nexec sleep 600\n", { mode: 0o755 });
  const collector = startCollector({ ...quick, TIDEMARK_DELIVERY_FOLDER: folder, TIDEMARK_WALKER: walker });
  const children = () => readFileSync(`/proc/${collector.pid}/task/${collector.pid}/children`, "utf8").trim();
  await until("a walk is under way", () => (children() === "" ? null : true), collector.log);
  const walking = children();
  const { code, tookMs } = await collector.stop();
  equal(code, 0, collector.log());
  ok(tookMs <= STOP_MS_MAX, `${tookMs} ms\n${collector.log()}`);
  ok(globSync("raw/*/*/*.ndjson.gz", { cwd: folder }).length > 0, "the last rows came");
  await until("the walker has ended as well", () => (isRunning(walking) ? null : true));
});

function isRunning(pid: string): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** A library that makes every fdatasync and fsync take a second more, as a disk does that is busy. */
function slowDisk(): string {
  const folder = emptyFolder();
  const source = `
    #include <sys/syscall.h>
    #include <unistd.h>
    int fdatasync(int file) { usleep(999999); return (int)syscall(SYS_fdatasync, file); }
    int fsync(int file) { usleep(999999); return (int)syscall(SYS_fsync, file); }`;
  const library = join(folder, "slow.so");
  const { status, stderr } = spawnSync("cc", ["-shared", "-fPIC", "-o", library, "-x", "c", "-"], {
    input: source,
    encoding: "utf8",
  });
  equal(status, 0, stderr);
  return library;
}

test("with a disk that takes a second for every write, and no answer either, it ends in time with its rows on that disk", async () => {
  const hole = await blackHole();
  const folder = newFolder();
  const collector = startCollector({
    ...hole.environment,
    ...quick,
    LD_PRELOAD: slowDisk(),
    TIDEMARK_SPOOL_FOLDER: folder,
  });
  await until("rows were written", () => (rowsWritten(folder) ? true : null), collector.log);
  const { code, tookMs } = await collector.stop();
  equal(code, 0, collector.log());
  ok(tookMs <= STOP_MS_MAX, `${tookMs} ms\n${collector.log()}`);
  ok(rowCountIn(folder) > 0);
});

function rowsWritten(folder: string): boolean {
  try {
    return filesOf(folder).some((path) =>
      readFileSync(path)
        .subarray(4_096)
        .some((byte) => byte !== 0),
    );
  } catch {
    return false;
  }
}

test("told to stop before the first row it ends in time", async () => {
  const collector = startCollector({ TIDEMARK_DELIVERY_FOLDER: emptyFolder() });
  await collector.says(/collector starts/);
  const { code, tookMs } = await collector.stop();
  equal(code, 0, collector.log());
  ok(tookMs <= STOP_MS_MAX, `${tookMs} ms`);
});
