// Small traces made for tests: a header that knows the truth, and rows of which only some columns are measured.
// Recorded ones are not part of the repository.

export interface MadeTrace {
  readonly id?: string;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

export const traceText = ({ id = "leaky", rows }: MadeTrace): string =>
  [{ id, cause: "leak", program: "c-workload", phases: { BASE: 1 } }, ...rows].map((row) => JSON.stringify(row)).join("\n");

/** A row a minute that knows more than it measured. */
export const minuteRows = (count: number): readonly Readonly<Record<string, unknown>>[] =>
  Array.from({ length: count }, (_, at) => ({
    offset_ms: at * 60_000,
    phase: "baseline",
    cycle: at,
    cause: "leak",
    event: "peak",
    rss_bytes: 1_000 + at,
    live_bytes: 500 + at,
    allocator: "glibc",
    reclaimable_bytes_estimate: 7,
  }));
