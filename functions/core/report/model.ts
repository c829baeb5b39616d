// What a report is made of, before it has a look. Filled from query results; drawn by page.ts.
import type { Finding } from "../../../schema/columns.ts";
import type { Advice } from "../advice/advise.ts";

/** One bucket of time of one process. Bytes; null where nothing was measured. */
export interface TimelinePoint {
  readonly atMs: number;
  readonly rss_bytes: number | null;
  readonly live_bytes: number | null;
  readonly free_bytes: number | null;
}

/** Where the memory of one process is, at its last measured row. Bytes; null where unknown. */
export interface Composition {
  /** Live chunks, mmapped ones included. */
  readonly live_bytes: number | null;
  /** Free memory that a trim would give back now. */
  readonly reclaimable_bytes: number | null;
  /** Resident free memory that a trim cannot give back, because live chunks share its pages (or the top of an arena keeps it). */
  readonly pinned_bytes: number | null;
  /** Resident memory outside the measured heap: code, stacks, files, a runtime's own heap. */
  readonly other_bytes: number | null;
  /** Of pinned_bytes, by the size of the chunks that pin: smallest chunk size of the bin, bytes that it pins; largest first. */
  readonly pinned_by: readonly { readonly chunk_bytes_min: number; readonly pinned_bytes: number }[];
}

export interface ProcessReport {
  readonly service: string;
  readonly pid: number;
  readonly comm: string | null;
  readonly allocator: string | null;
  readonly allocator_version: string | null;
  readonly heap_unknown_reason: string | null;
  readonly timeline: readonly TimelinePoint[];
  readonly composition: Composition;
}

export interface ReportModel {
  readonly title: string;
  readonly hostNames: readonly string[];
  readonly generatedAtMs: number;
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  readonly findings: readonly Finding[];
  /** What to do, by finding_id; a finding without it shows where to look only. */
  readonly advice: ReadonlyMap<string, Advice>;
  /** Processes drawn in full: those with findings first, then the largest. */
  readonly processes: readonly ProcessReport[];
  /** Processes seen in the window, drawn or not. */
  readonly processCount: number;
  /** What watching cost, over the window. */
  readonly cost: {
    readonly collector_cpu_us: number | null;
    readonly walk_cpu_us: number | null;
    readonly walk_count: number | null;
  };
}
