// Firehose with direct put: limits as published, records that it refuses on request, and buffered objects in a bucket.
// Source: Firehose API reference, PutRecordBatch; developer guide, "Amazon S3 object name format".
import { randomUUID } from "node:crypto";
import { rawKey } from "../../schema/keys.ts";
import type { S3 } from "./s3.ts";
import { AwsError, type Json, jsonService, type Service, textField } from "./wire.ts";

export interface StreamOptions {
  readonly name: string;
  readonly bucket: string;
  /** Records are written this long after the first of them. */
  readonly bufferMs: number;
  /** Or as soon as they have this many bytes. */
  readonly bufferBytes?: number;
}

export interface Firehose {
  readonly service: Service;
  createStream(options: StreamOptions): void;
  /** Records for which it answers true are refused, as under internal trouble. */
  refuse(isRefused: ((data: Buffer) => boolean) | null): void;
  /** Writes the next object twice under two names: delivery is at least once. */
  repeatNext(): void;
  /** Writes what is buffered now. */
  flush(): void;
}

const CALL_RECORDS_MAX = 500;
const CALL_BYTES_MAX = 4 * 1_024 * 1_024;
const RECORD_BYTES_MAX = 1_000 * 1_024;

interface Stream extends StreamOptions {
  waiting: Buffer[];
  firstAtMs: number;
  timer: NodeJS.Timeout | null;
}

export function createFirehose(s3: S3): Firehose {
  const streams = new Map<string, Stream>();
  let isRefused: ((data: Buffer) => boolean) | null = null;
  let repeats = 0;

  function write(stream: Stream): void {
    if (stream.timer !== null) clearTimeout(stream.timer);
    stream.timer = null;
    if (stream.waiting.length === 0) return;
    const bytes = Buffer.concat(stream.waiting);
    stream.waiting = [];
    const time = new Date(stream.firstAtMs).toISOString().slice(0, 19).replaceAll(/[:T]/g, "-");
    for (; ; repeats--) {
      s3.put(stream.bucket, rawKey(stream.firstAtMs, `${stream.name}-1-${time}-${randomUUID()}`), bytes);
      if (repeats === 0) break;
    }
  }

  function take(stream: Stream, data: Buffer): void {
    if (stream.waiting.length === 0) {
      stream.firstAtMs = Date.now();
      stream.timer = setTimeout(() => write(stream), stream.bufferMs).unref();
    }
    stream.waiting.push(data);
    const bytes = stream.waiting.reduce((sum, { length }) => sum + length, 0);
    if (bytes >= (stream.bufferBytes ?? Number.POSITIVE_INFINITY)) write(stream);
  }

  function putRecordBatch(input: Json): object {
    const stream = streams.get(textField(input, "DeliveryStreamName"));
    if (stream === undefined) throw new AwsError("ResourceNotFoundException", 400, "the stream does not exist");
    const records = checkedRecords(input["Records"]);
    const answers = records.map((data) => {
      if (isRefused?.(data)) return { ErrorCode: "ServiceUnavailableException", ErrorMessage: "Slow down." };
      take(stream, data);
      return { RecordId: randomUUID() };
    });
    return {
      FailedPutCount: answers.filter((answer) => "ErrorCode" in answer).length,
      Encrypted: false,
      RequestResponses: answers,
    };
  }

  return {
    service: jsonService({ PutRecordBatch: putRecordBatch }),
    createStream: (options) => void streams.set(options.name, { ...options, waiting: [], firstAtMs: 0, timer: null }),
    refuse(refused) {
      isRefused = refused;
    },
    repeatNext() {
      repeats = 1;
    },
    flush() {
      for (const stream of streams.values()) write(stream);
    },
  };
}

function checkedRecords(value: unknown): readonly Buffer[] {
  const records = Array.isArray(value)
    ? (value as { Data?: string }[]).map(({ Data }) => Buffer.from(Data ?? "", "base64"))
    : [];
  const bytes = records.reduce((sum, { length }) => sum + length, 0);
  const largest = Math.max(0, ...records.map(({ length }) => length));
  if (records.length < 1 || records.length > CALL_RECORDS_MAX) {
    throw new AwsError("ValidationException", 400, `${records.length} records, 1 to ${CALL_RECORDS_MAX} are allowed`);
  }
  if (largest > RECORD_BYTES_MAX || bytes > CALL_BYTES_MAX) {
    throw new AwsError("InvalidArgumentException", 400, `a record of ${largest} bytes, ${bytes} in all: too large`);
  }
  return records;
}
