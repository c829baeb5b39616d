// Settings from the environment.
import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "node:test";
import { readConfig } from "../../collector/config.ts";

test("with the folder alone, production's defaults hold", () => {
  const config = readConfig({ TIDEMARK_DELIVERY_FOLDER: "/var/lib/tidemark" });
  if (!config.ok) throw new Error(config.error.join());
  const { tickMs, rowMs, flushMs, walkCostShareMax, allWalksCostShareMax, stopOnStdinEnd } = config.value;
  deepEqual([tickMs, rowMs, flushMs], [10_000, 60_000, 300_000]);
  deepEqual([walkCostShareMax, allWalksCostShareMax, stopOnStdinEnd], [0.002, 0.02, false]);
});

test("every bad setting is named with its value, all at once", () => {
  const config = readConfig({ TIDEMARK_TICK_MS: "soon", TIDEMARK_WALK_COST_SHARE_MAX: "7" });
  const problems = config.ok ? [] : config.error;
  equal(problems.length, 3);
  match(problems.join("\n"), /TIDEMARK_DELIVERY_FOLDER is not set/);
  match(problems.join("\n"), /TIDEMARK_TICK_MS is soon/);
  match(problems.join("\n"), /TIDEMARK_WALK_COST_SHARE_MAX is 7/);
});

test("records go to a folder or to a stream: neither and both are refused, with both values", () => {
  const stream = readConfig({ TIDEMARK_FIREHOSE_STREAM: "tidemark-samples" });
  deepEqual(stream.ok && stream.value.destination, { kind: "firehose", stream: "tidemark-samples" });
  const table = [
    [{}, "TIDEMARK_DELIVERY_FOLDER is not set, TIDEMARK_FIREHOSE_STREAM is not set"],
    [
      { TIDEMARK_DELIVERY_FOLDER: "f", TIDEMARK_FIREHOSE_STREAM: "s" },
      "TIDEMARK_DELIVERY_FOLDER is f, TIDEMARK_FIREHOSE_STREAM is s",
    ],
  ] as const;
  for (const [env, problem] of table) {
    deepEqual(readConfig(env), { ok: false, error: [`${problem}: exactly one of them says where records go`] });
  }
});

test("a stream's name is not an ARN", () => {
  const config = readConfig({ TIDEMARK_FIREHOSE_STREAM: "arn:aws:firehose:us-east-1:123456789012:deliverystream/x" });
  match(config.ok ? "" : config.error.join(), /TIDEMARK_FIREHOSE_STREAM is arn:.*: expected the name of a Firehose stream/);
});

test("a row shorter than a tick is refused with both values", () => {
  const config = readConfig({ TIDEMARK_DELIVERY_FOLDER: "x", TIDEMARK_TICK_MS: "2000", TIDEMARK_ROW_MS: "1000" });
  deepEqual(config, { ok: false, error: ["TIDEMARK_ROW_MS is 1000: at least TIDEMARK_TICK_MS, 2000"] });
});

test("the metadata service is asked at its own address or on loopback, and not at all where it is turned off", () => {
  const endpoint = (env: Readonly<Record<string, string>>) => {
    const config = readConfig({ TIDEMARK_DELIVERY_FOLDER: "x", ...env });
    return config.ok ? config.value.imdsEndpoint : config.error.join();
  };
  equal(endpoint({}), "http://169.254.169.254");
  equal(endpoint({ AWS_EC2_METADATA_SERVICE_ENDPOINT: "http://127.0.0.1:1338/" }), "http://127.0.0.1:1338");
  equal(endpoint({ AWS_EC2_METADATA_SERVICE_ENDPOINT: "http://[fd00:ec2::254]" }), "http://[fd00:ec2::254]");
  equal(endpoint({ TIDEMARK_IMDS: "off" }), null);
  equal(endpoint({ AWS_EC2_METADATA_DISABLED: "TRUE" }), null);
  match(endpoint({ TIDEMARK_IMDS: "on" }) ?? "", /TIDEMARK_IMDS is on/);
  for (const elsewhere of [
    "https://169.254.169.254",
    "http://169.254.169.254.evil.example",
    "http://10.0.0.1",
    "http://127.0.0.1@evil",
  ])
    match(endpoint({ AWS_EC2_METADATA_SERVICE_ENDPOINT: elsewhere }) ?? "", /^AWS_EC2_METADATA_SERVICE_ENDPOINT is http/);
});
