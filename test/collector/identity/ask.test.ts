// Questions to services that are slow, wordy, broken or not there; all on loopback.
import { deepEqual, equal } from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ANSWER_BYTES_MAX, ask, faultText, TRIES_MAX } from "../../../collector/identity/ask.ts";
import { startLoopback } from "../../aws/imds.ts";

const run = promisify(execFile);

const kindOf = async (url: string) => {
  const answer = await ask({ url });
  return answer.ok ? "ok" : answer.error.kind === "unreachable" ? answer.error.code : answer.error.kind;
};

test("an answer that could come another time is asked for twice, any other once", async () => {
  const cases = [
    [{ status: 200, body: "yes" }, "ok", 1],
    [{ status: 404 }, "status", 1],
    [{ status: 302, headers: { location: "http://127.0.0.1:1/" } }, "status", 1],
    [{ status: 429 }, "status", TRIES_MAX],
    [{ status: 503 }, "status", TRIES_MAX],
    ["cut", "ECONNRESET", TRIES_MAX],
    ["hang", "ETIMEDOUT", TRIES_MAX],
  ] as const;
  for (const [answer, kind, tries] of cases) {
    await using service = await startLoopback(() => answer);
    equal(await kindOf(service.url), kind);
    equal(service.calls.length, tries, kind);
  }
});

test("the second try counts", async () => {
  let tries = 0;
  await using service = await startLoopback(() => (tries++ === 0 ? { status: 500 } : { status: 200, body: "late" }));
  deepEqual(await ask({ url: service.url }), { ok: true, value: "late" });
});

test("64 KiB are read, a byte more is refused", async () => {
  for (const [bytes, kind] of [
    [ANSWER_BYTES_MAX, "ok"],
    [ANSWER_BYTES_MAX + 1, "too_long"],
    [64 * ANSWER_BYTES_MAX, "too_long"],
  ] as const) {
    await using service = await startLoopback(() => ({ status: 200, body: Buffer.alloc(bytes, "x") }));
    equal(await kindOf(service.url), kind);
  }
});

test("who sends byte after byte without end, or half an answer, is given up", async () => {
  const head = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n";
  for (const isEndless of [true, false]) {
    const server = createServer((socket) => {
      socket.on("error", () => undefined).write(head);
      if (!isEndless) return void socket.end("half");
      const drip = setInterval(() => socket.write("x"), 20);
      socket.on("close", () => clearInterval(drip));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    equal(await kindOf(`http://127.0.0.1:${port}/`), isEndless ? "ETIMEDOUT" : "ECONNRESET");
    server.close();
  }
});

test("nobody there is a fault with a code; no fault tells a header", async () => {
  const gone = await startLoopback(() => ({ status: 200 }));
  await gone[Symbol.asyncDispose]();
  equal(await kindOf(gone.url), "ECONNREFUSED");
  for (const url of [gone.url, "http://127.0.0.1:1/"]) {
    const answer = await ask({ url, headers: { "x-aws-ec2-metadata-token": "secret" } });
    equal(answer.ok, false);
    equal(JSON.stringify(answer).includes("secret") || (!answer.ok && faultText(answer.error).includes("secret")), false);
  }
});

test("settings for a proxy are not followed: the token stays on the host", async () => {
  await using proxy = await startLoopback(() => ({ status: 200, body: "proxied" }));
  await using service = await startLoopback(() => ({ status: 200, body: "direct" }));
  // Node reads these once, at its start.
  const env = {
    ...process.env,
    http_proxy: proxy.url,
    HTTP_PROXY: proxy.url,
    NODE_USE_ENV_PROXY: "1",
    no_proxy: "",
    NO_PROXY: "",
  };
  const file = fileURLToPath(new URL("../../../collector/identity/ask.ts", import.meta.url));
  const through = async (script: string) =>
    (await run(process.execPath, ["--input-type=module", "-e", script], { env })).stdout;
  const asking = `import { ask } from ${JSON.stringify(file)}; console.log(JSON.stringify(await ask({ url: "${service.url}" })))`;
  equal(await through(asking), `${JSON.stringify({ ok: true, value: "direct" })}\n`);
  equal(proxy.calls.length, 0);
  const plain = `import { get } from "node:http"; get("${service.url}", (response) => response.pipe(process.stdout))`;
  equal(await through(plain), "proxied", "what the question would be without care");
});
