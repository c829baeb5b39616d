// The collector as a process: what it delivers until it is told to stop, and how it refuses bad settings.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { decodeBatch } from "../../schema/decode.ts";
import { walkerPath } from "../support/native.ts";

// The folder of ring files is made where it may be: not in the place of a real host's.
const ringFolder = join(mkdtempSync(join(tmpdir(), "tidemark-")), "rings");
process.env["TIDEMARK_RING_FOLDER"] = ringFolder;
// Nothing here reaches beyond loopback.
process.env["TIDEMARK_IMDS"] = "off";
const base = { PATH: process.env["PATH"], TIDEMARK_RING_FOLDER: ringFolder, TIDEMARK_IMDS: "off" };
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
  const lastRows: unknown[] = [];
  for (const object of objects()) {
    const decoded = decodeBatch(gunzipSync(readFileSync(join(folder, object))).toString(), Date.now());
    deepEqual(decoded.rejects, []);
    const host = decoded.tables.host;
    lastRows.push(...(host?.columns["is_last_row"] ?? []));
    rows += (decoded.tables.process?.rowCount ?? 0) + (decoded.tables.collector?.rowCount ?? 0);
  }
  ok(rows > 0);
  deepEqual(
    lastRows.filter((mark) => mark !== null && mark !== undefined),
    [1],
    "it said that it was told to stop, once",
  );
});

test("with a folder the SDK is not loaded: its memory is not paid for", async () => {
  walkerPath();
  const env = { ...base, TIDEMARK_DELIVERY_FOLDER: mkdtempSync(join(tmpdir(), "tidemark-")) };
  const watchLoads =
    "data:text/javascript,import{registerHooks}from'node:module';registerHooks({load(u,c,n){if(u.includes('@aws-sdk'))console.error('loaded '+u);return n(u,c)}})";
  const child = spawn(process.execPath, ["--import", watchLoads, entry], { env, stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  for (let tries = 0; tries < 200 && !stderr.includes("collector starts"); tries++) await sleep(50);
  child.kill("SIGTERM");
  equal((await once(child, "exit"))[0], 0);
  ok(!stderr.includes("loaded "), stderr);
});

test("bad settings end it with code 2 and one line for each", () => {
  const env = { ...base, TIDEMARK_TICK_MS: "0" };
  const { status, stderr } = spawnSync(process.execPath, [entry], { env, encoding: "utf8" });
  equal(status, 2);
  match(stderr, /TIDEMARK_DELIVERY_FOLDER is not set/);
  match(stderr, /TIDEMARK_TICK_MS is 0/);
});

test("asked for its settings or for help it says them and does not run; what is wrong is told as well", () => {
  const run = (...args: readonly string[]) => spawnSync(process.execPath, [entry, ...args], { env: base, encoding: "utf8" });
  const good = run("--print-config", "--json", "--delivery-folder", "/nowhere");
  deepEqual([good.status, good.stderr, existsSync("/nowhere")], [0, "", false]);
  ok(JSON.parse(good.stdout).some((setting: { value: unknown }) => setting.value === "/nowhere"));
  const lacking = run("--print-config");
  equal(lacking.status, 2);
  match(lacking.stdout, /^#TIDEMARK_TICK_MS=10000$/m);
  match(lacking.stderr, /exactly one of them says where records go/);
  const help = run("--help");
  deepEqual([help.status, help.stderr], [0, ""]);
  match(help.stdout, /^Usage: tidemark-collector/);
});

test("a collector started for a while ends with whoever started it, also when that is killed", async () => {
  walkerPath();
  const folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  const start = fileURLToPath(new URL("../../local/collector-process.ts", import.meta.url));
  const settings = { TIDEMARK_DELIVERY_FOLDER: folder, TIDEMARK_TICK_MS: 100, TIDEMARK_ROW_MS: 100, TIDEMARK_FLUSH_MS: 60_000 };
  const script = `
    import { startCollector } from ${JSON.stringify(start)};
    const { pid } = startCollector(${JSON.stringify(settings)}, (line) => line.includes("starts") && console.log(pid));`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(parent.stdout, "data");
  const pid = Number(String(line));
  ok(existsSync(`/proc/${pid}`));
  // Until it has something to deliver: it must do so on its way out.
  for (let tries = 0; tries < 100 && !hasChild(pid); tries++) await sleep(50);
  await sleep(300);
  parent.kill("SIGKILL");
  await once(parent, "exit");
  for (let tries = 0; tries < 100 && existsSync(`/proc/${pid}`); tries++) await sleep(50);
  equal(existsSync(`/proc/${pid}`), false, "five seconds later it is still there");
  ok(globSync("raw/*/*/*.ndjson.gz", { cwd: folder }).length > 0, "and its last rows were delivered");
});

const hasChild = (pid: number) => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim() !== "";

test("without that order the end of standard input means nothing: under systemd it is /dev/null", async () => {
  walkerPath();
  const env = {
    ...base,
    TIDEMARK_DELIVERY_FOLDER: mkdtempSync(join(tmpdir(), "tidemark-")),
    TIDEMARK_TICK_MS: "100",
  };
  const child = spawn(process.execPath, [entry], { env, stdio: ["ignore", "ignore", "pipe"] });
  await once(child.stderr, "data");
  await sleep(500);
  equal(child.exitCode, null);
  child.kill("SIGTERM");
  equal((await once(child, "exit"))[0], 0);
});
