// Trino's own server and its Hive connector, fetched once with Maven and kept outside the source tree.
// Starting it is left to server.ts.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { findJava } from "./java.ts";

/** The last version whose server is published as an archive on Maven Central. Athena's engine v3 follows the same project. */
const TRINO_VERSION = "476";
const JAVA_MAJOR_MIN = 24;
const UNPACK_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack";
/** 450 MB over a slow line; beyond that something is wrong. */
const FETCH_MS_MAX = 10 * 60_000;

export type Distribution =
  | { readonly kind: "ready"; readonly java: string; readonly home: string }
  /** One line: what is missing and how to get it. */
  | { readonly kind: "missing"; readonly reason: string };

/** A Java and a server that it can run. Fetches the server when it is not in the cache. */
export function trinoDistribution(): Distribution {
  const java = findJava(JAVA_MAJOR_MIN);
  if (java === null) {
    return missing(
      `Trino ${TRINO_VERSION} needs Java ${JAVA_MAJOR_MIN} or newer: install one where Debian has it (apt-get install ` +
        "openjdk-25-jre-headless; Debian 12 does not), else Eclipse Temurin 25, and set JAVA_HOME or put it under /usr/lib/jvm",
    );
  }
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "tidemark");
  const home = join(cache, `trino-${TRINO_VERSION}`);
  if (!existsSync(home)) {
    const problem = fetchInto(cache, home);
    if (problem !== null) return missing(problem);
  }
  return { kind: "ready", java: java.path, home };
}

/** Unpacks beside the target and renames at the end, so that a fetch that was broken off leaves nothing that looks whole. */
function fetchInto(cache: string, home: string): string | null {
  if (spawnSync("mvn", ["--version"], { stdio: "ignore" }).error) {
    return `Trino ${TRINO_VERSION} is fetched with Maven: install it (Debian: apt-get install maven)`;
  }
  process.stderr.write(`tidemark: fetching Trino ${TRINO_VERSION} into ${home}, once (450 MB) ...\n`);
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, "fetch-"));
  try {
    for (const artifact of [`trino-server-core:${TRINO_VERSION}:tar.gz`, `trino-hive:${TRINO_VERSION}:zip`]) {
      const problem = unpack(`io.trino:${artifact}`, work);
      if (problem !== null) return problem;
    }
    const server = join(work, `trino-server-core-${TRINO_VERSION}`);
    // Only the connector that stands for Athena's is loaded: each further one makes the start slower.
    for (const plugin of readdirSync(join(server, "plugin"))) rmSync(join(server, "plugin", plugin), { recursive: true });
    renameSync(join(work, `trino-hive-${TRINO_VERSION}`), join(server, "plugin", "hive"));
    if (!existsSync(home)) renameSync(server, home);
    return null;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function unpack(artifact: string, folder: string): string | null {
  // A repository of its own, thrown away afterwards: the archives would stay in the user's for good.
  const repository = `-Dmaven.repo.local=${join(folder, "repository")}`;
  const { status, stdout, stderr, error } = spawnSync(
    "mvn",
    ["-B", "-q", "-C", repository, UNPACK_PLUGIN, `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`],
    { cwd: folder, encoding: "utf8", timeout: FETCH_MS_MAX },
  );
  if (status === 0) return null;
  const lines = `${stdout}${stderr}`.split("\n").filter((line) => line.includes("ERROR"));
  return `Maven could not fetch ${artifact}: ${error?.message ?? lines[0] ?? `status ${status}`}`;
}

const missing = (reason: string): Distribution => ({ kind: "missing", reason });
