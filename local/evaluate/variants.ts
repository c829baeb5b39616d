// What traces look like when less is known of them, or more of everything happens: detection must bear it.
// Each variant changes measured columns and times alone, never the truth.
import type { Measured, Trace } from "../replay/trace.ts";

export interface Variant {
  readonly name: string;
  readonly change: (trace: Trace) => Trace;
  /** Width of a bucket; a trace that is stretched has wider ones. */
  readonly bucketSeconds?: number;
}

/** The first of three cycles is over a little before this share of a trace. */
const ONE_CYCLE = 0.36;
const FIRST_PEAK_OVER = 0.21;

export const variants: readonly Variant[] = [
  { name: "as recorded", change: (trace) => trace },
  { name: "one cycle only", change: (trace) => cut(trace, 0, ONE_CYCLE) },
  { name: "last 60 % only", change: (trace) => cut(trace, 0.4, 1) },
  { name: "from after the first peak", change: (trace) => cut(trace, FIRST_PEAK_OVER, 1) },
  { name: "each row lost with p = 0.2", change: (trace) => thin(trace, 0.2) },
  { name: "minutes stretched to hours", change: (trace) => stretch(trace, 60), bucketSeconds: 3_600 },
  { name: "bytes x 4", change: (trace) => scale(trace, 4) },
  { name: "bytes x 1/2", change: (trace) => scale(trace, 0.5) },
  {
    name: "largest free chunk and chunk count unknown",
    change: (trace) => without(trace, ["free_chunk_count", "free_chunk_bytes_max"]),
  },
  { name: "no heap figures at all", change: (trace) => without(trace, heapFigures) },
];

const heapFigures = [
  "allocator",
  "heap_bytes",
  "heap_resident_bytes",
  "live_bytes",
  "free_bytes",
  "free_resident_bytes",
  "free_chunk_count",
  "free_chunk_bytes_max",
  "top_bytes",
  "reclaimable_bytes",
  "arena_count",
  "arena_count_over_1mib",
  "non_main_arena_bytes",
  "mmapped_bytes",
  "mmapped_count",
  "dirty_bytes",
  "active_bytes",
  "retained_bytes",
  "metadata_bytes",
  "bin_waste_bytes",
  "cache_bytes",
] as const satisfies readonly (keyof Measured)[];

function cut({ name, rows }: Trace, fromShare: number, toShare: number): Trace {
  const [first, last] = [rows.at(0)?.offsetMs ?? 0, rows.at(-1)?.offsetMs ?? 0];
  const at = (share: number) => first + (last - first) * share;
  return { name, rows: rows.filter(({ offsetMs }) => offsetMs >= at(fromShare) && offsetMs <= at(toShare)) };
}

/** Which rows are lost follows from their place, so that the same are lost every time. */
function thin({ name, rows }: Trace, share: number): Trace {
  return { name, rows: rows.filter((_, index) => index === 0 || fraction(index * 2_654_435_761) >= share) };
}

/** Scrambles the bits of a whole number into [0, 1). */
function fraction(number: number): number {
  let bits = number >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x45d9f3b);
  bits = Math.imul(bits ^ (bits >>> 16), 0x45d9f3b);
  return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
}

const stretch = ({ name, rows }: Trace, times: number): Trace => ({
  name,
  rows: rows.map((row) => ({ ...row, offsetMs: row.offsetMs * times })),
});

/** Bytes alone: what is counted stays, as in a program whose objects are larger. */
function scale({ name, rows }: Trace, times: number): Trace {
  const scaled = (measured: Measured): Measured =>
    Object.fromEntries(
      Object.entries(measured).map(([column, value]) => [
        column,
        typeof value === "number" && column.includes("_bytes") ? Math.round(value * times) : value,
      ]),
    );
  return { name, rows: rows.map(({ offsetMs, measured }) => ({ offsetMs, measured: scaled(measured) })) };
}

function without({ name, rows }: Trace, columns: readonly (keyof Measured)[]): Trace {
  const left = (measured: Measured): Measured =>
    Object.fromEntries(Object.entries(measured).filter(([column]) => !columns.includes(column as keyof Measured)));
  return { name, rows: rows.map(({ offsetMs, measured }) => ({ offsetMs, measured: left(measured) })) };
}
