// ListObjectsV2: pages of keys in order, below a prefix.
// Source: S3 API reference, ListObjectsV2. Delimiters are not asked for by our adapters and not answered.
import type { StoredObject } from "./s3.ts";
import { AwsError, type AwsResponse, xmlHeaders, xmlText } from "./wire.ts";

const PAGE_KEYS_MAX = 1_000;

export function listObjects(bucket: string, objects: ReadonlyMap<string, StoredObject>, query: URLSearchParams): AwsResponse {
  if (query.has("delimiter")) throw new AwsError("NotImplemented", 501, "no stand-in for delimiters");
  const prefix = query.get("prefix") ?? "";
  const limit = Math.min(PAGE_KEYS_MAX, Number(query.get("max-keys") ?? PAGE_KEYS_MAX));
  const after = Buffer.from(query.get("continuation-token") ?? "", "base64url").toString();
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
  const page = keys.slice(0, limit);
  const last = page.at(-1) ?? "";
  const isTruncated = keys.length > page.length;
  const contents = page.map((key) => {
    const { size, etag, writtenAtMs } = objects.get(key) ?? { size: 0, etag: "", writtenAtMs: 0 };
    const about = `<Size>${size}</Size><ETag>${xmlText(etag)}</ETag><LastModified>${new Date(writtenAtMs).toISOString()}</LastModified>`;
    return `<Contents><Key>${xmlText(key)}</Key>${about}</Contents>`;
  });
  const next = isTruncated ? `<NextContinuationToken>${Buffer.from(last).toString("base64url")}</NextContinuationToken>` : "";
  const body =
    `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>${bucket}</Name><Prefix>${xmlText(prefix)}</Prefix>` +
    `<KeyCount>${page.length}</KeyCount><MaxKeys>${limit}</MaxKeys><IsTruncated>${isTruncated}</IsTruncated>` +
    `${next}${contents.join("")}</ListBucketResult>`;
  return { status: 200, headers: xmlHeaders, body };
}
