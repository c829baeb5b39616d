// Delivery to Firehose by the unmodified SDK client: limits, partial failure, throttling, and what never arrives.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { FirehoseClient } from "@aws-sdk/client-firehose";
import { firehoseDelivery } from "../../../collector/ship/firehose.ts";
import { clientFor } from "../../aws/clients.ts";
import { startAws } from "../../aws/endpoint.ts";
import { denied, throttled } from "../../aws/faults.ts";

async function stream() {
  const aws = await startAws();
  aws.s3.createBucket("raw");
  aws.firehose.createStream({ name: "samples", bucket: "raw", bufferMs: 60_000 });
  const waits: number[] = [];
  const delivery = firehoseDelivery({
    stream: "samples",
    client: new FirehoseClient(clientFor(aws)),
    sleep: async (ms) => void waits.push(ms),
    random: () => 0.5,
  });
  const arrived = () => {
    aws.firehose.flush();
    return aws.s3.keys("raw").map((key) => aws.s3.get("raw", key)?.toString() ?? "");
  };
  const calls = () => aws.calls.filter((call) => call === "firehose:PutRecordBatch").length;
  return { aws, delivery, waits, arrived, calls, [Symbol.asyncDispose]: aws.close };
}

const records = (count: number, bytes = 2) =>
  Array.from({ length: count }, (_, index) => Buffer.alloc(bytes, 65 + (index % 26)));

test("records arrive in order, one behind the other, under the hour of their arrival", async () => {
  await using use = await stream();
  equal(await use.delivery.deliver([Buffer.from("one"), Buffer.from("two")]), null);
  deepEqual(use.arrived(), ["onetwo"]);
  match(use.aws.s3.keys("raw")[0] ?? "", /^raw\/dt=\d{4}-\d\d-\d\d\/hr=\d\d\/samples-1-[\w-]+\.ndjson\.gz$/);
});

test("no call has more than 500 records or 4 MiB", async () => {
  await using use = await stream();
  equal(await use.delivery.deliver(records(1_001)), null);
  equal(use.calls(), 3);
  equal(await use.delivery.deliver(records(9, 1_000 * 1_024)), null);
  equal(use.calls(), 3 + 3);
  equal(use.arrived().join("").length, 2_002 + 9 * 1_000 * 1_024);
});

test("of a batch that was taken in part only the refused records are offered again, later and later", async () => {
  await using use = await stream();
  let refusals = 3;
  use.aws.firehose.refuse((data) => data.toString() === "b" && refusals-- > 0);
  equal(await use.delivery.deliver(["a", "b", "c"].map((text) => Buffer.from(text))), null);
  deepEqual(use.arrived(), ["acb"]);
  deepEqual(use.waits, [200, 400, 800]);
});

test("what stays refused is named by its place and reason, and the rest has arrived", async () => {
  await using use = await stream();
  use.aws.firehose.refuse((data) => data.toString() === "b");
  const left = await use.delivery.deliver(["a", "b", "c"].map((text) => Buffer.from(text)));
  deepEqual(left?.indices, [1]);
  match(left?.error.message ?? "", /stream samples refused 1 of 3 records 4 times: ServiceUnavailableException: Slow down\./);
  deepEqual(use.arrived(), ["ac"]);
});

test("after a batch that could not be delivered the later ones are not tried, and all of them are left", async () => {
  await using use = await stream();
  use.aws.faults.inject({ service: "firehose", operation: "PutRecordBatch", ...denied });
  const left = await use.delivery.deliver(records(1_200));
  equal(left?.indices.length, 1_200);
  deepEqual([left?.indices[0], left?.indices.at(-1)], [0, 1_199]);
  match(String(left?.error.cause), /not authorized/);
  equal(use.calls(), 1, "denied is not tried again");
  deepEqual(use.arrived(), []);
});

test("a throttled call is made again; a stream that is not there is an error", async () => {
  await using use = await stream();
  use.aws.faults.inject({ service: "firehose", operation: "PutRecordBatch", ...throttled, times: 1 });
  equal(await use.delivery.deliver(records(1)), null);
  const gone = firehoseDelivery({ stream: "gone", client: new FirehoseClient(clientFor(use.aws)) });
  const left = await gone.deliver(records(1));
  ok(String(left?.error.cause).includes("ResourceNotFoundException"), String(left?.error.cause));
});

test("an endpoint that is not reachable leaves everything, and says why", async () => {
  const client = new FirehoseClient(clientFor({ url: "http://127.0.0.1:1" }));
  const left = await firehoseDelivery({ stream: "samples", client }).deliver(records(2));
  deepEqual(left?.indices, [0, 1]);
  match(String(left?.error.cause), /ECONNREFUSED/);
});

test("without a region in the environment it is the instance's; where that may not be asked, it says what is missing", async () => {
  await using use = await stream();
  const { AWS_REGION: _region, ...settings } = use.aws.environment;
  const names = [...Object.keys(use.aws.environment), "AWS_EC2_METADATA_DISABLED"];
  const saved = names.map((name) => [name, process.env[name]] as const);
  try {
    for (const name of names) delete process.env[name];
    Object.assign(process.env, settings);
    equal(await firehoseDelivery({ stream: "samples" }).deliver(records(1)), null);
    process.env["AWS_EC2_METADATA_DISABLED"] = "true";
    const left = await firehoseDelivery({ stream: "samples" }).deliver(records(1));
    match(String(left?.error.cause), /Region is missing/);
  } finally {
    for (const [name, value] of saved) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
});
