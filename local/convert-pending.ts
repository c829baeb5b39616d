// Stands for EventBridge and SQS on one machine: announces every raw object that has not been converted yet to the handler.
// An object counts as converted when the handler has acknowledged it; a marker file remembers that across runs.
import { createHash } from "node:crypto";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Context, SQSEvent, SQSRecord } from "aws-lambda";
import { makeFolder } from "../collector/ship/make-folder.ts";
import { type ConvertReport, createConvertHandler } from "../functions/convert.ts";
import type { Log } from "../functions/edges.ts";
import { RAW_PREFIX, rawPrefix } from "../schema/keys.ts";
import { folderStore } from "./folder-store.ts";

/** As the event source mapping on AWS: an SQS batch has at most ten messages. */
const BATCH_MESSAGES_MAX = 10;
const BUCKET = "local";
const HOUR_MS = 3_600_000;

export interface PendingConverter {
  /** Converts what is there now. Returns how many objects wait for another try. */
  convertPending(): Promise<number>;
}

export interface PendingConverterOptions {
  readonly log: Log;
  readonly report: (report: ConvertReport) => void;
  readonly nowMs?: () => number;
}

/** A try that failed is repeated after this, and after twice as long each time, as a queue would. */
const RETRY_MS_FIRST = 1_000;
const RETRY_MS_MAX = 300_000;

export function pendingConverter(folder: string, { log, report, nowMs = Date.now }: PendingConverterOptions): PendingConverter {
  const store = folderStore(folder);
  const handler = createConvertHandler({ raw: store, rawBucket: BUCKET, lake: store, log, nowMs, report });
  const markers = join(folder, "state", "converted");
  makeFolder(markers);
  const markerOf = (key: string) => join(markers, createHash("sha256").update(key).digest("hex"));
  const done = new Set<string>();
  /** Keys of objects that failed: the pause before their next try, and when that is due. */
  const handedBack = new Map<string, { readonly pauseMs: number; readonly dueMs: number }>();
  let hasSeenAll = false;

  return {
    async convertPending() {
      const pending = new Set(handedBack.keys());
      // After one look at everything, new objects can only appear in the hour that is or the one that has just ended.
      const prefixes = hasSeenAll ? [rawPrefix(nowMs() - HOUR_MS), rawPrefix(nowMs())] : [RAW_PREFIX];
      for (const prefix of prefixes) {
        for await (const key of store.list(prefix)) {
          if (done.has(key)) continue;
          if (existsSync(markerOf(key))) done.add(key);
          else pending.add(key);
        }
      }
      hasSeenAll = true;
      const keys = [...pending].filter((key) => (handedBack.get(key)?.dueMs ?? 0) <= nowMs());
      for (let at = 0; at < keys.length; at += BATCH_MESSAGES_MAX) {
        const batch = keys.slice(at, at + BATCH_MESSAGES_MAX);
        const records = batch.map((key) => message(key, statSync(join(folder, key)).size));
        const { batchItemFailures } = await handler({ Records: records } satisfies SQSEvent, localContext);
        const failed = new Set(batchItemFailures.map((failure) => failure.itemIdentifier));
        for (const key of batch) {
          if (failed.has(key)) {
            const pauseMs = Math.min(RETRY_MS_MAX, 2 * (handedBack.get(key)?.pauseMs ?? RETRY_MS_FIRST / 2));
            handedBack.set(key, { pauseMs, dueMs: nowMs() + pauseMs });
            continue;
          }
          handedBack.delete(key);
          writeFileSync(markerOf(key), "");
          done.add(key);
        }
      }
      return handedBack.size;
    },
  };
}

/** The key is the message id: unique, and a failure names its object. */
function message(key: string, size: number): SQSRecord {
  const event = {
    "detail-type": "Object Created",
    source: "aws.s3",
    detail: { bucket: { name: BUCKET }, object: { key, size } },
  };
  return {
    messageId: key,
    receiptHandle: key,
    body: JSON.stringify(event),
    attributes: {
      ApproximateReceiveCount: "1",
      SentTimestamp: String(Date.now()),
      SenderId: "local",
      ApproximateFirstReceiveTimestamp: String(Date.now()),
    },
    messageAttributes: {},
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:local:000000000000:convert",
    awsRegion: "local",
  };
}

/** What middy asks of a Lambda context: its time limit and its name. Nothing limits us here. */
const localContext = {
  functionName: "convert",
  getRemainingTimeInMillis: () => 15 * 60_000,
} as Context;
