// The collector as a process: what it delivers until it is told to stop, and how it refuses bad settings.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { decodeBatch } from "../../schema/decode.ts";
import { walkerPath } from "../support/native.ts";

const entry = fileURLToPath(new URL("../../collector/main.ts", import.meta.url));

test("on SIGTERM the last rows are closed and delivered, every object decodes, and the exit is clean", async () => {
  walkerPath();
  const folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  const settings = {
    TIDEMARK_DELIVERY_FOLDER: folder,
    TIDEMARK_TICK_MS: "100",
    TIDEMARK_ROW_MS: "200",
    TIDEMARK_FLUSH_MS: "600",
  };
  const child = spawn(process.execPath, [entry], {
    env: { ...process.env, ...settings },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const objects = () => globSync("raw/*/*/*.ndjson.gz", { cwd: folder }).sort();
  for (let tries = 0; tries < 200 && objects().length === 0; tries++) await sleep(50);
  const countBefore = objects().length;
  child.kill("SIGTERM");
  const [code] = await once(child, "exit");
  equal(code, 0);
  ok(countBefore >= 1 && objects().length > countBefore, "the rows since the last flush came as well");
  let rows = 0;
  for (const object of objects()) {
    const decoded = decodeBatch(gunzipSync(readFileSync(join(folder, object))).toString(), Date.now());
    deepEqual(decoded.rejects, []);
    rows += (decoded.tables.process?.rowCount ?? 0) + (decoded.tables.collector?.rowCount ?? 0);
  }
  ok(rows > 0);
});

test("bad settings end it with code 2 and one line for each", () => {
  const env = { PATH: process.env["PATH"], TIDEMARK_TICK_MS: "0" };
  const { status, stderr } = spawnSync(process.execPath, [entry], { env, encoding: "utf8" });
  equal(status, 2);
  match(stderr, /TIDEMARK_DELIVERY_FOLDER is not set/);
  match(stderr, /TIDEMARK_TICK_MS is 0/);
});
