// SDK clients as every Lambda makes them: bounded waits, a few retries, traced.
// Region, credentials and endpoint come from the environment that Lambda sets.
import type { Telemetry } from "./telemetry.ts";

/** A call without an answer holds up an invocation that is paid for; the SDK itself would wait for ever. */
const CONNECT_MS_MAX = 3_000;
const ANSWER_MS_MAX = 30_000;
/** Throttling passes within some backoffs; what lasts longer goes back to the queue or the scheduler. */
const ATTEMPTS_MAX = 5;

interface ClientSettings {
  readonly maxAttempts: number;
  readonly requestHandler: {
    readonly connectionTimeout: number;
    readonly requestTimeout: number;
    readonly throwOnRequestTimeout: true;
  };
}

export const clientSettings: ClientSettings = {
  maxAttempts: ATTEMPTS_MAX,
  requestHandler: { connectionTimeout: CONNECT_MS_MAX, requestTimeout: ANSWER_MS_MAX, throwOnRequestTimeout: true },
};

export const tracedClient = <T extends object>(telemetry: Telemetry, Client: new (settings: ClientSettings) => T): T =>
  telemetry.tracer.captureAWSv3Client(new Client(clientSettings));
