// SDK clients as every Lambda makes them: bounded waits and a few retries.
// Region, credentials and endpoint come from the environment that Lambda sets.

/** A call without an answer holds up an invocation that is paid for; the SDK itself would wait for ever. */
const CONNECT_MS_MAX = 3_000;
const ANSWER_MS_MAX = 30_000;
/** Throttling passes within some backoffs; what lasts longer goes back to the queue or the scheduler. */
const ATTEMPTS_MAX = 5;

export interface ClientSettings {
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
