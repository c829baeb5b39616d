// What an answer of Slack's webhook means for a message: it is there, wait, say it plainly, or give up with a reason that helps.
// Source: Slack's guide to incoming webhooks ("Handling errors") and to rate limits. Posting and waiting are the handler's.
import { assertNever } from "../../../schema/result.ts";

export type PostOutcome =
  | { readonly kind: "accepted" }
  | { readonly kind: "limited"; readonly retryAfterMs: number | null }
  | { readonly kind: "refused" | "failed"; readonly status: number; readonly answer: string }
  | { readonly kind: "unreachable"; readonly because: string };

export type NextStep =
  | { readonly kind: "done" }
  | { readonly kind: "wait"; readonly waitMs: number }
  | { readonly kind: "plain" }
  | { readonly kind: "give up"; readonly because: string };

export interface Attempt {
  readonly outcome: PostOutcome;
  /** Whether the message went without blocks already. */
  readonly isPlain: boolean;
  /** What is left of the function's time. */
  readonly remainingMs: number;
  /** 0 to 1, of the message: those that were refused together must not come again together. */
  readonly spread: number;
}

/** A post, its answer and the end of the function fit into it. */
const RESERVED_MS = 15_000;
/** What Slack allows a webhook: one message a second. */
export const PACE_MS = 1_000;
/** Alerts of one run are twenty at most, and one a second goes through. */
const SPREAD_MS = 10_000;

export function nextStep({ outcome, isPlain, remainingMs, spread }: Attempt): NextStep {
  switch (outcome.kind) {
    case "accepted":
      return { kind: "done" };
    case "limited": {
      const waitMs = (outcome.retryAfterMs ?? PACE_MS) + Math.round(spread * SPREAD_MS);
      return waitMs + RESERVED_MS <= remainingMs
        ? { kind: "wait", waitMs }
        : { kind: "give up", because: `Slack asks to wait ${waitMs} ms, and the function has ${remainingMs} ms` };
    }
    case "refused":
      // What is wrong with a message is 400 (invalid_blocks, invalid_payload, no_text); 403, 404 and 410 are about the webhook.
      if ((outcome.status === 400 || outcome.status === 413) && !isPlain) return { kind: "plain" };
      return {
        kind: "give up",
        because: `Slack answered ${outcome.status} ${JSON.stringify(outcome.answer)}${adviceOn(outcome.status)}`,
      };
    case "failed":
      return { kind: "give up", because: `Slack answered ${outcome.status} ${JSON.stringify(outcome.answer)}` };
    case "unreachable":
      return { kind: "give up", because: `Slack did not answer: ${outcome.because}` };
    default:
      return assertNever(outcome);
  }
}

function adviceOn(status: number): string {
  if (status === 403) return ": the workspace does not let this webhook post; ask its administrator";
  if (status === 404 || status === 410)
    return ": the webhook or its channel is gone; make a new webhook and put its URL into the secret";
  return "";
}
