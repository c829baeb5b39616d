// Delivery to a Firehose stream: batches within its limits, only what it refused is sent again, and waiting has an end.
// What is not taken stays in the outbox, which has its own limit. Loaded only when a stream is configured.
import { setTimeout as sleep } from "node:timers/promises";
import { FirehoseClient, PutRecordBatchCommand } from "@aws-sdk/client-firehose";
import type { Delivery } from "./outbox.ts";

export interface FirehoseOptions {
  readonly stream: string;
  /** Region, credentials and endpoint come from the environment, as for every SDK client; without it from the instance. */
  readonly client?: Pick<FirehoseClient, "send">;
  sleep?(ms: number): Promise<unknown>;
  /** 0 to 1: hosts that were throttled together must not come back together. */
  random?(): number;
}

/** Limits of PutRecordBatch. Source: Firehose API reference. */
const CALL_RECORDS_MAX = 500;
const CALL_BYTES_MAX = 4 * 1_024 * 1_024;
/** Times that refused records are offered in one flush; the rows of the next minute wait meanwhile. */
const OFFERS_MAX = 4;
const BACKOFF_MS_FIRST = 200;
/** A flush holds up the ticks: an endpoint that does not answer may cost seconds, not minutes. */
const CONNECT_MS_MAX = 2_000;
const ANSWER_MS_MAX = 5_000;
const ATTEMPTS_MAX = 2;
/** What says that the credentials at hand are no longer, or not yet, the right ones. */
const STALE_CREDENTIALS: ReadonlySet<string> = new Set([
  "ExpiredTokenException",
  "ExpiredToken",
  "UnrecognizedClientException",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "CredentialsProviderError",
]);
/** Handed through to the default chain: shared files are read again by a new client, not remembered for the process. */
const NO_FILE_CACHE: object = { ignoreCache: true };

export function firehoseDelivery(options: FirehoseOptions): Delivery {
  let client: Pick<FirehoseClient, "send"> | null = options.client ?? null;
  const wait = options.sleep ?? sleep;
  const random = options.random ?? Math.random;
  return {
    async deliver(records) {
      const left: number[] = [];
      let error: Error | null = null;
      for (const batch of batches(records)) {
        if (error !== null) {
          // What one batch met the next would meet as well: they wait for the next flush.
          left.push(...batch);
          continue;
        }
        const outcome = await offer(batch);
        left.push(...outcome.left);
        error = outcome.error;
      }
      return error === null ? null : { indices: left, error };

      async function offer(batch: readonly number[]): Promise<{ left: readonly number[]; error: Error | null }> {
        let waiting = batch;
        let reasons = "";
        for (let offers = 0; offers < OFFERS_MAX; offers++) {
          if (offers > 0) await wait(random() * BACKOFF_MS_FIRST * 2 ** offers);
          try {
            const answers = await put(waiting.map((index) => records[index] ?? new Uint8Array()));
            reasons = [...new Set(answers.filter((reason) => reason !== null))].join("; ");
            waiting = waiting.filter((_, place) => answers[place] !== null);
          } catch (cause) {
            return { left: waiting, error: new Error(`cannot reach stream ${options.stream}`, { cause }) };
          }
          if (waiting.length === 0) return { left: [], error: null };
        }
        const refused = `stream ${options.stream} refused ${waiting.length} of ${batch.length} records ${OFFERS_MAX} times`;
        return { left: waiting, error: new Error(`${refused}: ${reasons}`) };
      }
    },
  };

  /** For each record null, or why it was not taken. */
  async function put(records: readonly Uint8Array[]): Promise<readonly (string | null)[]> {
    const request = { DeliveryStreamName: options.stream, Records: records.map((Data) => ({ Data })) };
    client ??= newClient();
    const { FailedPutCount, RequestResponses } = await client.send(new PutRecordBatchCommand(request)).catch((error: Error) => {
      // The client keeps credentials that name no end for as long as it lives: a new one asks for them anew.
      if (STALE_CREDENTIALS.has(error.name)) client = options.client ?? null;
      throw error;
    });
    if (FailedPutCount === 0) return records.map(() => null);
    return records.map((_, place) => {
      const { ErrorCode: code, ErrorMessage: message } = RequestResponses?.[place] ?? { ErrorCode: "no answer" };
      return code === undefined ? null : `${code}: ${message ?? ""}`;
    });
  }
}

const newClient = (): FirehoseClient =>
  new FirehoseClient({
    ...NO_FILE_CACHE,
    maxAttempts: ATTEMPTS_MAX,
    requestHandler: { connectionTimeout: CONNECT_MS_MAX, requestTimeout: ANSWER_MS_MAX, throwOnRequestTimeout: true },
  });

/** Indices of the records, in order, in runs that fit one call. */
function* batches(records: readonly Uint8Array[]): Generator<readonly number[]> {
  let batch: number[] = [];
  let bytes = 0;
  for (const [index, record] of records.entries()) {
    if (batch.length > 0 && (batch.length === CALL_RECORDS_MAX || bytes + record.length > CALL_BYTES_MAX)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(index);
    bytes += record.length;
  }
  if (batch.length > 0) yield batch;
}
