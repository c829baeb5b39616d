// A loopback AWS: one HTTP server on 127.0.0.1 that unmodified SDK clients reach by AWS_ENDPOINT_URL.
// Each service is a file of its own; here requests are told apart by the service they were signed for.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Athena, createAthena } from "./athena.ts";
import { createFaults, type Disturbance, type Faults } from "./faults.ts";
import { createFirehose, type Firehose } from "./firehose.ts";
import { createImds } from "./imds.ts";
import { createS3, type S3, s3Operation } from "./s3.ts";
import { createSecretsManager, type SecretsManager } from "./secrets-manager.ts";
import { createSns, type Sns } from "./sns.ts";
import { createSqs, type Sqs } from "./sqs.ts";
import { AwsError, type AwsRequest, type AwsResponse, errorResponse, type Service } from "./wire.ts";

export interface AwsEndpoint extends AsyncDisposable {
  readonly url: string;
  /** What makes an SDK client in any process talk to it, and to nothing else. */
  readonly environment: Readonly<Record<string, string>>;
  readonly s3: S3;
  readonly firehose: Firehose;
  readonly sqs: Sqs;
  readonly sns: Sns;
  readonly athena: Athena;
  readonly secrets: SecretsManager;
  readonly faults: Faults;
  /** `service:Operation` of every call, in order. */
  readonly calls: readonly string[];
  close(): Promise<void>;
}

export async function startAws(): Promise<AwsEndpoint> {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-aws-"));
  const faults = createFaults();
  const calls: string[] = [];
  let url = "";
  const s3 = createS3(folder);
  const firehose = createFirehose(s3);
  const sqs = createSqs((queue) => `${url}/123456789012/${queue}`);
  const sns = createSns();
  const athena = createAthena(s3);
  const secrets = createSecretsManager();
  const services: Readonly<Record<string, Service>> = {
    s3: s3.service,
    firehose: firehose.service,
    sqs: sqs.service,
    sns: sns.service,
    athena: athena.service,
    secretsmanager: secrets.service,
  };
  const imds = createImds();

  const server = createServer((message, reply) => {
    // A client that is killed while it sends ends the request: what has not come whole is not done.
    handle(message, reply).catch(() => reply.destroy());
  });

  async function handle(message: IncomingMessage, reply: ServerResponse): Promise<void> {
    const head = headOf(message);
    const isMetadata = head.path.startsWith("/latest/");
    // SNS names its operation in the body.
    const early = head.service === "sns" ? await readBody(message) : null;
    const operation = head.operation ?? new URLSearchParams(early?.toString()).get("Action") ?? "";
    if (!isMetadata) calls.push(`${head.service}:${operation}`);
    let disturbance: Disturbance | null = null;
    let refusal: unknown = null;
    try {
      if (!isMetadata) disturbance = faults.check(head.service, operation, head.path);
    } catch (error) {
      refusal = error;
    }
    if (disturbance?.how === "half_request") {
      if (early === null) await readHalf(message);
      return void reply.destroy();
    }
    const request = { ...head, operation, body: early ?? (await readBody(message)) };
    if (disturbance?.how === "garbage") return send(reply, { status: 200, body: disturbance.body ?? "" });
    const response = await answer(request, refusal);
    if (disturbance?.how === "slow") await sleep(disturbance.ms ?? 0);
    if (disturbance?.how === "lost_answer") return void reply.destroy();
    if (disturbance?.how === "half_answer") return sendHalf(reply, response);
    send(reply, response, message.method);
  }

  async function answer(request: AwsRequest, refusal: unknown): Promise<AwsResponse> {
    if (request.path.startsWith("/latest/")) return imds.answer(request);
    try {
      if (refusal !== null) throw refusal;
      const service = services[request.service];
      if (service === undefined) throw new AwsError("MissingAuthenticationToken", 403, "the request is not signed for us");
      return await service(request);
    } catch (error) {
      const known = error instanceof AwsError ? error : new AwsError("InternalFailure", 500, String(error));
      return errorResponse(request.service, known);
    }
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function close(): Promise<void> {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  }

  const environment = {
    AWS_ENDPOINT_URL: url,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "secret",
    AWS_EC2_METADATA_SERVICE_ENDPOINT: url,
    AWS_CONFIG_FILE: "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
  };
  return { url, environment, s3, firehose, sqs, sns, athena, secrets, faults, calls, close, [Symbol.asyncDispose]: close };
}

/** What is known of a request before its body; the operation is null where only the body names it. */
function headOf(message: IncomingMessage): Omit<AwsRequest, "body" | "operation"> & { readonly operation: string | null } {
  const headers = Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, String(value)]));
  const [rawPath = "/", rawQuery = ""] = (message.url ?? "/").split("?", 2);
  const method = message.method ?? "GET";
  const path = decodeURIComponent(rawPath);
  const query = new URLSearchParams(rawQuery);
  // Credential=<key>/<date>/<region>/<service>/aws4_request, in the query where the address is signed beforehand.
  const signed = headers["authorization"] ?? `Credential=${query.get("X-Amz-Credential") ?? ""}`;
  const service = /Credential=[^/]+\/\d{8}\/[^/]+\/([^/]+)\/aws4_request/.exec(signed)?.[1] ?? "none";
  const target = headers["x-amz-target"]?.split(".").at(-1);
  const isCopy = headers["x-amz-copy-source"] !== undefined;
  const operation = target ?? (service === "sns" ? null : s3Operation(method, path, query, isCopy));
  return { service, operation, method, path, query, headers };
}

async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Until half of what was announced has come. */
async function readHalf(message: IncomingMessage): Promise<void> {
  const half = Number(message.headers["content-length"] ?? 0) / 2;
  let taken = 0;
  for await (const chunk of message) {
    taken += (chunk as Buffer).length;
    if (taken >= half) return;
  }
}

function send(reply: ServerResponse, { status, headers, body }: AwsResponse, method?: string): void {
  reply.writeHead(status, headers);
  reply.end(method === "HEAD" ? undefined : body);
}

function sendHalf(reply: ServerResponse, { status, headers, body = "" }: AwsResponse): void {
  const bytes = Buffer.from(body);
  reply.writeHead(status, { ...headers, "content-length": String(bytes.length) });
  reply.write(bytes.subarray(0, bytes.length / 2), () => reply.destroy());
}
