// One Trino server on loopback for the length of a test run: coordinator and worker in one small process.
// Where its files come from is distribution.ts's business, what it is asked client.ts's.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import type { Distribution } from "./distribution.ts";

export interface Server {
  readonly url: string;
  /** Last lines of its log, for a test that failed. */
  logTail(): string;
  stop(): Promise<void>;
}

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 10_000;
/** Whatever becomes of the test process, coreutils' timeout ends the server after this long. */
const LIFE_SECONDS_MAX = 300;
const LOG_LINES = 60;

/** Everything the server may read lies below this folder, by names like `local:///tidemark-lake-x/lake/process`. */
export const filesRoot = realpathSync(tmpdir());

/** Throws when it does not answer in time, with the end of its log; nothing of it is left running then. */
export async function startTrino({ java, home }: Extract<Distribution, { kind: "ready" }>): Promise<Server> {
  const work = mkdtempSync(join(filesRoot, "tidemark-trino-"));
  const port = await freePort();
  writeConfiguration(work, home, port);
  const logPath = join(work, "server.log");
  const log = openSync(logPath, "a");
  const command = [
    ...[`--kill-after=5`, String(LIFE_SECONDS_MAX), java, "-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"],
    ...["--add-modules=jdk.incubator.vector", `-Djava.io.tmpdir=${work}`],
    // A zone far from UTC, with an odd offset: what depends on the server's zone shows.
    "-Duser.timezone=Asia/Kathmandu",
    ...[`-Dconfig=${work}/config.properties`, `-Dnode.data-dir=${work}/data`, "-Dnode.environment=test", "-Dnode.id=test"],
    ...["-Dnode.bind-ip=127.0.0.1", "-Dnode.internal-address=127.0.0.1"],
    ...["-cp", join(home, "lib", "*"), "io.trino.server.TrinoServer"],
  ];
  // A group of its own, so that one signal by its id ends the server and what watches over it.
  const child = spawn("timeout", command, { cwd: work, stdio: ["ignore", log, log], detached: true });
  const state = { ended: false };
  const ended = new Promise<void>((resolve) => {
    for (const event of ["exit", "error"]) {
      child.on(event, () => {
        state.ended = true;
        resolve();
      });
    }
  });
  const kill = (signal: NodeJS.Signals) => {
    if (state.ended || child.pid === undefined) return;
    process.kill(-child.pid, signal);
  };
  const lastResort = () => kill("SIGKILL");
  const leave = () => process.exit(1);
  process.once("exit", lastResort).once("SIGTERM", leave).once("SIGINT", leave);

  const server: Server = {
    url: `http://127.0.0.1:${port}`,
    logTail: () => `${logPath} ends with\n${readFileSync(logPath, "utf8").split("\n").slice(-LOG_LINES).join("\n")}`,
    async stop() {
      kill("SIGTERM");
      await Promise.race([ended, after(STOP_MS_MAX, undefined, { ref: false })]);
      kill("SIGKILL");
      await ended;
      process.off("exit", lastResort).off("SIGTERM", leave).off("SIGINT", leave);
    },
  };
  const deadlineMs = performance.now() + START_MS_MAX;
  while (!(await isUp(server.url))) {
    if (state.ended || performance.now() > deadlineMs) {
      await server.stop();
      throw new Error(`Trino did not start within ${START_MS_MAX / 1_000} s; ${server.logTail()}`);
    }
    await after(250);
  }
  return server;
}

/** The file metastore keeps tables in JSON files; the memory limits fit the heap above. */
function writeConfiguration(work: string, home: string, port: number): void {
  const catalogs = join(work, "catalogs");
  mkdirSync(catalogs);
  writeProperties(join(work, "config.properties"), {
    coordinator: "true",
    "node-scheduler.include-coordinator": "true",
    "http-server.http.port": String(port),
    "discovery.uri": `http://127.0.0.1:${port}`,
    "catalog.config-dir": catalogs,
    "plugin.dir": join(home, "plugin"),
    "query.max-memory": "256MB",
    "query.max-memory-per-node": "256MB",
    "memory.heap-headroom-per-node": "128MB",
    "query.max-run-time": "60s",
  });
  writeProperties(join(catalogs, "hive.properties"), {
    "connector.name": "hive",
    "hive.metastore": "file",
    "hive.metastore.catalog.dir": `local:///${work.slice(filesRoot.length + 1)}/metastore`,
    "fs.native-local.enabled": "true",
    "local.location": filesRoot,
    // Stands for Athena's UNLOAD: the result of a query as files in a folder of our choice.
    "hive.non-managed-table-writes-enabled": "true",
    // Parquet's TIMESTAMP_MILLIS counts from 1970 in UTC. Trino turns it into the server's own zone unless told otherwise;
    // Athena's servers run in UTC.
    "hive.parquet.time-zone": "UTC",
    // Small files would be read whole, as they are not on S3 with files of production's size: then no column is ever skipped.
    "parquet.small-file-threshold": "0B",
  });
}

const writeProperties = (path: string, values: Readonly<Record<string, string>>): void =>
  writeFileSync(
    path,
    Object.entries(values)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(""),
  );

async function isUp(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/v1/info`, { signal: AbortSignal.timeout(2_000) });
    const info = (await answer.json()) as { readonly starting?: boolean };
    return info.starting === false;
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}
