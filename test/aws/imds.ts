// The instance metadata service, version 2 only: a token first, then the identity document and the role's credentials.
// Source: EC2 user guide, "Use the Instance Metadata Service". Instance tags are off, as they are by default.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { AwsRequest, AwsResponse } from "./wire.ts";

export interface Imds {
  answer(request: Pick<AwsRequest, "method" | "path" | "headers">): AwsResponse;
}

export const instance = {
  instanceId: "i-0123456789abcdef0",
  instanceType: "m7g.large",
  availabilityZone: "us-east-1b",
  region: "us-east-1",
  accountId: "123456789012",
  imageId: "ami-0abcdef1234567890",
  architecture: "arm64",
  privateIp: "10.0.0.7",
  version: "2017-09-30",
} as const;

const ROLE = "tidemark-collector";
const HOUR_MS = 3_600_000;

/** `tags`: those that the instance allows in its metadata. */
export function createImds(tags: Readonly<Record<string, string>> = {}): Imds {
  const tokens = new Set<string>();
  const documents: Readonly<Record<string, () => string>> = {
    "/latest/dynamic/instance-identity/document": () => JSON.stringify(instance),
    "/latest/meta-data/instance-id": () => instance.instanceId,
    "/latest/meta-data/placement/region": () => instance.region,
    "/latest/meta-data/iam/security-credentials/": () => ROLE,
    [`/latest/meta-data/iam/security-credentials/${ROLE}`]: () =>
      JSON.stringify({
        Code: "Success",
        Type: "AWS-HMAC",
        AccessKeyId: "ASIAINSTANCE",
        SecretAccessKey: "secret",
        Token: "token",
        LastUpdated: new Date().toISOString(),
        Expiration: new Date(Date.now() + HOUR_MS).toISOString(),
      }),
  };
  return {
    answer({ method, path, headers }) {
      if (path === "/latest/api/token") {
        if (method !== "PUT" || headers["x-aws-ec2-metadata-token-ttl-seconds"] === undefined) return { status: 400 };
        const token = randomUUID();
        tokens.add(token);
        return { status: 200, headers: { "content-type": "text/plain" }, body: token };
      }
      if (!tokens.has(headers["x-aws-ec2-metadata-token"] ?? "")) return { status: 401, body: "" };
      const tag = tags[path.slice("/latest/meta-data/tags/instance/".length)];
      const document =
        documents[path] ?? (path.startsWith("/latest/meta-data/tags/") && tag !== undefined ? () => tag : undefined);
      return document === undefined ? { status: 404, body: "" } : { status: 200, body: document() };
    },
  };
}

export interface LoopbackService extends AsyncDisposable {
  readonly url: string;
  /** Method and path of every request, in order. */
  readonly calls: readonly string[];
}

/** A service of the host's own link, on loopback: what `answer` says, to each request in turn. */
export async function startLoopback(
  answer: (request: Pick<AwsRequest, "method" | "path" | "headers">) => AwsResponse | "hang" | "cut",
): Promise<LoopbackService> {
  const calls: string[] = [];
  const server = createServer((message, reply) => {
    const headers = Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, String(value)]));
    const request = { method: message.method ?? "GET", path: decodeURIComponent(message.url ?? "/"), headers };
    calls.push(`${request.method} ${request.path}`);
    const response = answer(request);
    if (response === "hang") return;
    if (response === "cut") return void message.socket.destroy();
    reply.writeHead(response.status, response.headers).end(response.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
