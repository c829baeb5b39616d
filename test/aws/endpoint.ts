// A loopback AWS: one HTTP server on 127.0.0.1 that unmodified SDK clients reach by AWS_ENDPOINT_URL.
// Each service is a file of its own; here requests are told apart by the service they were signed for.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Athena, createAthena } from "./athena.ts";
import { createFaults, type Faults } from "./faults.ts";
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

  const server = createServer(async (message, reply) => {
    const { status, headers, body } = await answer(await readRequest(message));
    reply.writeHead(status, headers);
    reply.end(message.method === "HEAD" ? undefined : body);
  });

  async function answer(request: AwsRequest): Promise<AwsResponse> {
    if (request.path.startsWith("/latest/")) return imds.answer(request);
    calls.push(`${request.service}:${request.operation}`);
    try {
      const service = services[request.service];
      if (service === undefined) throw new AwsError("MissingAuthenticationToken", 403, "the request is not signed for us");
      faults.check(request.service, request.operation);
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

async function readRequest(message: IncomingMessage): Promise<AwsRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const headers = Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, String(value)]));
  const [rawPath = "/", rawQuery = ""] = (message.url ?? "/").split("?", 2);
  const method = message.method ?? "GET";
  const path = decodeURIComponent(rawPath);
  const query = new URLSearchParams(rawQuery);
  // Credential=<key>/<date>/<region>/<service>/aws4_request
  const service = /Credential=[^/]+\/\d{8}\/[^/]+\/([^/]+)\/aws4_request/.exec(headers["authorization"] ?? "")?.[1] ?? "none";
  const target = headers["x-amz-target"]?.split(".").at(-1);
  const action = service === "sns" ? new URLSearchParams(body.toString()).get("Action") : null;
  const operation = target ?? action ?? s3Operation(method, path, query, headers["x-amz-copy-source"] !== undefined);
  return { service, operation, method, path, query, headers, body };
}
