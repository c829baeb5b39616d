// Lambda: raw objects that Firehose wrote become Parquet in the lake; what cannot be converted goes to rejects/.
// Decoding, ordering and encoding are in core; the store, the log and who listens to reports are the edge's.
import middy from "@middy/core";
import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { lateKey, rejectsKey } from "../schema/keys.ts";
import { type Refusal, readMessage } from "./core/convert-message.ts";
import { isLate, lakeFiles, outputName, partName } from "./core/lake-files.ts";
import { type RawCounts, readRawObject } from "./core/raw-object.ts";
import { addReject, emptyRejects, encodeRejects, refusalLine } from "./core/rejects.ts";
import type { Log, ObjectStore } from "./edges.ts";

export interface ConvertEdge {
  /** Where raw objects arrive, and the name of that bucket: messages about any other one are refused. */
  readonly raw: ObjectStore;
  readonly rawBucket: string;
  /** Where tables and rejects go; on one machine the same folder. */
  readonly lake: ObjectStore;
  readonly log: Log;
  nowMs(): number;
  /** Hears of every message that is done with. */
  readonly report: (report: ConvertReport) => void;
}

export type ConvertReport =
  | ({ readonly kind: "converted"; readonly key: string } & RawCounts & {
        readonly rejects: number;
        readonly bytesOut: number;
        /** Keys written to the lake, rejects not included. */
        readonly files: readonly string[];
      })
  | ({ readonly kind: "refused" } & Refusal);

/**
 * What repeating cannot mend (not JSON, a foreign key, an object that is gone or damaged) is written to rejects/ and
 * acknowledged, so that it holds up nobody. What throws (the store is down, a bug) is handed back to the queue
 * alone: after its retries it waits in the dead-letter queue, and its neighbours are done.
 */
export const createConvertHandler = (edge: ConvertEdge) =>
  middy(async (event: SQSEvent): Promise<SQSBatchResponse> => {
    const batchItemFailures: SQSBatchResponse["batchItemFailures"] = [];
    for (const record of event.Records) {
      try {
        edge.report(await convertMessage(edge, record));
      } catch (error) {
        edge.log.error("message goes back to the queue", { messageId: record.messageId, error });
        batchItemFailures.push({ itemIdentifier: record.messageId });
      }
    }
    return { batchItemFailures };
  });

const EMPTY = new Uint8Array(0);

async function convertMessage(edge: ConvertEdge, record: SQSRecord): Promise<ConvertReport> {
  const request = readMessage(record.body, edge.rawBucket);
  if (!request.ok) return refuse(edge, record, request.error);
  const { key, arrivedAtMs } = request.value;
  const object = await edge.raw.open(key);
  if (object === null)
    return refuse(edge, record, { reason: "object_missing", key, value: key, limit: "an object in the store" });

  const { parts, rejects, counts } = readRawObject(object, request.value);
  const files: string[] = [];
  let bytesOut = 0;
  let part = 0;
  for await (const tables of parts) {
    for (const file of lakeFiles(tables, partName(key, part))) {
      await edge.lake.put(file.key, file.bytes);
      if (isLate(file, edge.nowMs())) await edge.lake.put(lateKey(file.hourMs, partName(key, part)), EMPTY);
      files.push(file.key);
      bytesOut += file.bytes.length;
    }
    part++;
  }
  if (rejects.count > 0) await edge.lake.put(rejectsKey(arrivedAtMs, outputName(key)), encodeRejects(rejects));
  return { kind: "converted", key, ...counts, rejects: rejects.count, bytesOut, files };
}

/** Filed under the hour in which the message was sent and named after its text: a redelivery overwrites its own line. */
async function refuse(edge: ConvertEdge, record: SQSRecord, refusal: Refusal): Promise<ConvertReport> {
  const rejects = emptyRejects();
  addReject(rejects, refusalLine(refusal));
  const sentAtMs = Number(record.attributes.SentTimestamp);
  await edge.lake.put(rejectsKey(sentAtMs, outputName(record.body)), encodeRejects(rejects));
  edge.log.warn("message refused", { messageId: record.messageId, ...refusal });
  return { kind: "refused", ...refusal };
}
