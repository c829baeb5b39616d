// What is made of the instance metadata service's answers, good and bad; a loopback service stands in.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { askInstance } from "../../../collector/identity/imds.ts";
import { createImds, instance, startLoopback } from "../../aws/imds.ts";
import type { AwsResponse } from "../../aws/wire.ts";

const known = {
  instanceId: instance.instanceId,
  account_id: instance.accountId,
  region: instance.region,
  zone: instance.availabilityZone,
  instance_type: instance.instanceType,
  autoscaling_group: null,
  instance_name: null,
};

test("an instance is known by its token-guarded document; without leave its tags are null", async () => {
  await using service = await startLoopback(createImds().answer);
  deepEqual(await askInstance(service.url), { ok: true, value: known });
  deepEqual(service.calls.slice(0, 2), ["PUT /latest/api/token", "GET /latest/dynamic/instance-identity/document"]);
});

test("where tags are allowed, group and name come with it, made harmless", async () => {
  const tags = { "aws:autoscaling:groupName": "checkout-asg", Name: `web\u001b[2J\n1${"x".repeat(400)}`, Owner: "nobody asks" };
  await using service = await startLoopback(createImds(tags).answer);
  const value = { ...known, autoscaling_group: "checkout-asg", instance_name: `web[2J1${"x".repeat(248)}` };
  deepEqual(await askInstance(service.url), { ok: true, value });
  equal(
    service.calls.some((call) => call.includes("Owner")),
    false,
  );
});

const TOKEN = "AQAEAHWV_secret_token==";

async function answered(document: AwsResponse | "hang" | "cut", token: AwsResponse = { status: 200, body: TOKEN }) {
  await using service = await startLoopback(({ path }) => {
    if (path === "/latest/api/token") return token;
    return path.startsWith("/latest/dynamic/") ? document : { status: 404 };
  });
  // Awaited here: the service is there for as long as this function runs.
  return await askInstance(service.url);
}

test("a part of the document that is not as it should be is null, not taken", async () => {
  const hostile = {
    ...instance,
    accountId: 123456789012,
    region: "evil.example.com/",
    availabilityZone: "us-east-1b\n",
    instanceType: "x".repeat(65),
  };
  const parts = { account_id: null, region: null, zone: null, instance_type: null };
  deepEqual(await answered({ status: 200, body: JSON.stringify(hostile) }), { ok: true, value: { ...known, ...parts } });
  deepEqual(await answered({ status: 200, body: JSON.stringify({ instanceId: instance.instanceId }) }), {
    ok: true,
    value: { ...known, ...parts },
  });
  for (const region of ["eu-central-1", "us-gov-west-1", "ap-southeast-4", "us-iso-east-1", "eusc-de-east-1"]) {
    const answer = await answered({ status: 200, body: JSON.stringify({ ...instance, region }) });
    equal(answer.ok && answer.value.region, region);
  }
});

test("what is no document, or no token, is a fault that does not repeat it", async () => {
  const bad: readonly (readonly [string, Promise<Awaited<ReturnType<typeof askInstance>>>])[] = [
    ["malformed", answered({ status: 200, body: "<html>login</html>" })],
    ["malformed", answered({ status: 200, body: "null" })],
    ["malformed", answered({ status: 200, body: "[".repeat(60_000) })],
    ["malformed", answered({ status: 200, body: JSON.stringify({ ...instance, instanceId: "i-0123/../x" }) })],
    ["malformed", answered({ status: 200, body: "{}" }, { status: 200, body: `${TOKEN}\r\nx: y` })],
    ["malformed", answered({ status: 200, body: "{}" }, { status: 200, body: "" })],
    ["status", answered({ status: 200, body: "{}" }, { status: 403, body: TOKEN })],
    ["status", answered({ status: 401, body: TOKEN })],
    ["too_long", answered({ status: 200, body: "x".repeat(70_000) })],
    ["unreachable", answered("cut")],
  ];
  for (const [kind, answering] of bad) {
    const answer = await answering;
    equal(answer.ok ? "ok" : answer.error.kind, kind);
    equal(JSON.stringify(answer).includes("secret"), false);
  }
});
