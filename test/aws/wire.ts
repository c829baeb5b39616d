// What the stand-ins share: requests as a service sees them, errors by their AWS code, and answers in each protocol.
// Which protocol a service speaks is its own file's; these are the ones that the installed SDK clients use.
import { randomUUID } from "node:crypto";

export interface AwsRequest {
  readonly service: string;
  readonly operation: string;
  readonly method: string;
  /** Decoded path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

export interface AwsResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export type Service = (request: AwsRequest) => Promise<AwsResponse>;

/** An answer that the SDK turns into an exception of this name. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, status: number, message: string) {
    super(message);
    this.name = "AwsError";
    this.code = code;
    this.status = status;
  }
}

export type Json = Readonly<Record<string, unknown>>;

/** AWS JSON 1.0 and 1.1 (Firehose, Athena, SQS, Secrets Manager): one table of operations. */
export const jsonService =
  (operations: Readonly<Record<string, (input: Json) => Promise<object> | object>>): Service =>
  async ({ operation, body, headers }) => {
    const run = operations[operation];
    if (run === undefined) throw new AwsError("UnknownOperationException", 400, `no stand-in for ${operation}`);
    const answer = await run(JSON.parse(body.toString() || "{}") as Json);
    return {
      status: 200,
      headers: { "content-type": headers["content-type"] ?? "application/x-amz-json-1.1" },
      body: JSON.stringify(answer),
    };
  };

export const textField = (input: Json, name: string): string => {
  const value = input[name];
  if (typeof value !== "string") throw new AwsError("ValidationException", 400, `${name} is ${JSON.stringify(value)}`);
  return value;
};

export const numberField = (input: Json, name: string, usual: number): number => {
  const value = input[name];
  return typeof value === "number" ? value : usual;
};

/** The error in the words of the service's protocol. */
export function errorResponse(service: string, { code, status, message }: AwsError): AwsResponse {
  const requestId = randomUUID();
  const error = `<Code>${xmlText(code)}</Code><Message>${xmlText(message)}</Message>`;
  if (service === "s3") {
    return { status, headers: xmlHeaders, body: `<Error>${error}<RequestId>${requestId}</RequestId></Error>` };
  }
  if (service === "sns") {
    const body = `<ErrorResponse><Error><Type>Sender</Type>${error}</Error><RequestId>${requestId}</RequestId></ErrorResponse>`;
    return { status, headers: xmlHeaders, body };
  }
  const headers = { "content-type": "application/x-amz-json-1.1", "x-amzn-errortype": code };
  return { status, headers, body: JSON.stringify({ __type: code, message }) };
}

export const xmlHeaders = { "content-type": "application/xml" };

export const xmlText = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
