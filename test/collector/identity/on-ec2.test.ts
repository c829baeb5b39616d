// The collector as a process beside a loopback metadata service, and beside one that never answers.
import { deepEqual, equal, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { readHostIdentity } from "../../../collector/identity/host.ts";
import { decodeBatch } from "../../../schema/decode.ts";
import { createImds, instance, startLoopback } from "../../aws/imds.ts";
import type { AwsResponse } from "../../aws/wire.ts";
import { walkerPath } from "../../support/native.ts";

const entry = fileURLToPath(new URL("../../../collector/main.ts", import.meta.url));

/** Runs it until it has delivered something; what the rows say of the host, and all that it wrote. */
async function collectorBeside(url: string, settings: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  const env = {
    PATH: process.env["PATH"],
    TIDEMARK_DELIVERY_FOLDER: folder,
    TIDEMARK_RING_FOLDER: join(folder, "rings"),
    TIDEMARK_WALKER: walkerPath(),
    TIDEMARK_TICK_MS: "100",
    TIDEMARK_ROW_MS: "200",
    TIDEMARK_FLUSH_MS: "200",
    AWS_EC2_METADATA_SERVICE_ENDPOINT: url,
    ...settings,
  };
  const child = spawn(process.execPath, [entry], { env, stdio: ["ignore", "ignore", "pipe"] });
  let written = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    written += text;
  });
  const exit = once(child, "exit");
  const objects = () => globSync("raw/*/*/*.ndjson.gz", { cwd: folder });
  for (let tries = 0; tries < 400 && objects().length === 0 && child.exitCode === null; tries++) await sleep(50);
  child.kill("SIGTERM");
  deepEqual(await exit, [0, null], written);
  const texts = objects().map((object) => gunzipSync(readFileSync(join(folder, object))).toString());
  ok(texts.length > 0, written);
  const hosts = texts.flatMap((text) => {
    const { tables, rejects } = decodeBatch(text.split("\n")[0] ?? "", Date.now());
    deepEqual(rejects, []);
    const columns = tables.collector?.columns ?? {};
    return (columns["host_id"] ?? []).map((host_id, row) => ({
      host_id,
      zone: columns["zone"]?.[row],
      type: columns["instance_type"]?.[row],
    }));
  });
  return { hosts, everything: written + texts.join("") };
}

test("on EC2 every row has the instance's names, and the token is in none of them nor in the log", async () => {
  const tokens: string[] = [];
  const imds = createImds();
  await using service = await startLoopback((request) => {
    const answer: AwsResponse = imds.answer(request);
    if (request.path === "/latest/api/token") tokens.push(String(answer.body));
    return answer;
  });
  const { hosts, everything } = await collectorBeside(service.url);
  ok(hosts.length > 0);
  for (const host of hosts)
    deepEqual(host, { host_id: instance.instanceId, zone: instance.availabilityZone, type: instance.instanceType });
  deepEqual(tokens.length, 1);
  for (const token of tokens) equal(everything.includes(token), false);
});

test("a metadata service that never answers holds up nothing: rows come under the machine's own name", async () => {
  await using service = await startLoopback(() => "hang");
  const { hosts, everything } = await collectorBeside(service.url);
  const { host_id } = readHostIdentity();
  ok(hosts.length > 0 && hosts.every((host) => host.host_id === host_id && host.zone === null));
  equal(everything.split("the instance is not known").length <= 2, true, "told once");
});

test("where it is turned off, in our way or in the SDK's, nobody is asked", async () => {
  for (const setting of [{ TIDEMARK_IMDS: "off" }, { AWS_EC2_METADATA_DISABLED: "true" }]) {
    await using service = await startLoopback(createImds().answer);
    const { hosts } = await collectorBeside(service.url, setting);
    ok(hosts.length > 0 && hosts.every((host) => host.zone === null));
    deepEqual(service.calls, []);
  }
});
