// A bucket as an object store.
// Encryption, versions and lifecycle are the bucket's own; retries and timeouts are the client's.
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  NoSuchKey,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import type { ObjectStore } from "../edges.ts";

/** The longest that S3 takes. Credentials of a role end earlier, and the link with them: those of a Lambda within hours. */
const LINK_SECONDS = 7 * 24 * 3_600;

/**
 * Without s3:ListBucket on the bucket S3 answers 403 instead of NoSuchKey for a missing object; then `get` throws,
 * because "denied" must never read as "not there".
 */
export function s3Store(client: S3Client, bucket: string): ObjectStore {
  return {
    async get(key) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        if (Body === undefined) throw new Error(`s3://${bucket}/${key} came without a body`);
        return await Body.transformToByteArray();
      } catch (cause) {
        if (cause instanceof NoSuchKey) return null;
        throw new Error(`cannot read s3://${bucket}/${key}: ${textOf(cause)}`, { cause });
      }
    },
    async open(key) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        if (Body === undefined) throw new Error(`s3://${bucket}/${key} came without a body`);
        return Body as AsyncIterable<Uint8Array>;
      } catch (cause) {
        if (cause instanceof NoSuchKey) return null;
        throw new Error(`cannot read s3://${bucket}/${key}: ${textOf(cause)}`, { cause });
      }
    },
    async put(key, bytes) {
      const request = { Bucket: bucket, Key: key, Body: bytes, ContentType: contentTypeOf(key) };
      await client.send(new PutObjectCommand(request)).catch((cause: unknown) => {
        throw new Error(`cannot write ${bytes.length} bytes to s3://${bucket}/${key}: ${textOf(cause)}`, { cause });
      });
    },
    async *list(prefix) {
      for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix })) {
        for (const { Key } of page.Contents ?? []) if (Key !== undefined) yield Key;
      }
    },
    async copy(from, to) {
      const source = `${bucket}/${from.split("/").map(encodeURIComponent).join("/")}`;
      await client.send(new CopyObjectCommand({ Bucket: bucket, Key: to, CopySource: source }));
    },
    // Signed here, without a call: who opens it acts with our leave to read the object and to use its key.
    link: (key) => getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: key }), { expiresIn: LINK_SECONDS }),
    async delete(key) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    },
  };
}

/** A report must open in the browser; everything else is for programs. */
const contentTypeOf = (key: string): string =>
  key.endsWith(".html")
    ? "text/html; charset=utf-8"
    : key.endsWith(".ndjson")
      ? "application/x-ndjson"
      : "application/octet-stream";

const textOf = (cause: unknown): string => (cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause));
