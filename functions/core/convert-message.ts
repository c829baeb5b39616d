// Reads the message that announces a raw object: an EventBridge "Object Created" event in an SQS body.
// What is in the object is read elsewhere; here a stranger's text becomes a checked request, or a reason.
import { RAW_PREFIX } from "../../schema/keys.ts";
import { err, ok, type Result } from "../../schema/result.ts";

/**
 * Firehose buffers at most 128 MiB before it writes (BufferingHints), but objects may be joined or replayed. Beyond this one
 * would not be done before the function's time is up.
 */
export const RAW_OBJECT_BYTES_MAX = 1_024 * 1_024 * 1_024;

export interface ConvertRequest {
  readonly key: string;
  /** Start of the arrival hour that the key names, ms since 1970: the same on every redelivery, which no clock is. */
  readonly arrivedAtMs: number;
}

/** Why a message, or its object, can never be converted: repeating it would fail in the same way. */
export interface Refusal {
  readonly reason: "message_json" | "message_shape" | "foreign_bucket" | "foreign_key" | "object_too_large" | "object_missing";
  readonly key: string | null;
  readonly value: string;
  readonly limit: string;
}

/** `bucket` is the one bucket that raw objects may come from. */
export function readMessage(body: string, bucket: string): Result<ConvertRequest, Refusal> {
  const refuse = (reason: Refusal["reason"], key: string | null, value: string, limit: string) =>
    err<Refusal>({ reason, key, value: value.slice(0, VALUE_LENGTH_MAX), limit });

  let event: unknown;
  try {
    event = JSON.parse(body);
  } catch {
    return refuse("message_json", null, body, "an EventBridge event as JSON");
  }
  const detail = at(event, "detail");
  const bucketName = at(at(detail, "bucket"), "name");
  const key = at(at(detail, "object"), "key");
  const size = at(at(detail, "object"), "size");
  if (typeof bucketName !== "string" || typeof key !== "string") {
    return refuse("message_shape", null, body, "detail.bucket.name and detail.object.key");
  }
  if (bucketName !== bucket) return refuse("foreign_bucket", key, bucketName, bucket);
  // EventBridge gives the key as it is; only S3's own notifications encode it.
  const arrivedAtMs = arrivalOf(key);
  if (arrivedAtMs === null) return refuse("foreign_key", key, key, `${RAW_PREFIX}dt=YYYY-MM-DD/hr=HH/...`);
  if (typeof size === "number" && size > RAW_OBJECT_BYTES_MAX) {
    return refuse("object_too_large", key, `${size} bytes`, `${RAW_OBJECT_BYTES_MAX} bytes`);
  }
  return ok({ key, arrivedAtMs });
}

const RAW_KEY = new RegExp(`^${RAW_PREFIX}dt=(\\d{4}-\\d{2}-\\d{2})/hr=(\\d{2})/.`);

function arrivalOf(key: string): number | null {
  const [, date, hour] = RAW_KEY.exec(key) ?? [];
  const timeMs = Date.parse(`${date}T${hour}:00:00Z`);
  return Number.isNaN(timeMs) ? null : timeMs;
}

/** Enough of a refused message to recognise it. */
const VALUE_LENGTH_MAX = 200;

const at = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
