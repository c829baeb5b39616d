// The body of an upload as the SDK sends it: plain, or in aws-chunked frames with a checksum behind them.
// Source: S3 user guide, "Checking object integrity for data uploads", and API reference, "Signature calculations: chunked upload".
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { AwsError, type AwsRequest } from "./wire.ts";

export interface Upload {
  readonly bytes: Buffer;
  /** Base64 of the big-endian CRC32, as S3 keeps it. */
  readonly crc32: string;
}

/** Checks every digest that came along; a wrong one is refused, as by S3. */
export function readUpload({ headers, body }: AwsRequest): Upload {
  const isChunked = headers["content-encoding"]?.includes("aws-chunked") ?? false;
  const { bytes, trailers } = isChunked ? unchunk(body) : { bytes: body, trailers: {} };
  const decodedLength = headers["x-amz-decoded-content-length"];
  if (decodedLength !== undefined && Number(decodedLength) !== bytes.length) {
    throw new AwsError("IncompleteBody", 400, `${bytes.length} bytes came, ${decodedLength} were announced`);
  }
  const sha256 = headers["x-amz-content-sha256"] ?? "";
  if (/^[0-9a-f]{64}$/.test(sha256) && sha256 !== createHash("sha256").update(bytes).digest("hex")) {
    throw new AwsError("XAmzContentSHA256Mismatch", 400, "the body is not what was signed");
  }
  const checksum = crc32Base64(bytes);
  const given = trailers["x-amz-checksum-crc32"] ?? headers["x-amz-checksum-crc32"];
  if (given !== undefined && given !== checksum) throw new AwsError("BadDigest", 400, `CRC32 is ${checksum}, not ${given}`);
  return { bytes, crc32: checksum };
}

function crc32Base64(bytes: Uint8Array): string {
  const digest = Buffer.alloc(4);
  digest.writeUInt32BE(crc32(bytes));
  return digest.toString("base64");
}

/** `<hex size>[;chunk-signature=...]\r\n<bytes>\r\n` until size 0, then `name:value\r\n` lines. */
function unchunk(body: Buffer): { bytes: Buffer; trailers: Record<string, string> } {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = body.indexOf("\r\n", at);
    const size = Number.parseInt(body.toString("latin1", at, lineEnd), 16);
    if (lineEnd < 0 || Number.isNaN(size)) throw new AwsError("IncompleteBody", 400, `no chunk at byte ${at}`);
    at = lineEnd + 2;
    if (size === 0) break;
    chunks.push(body.subarray(at, at + size));
    at += size + 2;
  }
  const lines = body.toString("latin1", at).split("\r\n");
  const trailers = lines.filter((line) => line.includes(":")).map((line) => line.split(/:\s*(.*)/, 2) as [string, string]);
  return { bytes: Buffer.concat(chunks), trailers: Object.fromEntries(trailers) };
}
