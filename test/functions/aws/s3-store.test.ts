// A bucket as an object store, by the unmodified SDK client against the loopback S3.
import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { test } from "node:test";
import { S3Client } from "@aws-sdk/client-s3";
import { s3Store } from "../../../functions/aws/s3-store.ts";
import { clientFor } from "../../aws/clients.ts";
import { startAws } from "../../aws/endpoint.ts";
import { denied } from "../../aws/faults.ts";
import { keepsObjects, listsAllPages } from "./store-contract.ts";

async function bucket() {
  const aws = await startAws();
  aws.s3.createBucket("lake");
  return { aws, store: s3Store(new S3Client(clientFor(aws)), "lake"), [Symbol.asyncDispose]: aws.close };
}

test("objects are kept, replaced, copied, listed and deleted under any key", async () => {
  await using use = await bucket();
  await keepsObjects(use.store);
});

test("a listing has all pages, in order", async () => {
  await using use = await bucket();
  await listsAllPages(use.store);
  equal(use.aws.calls.filter((call) => call === "s3:ListObjectsV2").length, 2);
});

test("denied is not the same as missing: it throws and names the object", async () => {
  await using use = await bucket();
  use.aws.faults.inject({ service: "s3", operation: "GetObject", ...denied });
  await rejects(use.store.get("raw/x"), /cannot read s3:\/\/lake\/raw\/x: AccessDenied/);
  use.aws.faults.inject({ service: "s3", operation: "PutObject", ...denied });
  await rejects(use.store.put("x", Buffer.from("four")), /cannot write 4 bytes to s3:\/\/lake\/x: AccessDenied/);
});

test("a bucket that is not there throws: it must not read as an empty store", async () => {
  await using use = await bucket();
  const store = s3Store(new S3Client(clientFor(use.aws)), "gone");
  await rejects(store.get("x"), /NoSuchBucket/);
  await rejects(store.put("x", Buffer.from("x")), /NoSuchBucket/);
});

test("a call that is told to slow down is made again", async () => {
  await using use = await bucket();
  use.aws.faults.inject({ service: "s3", operation: "PutObject", code: "SlowDown", status: 503, times: 1 });
  await use.store.put("x", Buffer.from("x"));
  deepEqual(use.aws.s3.keys("lake"), ["x"]);
});

test("a page opens in a browser, rejects read as lines", async () => {
  await using use = await bucket();
  for (const key of ["reports/a.html", "rejects/a.ndjson", "lake/a.parquet"]) await use.store.put(key, Buffer.from("x"));
  match(use.aws.s3.written("lake", "reports/a.html")?.contentType ?? "", /^text\/html/);
  equal(use.aws.s3.written("lake", "rejects/a.ndjson")?.contentType, "application/x-ndjson");
  equal(use.aws.s3.written("lake", "lake/a.parquet")?.contentType, "application/octet-stream");
});

test("a link opens the object without credentials, for as long as they allow, and nothing else", async () => {
  await using use = await bucket();
  const key = "reports/a b+c&ü.html";
  await use.store.put(key, Buffer.from("<p>page</p>"));
  const link = new URL((await use.store.link(key)) ?? "");
  equal(await (await fetch(link)).text(), "<p>page</p>");
  equal(link.searchParams.get("X-Amz-Expires"), "604800");
  match(link.searchParams.get("X-Amz-SignedHeaders") ?? "", /^host$/);
});

test("a link names the bucket in the host, as S3 wants it, and is made without a call", async () => {
  const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret", sessionToken: "token" };
  const store = s3Store(new S3Client({ region: "eu-central-1", credentials }), "tidemark-lake-1");
  const link = new URL((await store.link("reports/w.html")) ?? "");
  equal(link.host, "tidemark-lake-1.s3.eu-central-1.amazonaws.com");
  equal(link.pathname, "/reports/w.html");
  equal(link.searchParams.get("X-Amz-Security-Token"), "token");
});
