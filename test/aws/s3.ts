// S3 over a folder (one folder a bucket), path style, so that other stand-ins and readers see the objects as files.
// Bodies and their checksums are chunked.ts's, XML of listings s3-list.ts's; versions, multipart and ACLs are not here.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readUpload } from "./chunked.ts";
import { listObjects } from "./s3-list.ts";
import { AwsError, type AwsRequest, type AwsResponse, type Service, xmlHeaders, xmlText } from "./wire.ts";

export interface StoredObject {
  readonly etag: string;
  readonly crc32: string | null;
  readonly contentType: string;
  readonly size: number;
  readonly writtenAtMs: number;
}

export type OnCreated = (bucket: string, key: string, object: StoredObject) => void;

export interface S3 {
  readonly service: Service;
  createBucket(name: string): void;
  /** Writes as a service inside AWS would. */
  put(bucket: string, key: string, bytes: Uint8Array): void;
  get(bucket: string, key: string): Buffer | null;
  remove(bucket: string, key: string): void;
  keys(bucket: string, prefix?: string): readonly string[];
  written(bucket: string, key: string): StoredObject | undefined;
  onCreated(listener: OnCreated): void;
  /** Takes up files that an engine wrote below a prefix of a bucket's folder. */
  adopt(bucket: string, key: string): void;
  folderOf(bucket: string): string;
}

export function createS3(folder: string): S3 {
  const buckets = new Map<string, Map<string, StoredObject>>();
  const listeners: OnCreated[] = [];
  const folderOf = (bucket: string) => join(folder, bucket);
  const fileOf = (bucket: string, key: string) => join(folder, bucket, key);
  const objectsOf = (bucket: string) => {
    const objects = buckets.get(bucket);
    if (objects === undefined) throw new AwsError("NoSuchBucket", 404, `The specified bucket does not exist: ${bucket}`);
    return objects;
  };

  function remember(bucket: string, key: string, bytes: Uint8Array, about: Pick<StoredObject, "crc32" | "contentType">) {
    const etag = `"${createHash("md5").update(bytes).digest("hex")}"`;
    const object = { etag, size: bytes.length, writtenAtMs: Date.now(), ...about };
    objectsOf(bucket).set(key, object);
    for (const listener of listeners) listener(bucket, key, object);
    return object;
  }

  function write(bucket: string, key: string, bytes: Uint8Array, about: Pick<StoredObject, "crc32" | "contentType">) {
    objectsOf(bucket);
    const file = fileOf(bucket, key);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.tmp`, bytes);
    renameSync(`${file}.tmp`, file);
    return remember(bucket, key, bytes, about);
  }

  function existing(bucket: string, key: string): StoredObject {
    const object = objectsOf(bucket).get(key);
    if (object === undefined) throw new AwsError("NoSuchKey", 404, "The specified key does not exist.");
    return object;
  }

  function putObject(request: AwsRequest, bucket: string, key: string): AwsResponse {
    if (request.headers["if-none-match"] === "*" && objectsOf(bucket).has(key)) {
      throw new AwsError("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold");
    }
    const { bytes, crc32 } = readUpload(request);
    const contentType = request.headers["content-type"] ?? "binary/octet-stream";
    const { etag } = write(bucket, key, bytes, { crc32, contentType });
    return { status: 200, headers: { etag, "x-amz-checksum-crc32": crc32 } };
  }

  function copyObject(source: string, bucket: string, key: string): AwsResponse {
    const [fromBucket = "", ...rest] = decodeURIComponent(source).replace(/^\//, "").split("/");
    const from = existing(fromBucket, rest.join("/"));
    const bytes = readFileSync(fileOf(fromBucket, rest.join("/")));
    const { etag, writtenAtMs } = write(bucket, key, bytes, from);
    const result = `<ETag>${xmlText(etag)}</ETag><LastModified>${new Date(writtenAtMs).toISOString()}</LastModified>`;
    return { status: 200, headers: xmlHeaders, body: `<CopyObjectResult>${result}</CopyObjectResult>` };
  }

  function getObject({ headers, method }: AwsRequest, bucket: string, key: string): AwsResponse {
    const object = existing(bucket, key);
    if (headers["if-match"] !== undefined && headers["if-match"] !== object.etag) {
      throw new AwsError("PreconditionFailed", 412, "the object has changed");
    }
    if (headers["if-none-match"] === object.etag) return { status: 304 };
    const bytes = readFileSync(fileOf(bucket, key));
    const about = {
      etag: object.etag,
      "content-type": object.contentType,
      "last-modified": new Date(object.writtenAtMs).toUTCString(),
      "accept-ranges": "bytes",
    };
    const range = rangeOf(headers["range"], bytes.length);
    if (range === null) {
      const checksum: Record<string, string> =
        object.crc32 !== null && headers["x-amz-checksum-mode"] !== undefined ? { "x-amz-checksum-crc32": object.crc32 } : {};
      if (method === "HEAD") return { status: 200, headers: { ...about, "content-length": String(bytes.length) } };
      return { status: 200, headers: { ...about, ...checksum }, body: bytes };
    }
    const contentRange = `bytes ${range.first}-${range.last}/${bytes.length}`;
    const part = bytes.subarray(range.first, range.last + 1);
    return { status: 206, headers: { ...about, "content-range": contentRange }, body: part };
  }

  const service: Service = async (request) => {
    const [, bucket = "", ...rest] = request.path.split("/");
    const key = rest.join("/");
    switch (request.operation) {
      case "CreateBucket":
        s3.createBucket(bucket);
        return { status: 200 };
      case "ListObjectsV2":
        return listObjects(bucket, objectsOf(bucket), request.query);
      case "PutObject":
        return putObject(request, bucket, key);
      case "CopyObject":
        return copyObject(request.headers["x-amz-copy-source"] ?? "", bucket, key);
      case "GetObject":
      case "HeadObject":
        return getObject(request, bucket, key);
      case "DeleteObject":
        s3.remove(bucket, key);
        return { status: 204 };
      default:
        throw new AwsError("NotImplemented", 501, `no stand-in for ${request.operation}`);
    }
  };

  const s3: S3 = {
    service,
    folderOf,
    createBucket(name) {
      if (!buckets.has(name)) buckets.set(name, new Map());
      mkdirSync(folderOf(name), { recursive: true });
    },
    put: (bucket, key, bytes) => void write(bucket, key, bytes, { crc32: null, contentType: "application/octet-stream" }),
    remove(bucket, key) {
      objectsOf(bucket).delete(key);
      rmSync(fileOf(bucket, key), { force: true });
    },
    get: (bucket, key) => (existsSync(fileOf(bucket, key)) ? readFileSync(fileOf(bucket, key)) : null),
    keys: (bucket, prefix = "") => [...objectsOf(bucket).keys()].filter((key) => key.startsWith(prefix)).sort(),
    written: (bucket, key) => objectsOf(bucket).get(key),
    onCreated: (listener) => void listeners.push(listener),
    adopt(bucket, key) {
      remember(bucket, key, readFileSync(fileOf(bucket, key)), { crc32: null, contentType: "application/octet-stream" });
    },
  };
  return s3;
}

/** Name of the S3 operation that a request is. */
export function s3Operation(method: string, path: string, query: URLSearchParams, isCopy: boolean): string {
  const hasKey = /^\/[^/]+\/./.test(path);
  if (!hasKey) return method === "PUT" ? "CreateBucket" : query.get("list-type") === "2" ? "ListObjectsV2" : `${method}Bucket`;
  if (method === "PUT") return isCopy ? "CopyObject" : "PutObject";
  return { GET: "GetObject", HEAD: "HeadObject", DELETE: "DeleteObject" }[method] ?? `${method}Object`;
}

/** `bytes=a-b`, `bytes=a-` and `bytes=-n`; null without a range. */
function rangeOf(header: string | undefined, size: number): { first: number; last: number } | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (match === null) return null;
  const [from, to] = [match[1] ?? "", match[2] ?? ""];
  const first = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === "" || to === "" ? size - 1 : Math.min(size - 1, Number(to));
  if (first >= size) throw new AwsError("InvalidRange", 416, "The requested range is not satisfiable");
  return { first, last };
}
