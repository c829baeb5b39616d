// Credentials by the SDK's default chain: they expire, somebody renews them in the file, and delivery goes on without a restart.
// Delivery itself is firehose.test.ts's.
import { deepEqual, equal, match } from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { firehoseDelivery } from "../../../collector/ship/firehose.ts";

const VARIABLES = [
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_PROFILE",
  "AWS_REGION",
  "AWS_ENDPOINT_URL",
  "AWS_CONFIG_FILE",
  "AWS_SHARED_CREDENTIALS_FILE",
  "AWS_EC2_METADATA_DISABLED",
];

/** Takes what is signed with a key of this name, and tells all others that they have expired. */
async function endpoint(validKey: string) {
  const keys: string[] = [];
  const server = createServer((message, reply) => {
    const key = /Credential=([^/]+)\//.exec(message.headers.authorization ?? "")?.[1] ?? "none";
    message.resume().on("end", () => {
      keys.push(key);
      const isValid = key === validKey;
      reply.writeHead(isValid ? 200 : 400, { "content-type": "application/x-amz-json-1.1" });
      reply.end(
        JSON.stringify(
          isValid
            ? { FailedPutCount: 0, RequestResponses: [{ RecordId: "1" }] }
            : { __type: "ExpiredTokenException", message: "The security token included in the request is expired" },
        ),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url, keys, [Symbol.asyncDispose]: close };
}

test("credentials that have expired are asked for anew, from the file that somebody has renewed meanwhile", async () => {
  await using use = await endpoint("AKIDNEW");
  const file = join(mkdtempSync(join(tmpdir(), "tidemark-")), "credentials");
  const write = (key: string) => writeFileSync(file, `[default]\naws_access_key_id = ${key}\naws_secret_access_key = secret\n`);
  const saved = VARIABLES.map((name) => [name, process.env[name]] as const);
  try {
    for (const name of VARIABLES) delete process.env[name];
    Object.assign(process.env, {
      AWS_REGION: "us-east-1",
      AWS_ENDPOINT_URL: use.url,
      AWS_CONFIG_FILE: "/dev/null",
      AWS_SHARED_CREDENTIALS_FILE: file,
      AWS_EC2_METADATA_DISABLED: "true",
    });
    const delivery = firehoseDelivery({ stream: "samples", sleep: async () => undefined });
    write("AKIDOLD");
    const record = [Buffer.from("one")];
    equal((await delivery.deliver(record))?.indices.length, 1);
    match(String((await delivery.deliver(record))?.error.cause), /ExpiredToken/);
    write("AKIDNEW");
    equal(await delivery.deliver(record), null);
    deepEqual(use.keys, ["AKIDOLD", "AKIDOLD", "AKIDNEW"]);
  } finally {
    for (const [name, value] of saved) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
});
