// How one execution of a named query ended, and the error when it did not end well.
// Counting and logging are left to who listens.

export interface QueryOutcome {
  readonly name: string;
  readonly id: string;
  /** TIMED_OUT is ours: the invocation ended before the query did. */
  readonly state: "SUCCEEDED" | "FAILED" | "CANCELLED" | "TIMED_OUT";
  /** Athena's words; null when it gave none. */
  readonly reason: string | null;
  /** What Athena bills; null when it did not say. */
  readonly scannedBytes: number | null;
  readonly engineMs: number | null;
}

export class QueryError extends Error {
  readonly outcome: QueryOutcome;

  constructor(outcome: QueryOutcome) {
    const { name, id, state, reason, scannedBytes } = outcome;
    super(
      `query ${name} ${state}: ${reason ?? "no reason given"} (${scannedBytes ?? "unknown"} bytes scanned, execution ${id})`,
    );
    this.name = "QueryError";
    this.outcome = outcome;
  }
}
