// One row of one process: every figure that is due, read now. A figure not due or not known stays null.
// Its heap is measure-heap.ts's; when rows are due, and what becomes of them, is agent.ts's.
import { ok, type Result } from "../../schema/result.ts";
import { type ProcError, readAndParse } from "../proc/read.ts";
import { parseStat } from "../proc/stat.ts";
import { parseStatus } from "../proc/status.ts";
import { measureHeap } from "./measure-heap.ts";
import { measureRuntime } from "./measure-runtime.ts";
import type { MeasureEdge, Undated, Watched } from "./watched.ts";

/** The row that closes at `nowMs`, after look.ts has had its looks; an error when the process is gone or closed to us. */
export async function measure(watched: Watched, nowMs: number, edge: MeasureEdge): Promise<Result<Undated, ProcError>> {
  const { identity } = watched;
  const { pid } = identity;
  const status = readAndParse(`/proc/${pid}/status`, parseStatus);
  if (!status.ok) return status;
  const { rss_bytes, virtualBytesMax, ownPid, uids, ...memory } = status.value;
  if (rss_bytes === null) return { ok: false, error: { kind: "gone", path: `/proc/${pid}/status` } };

  const stat = readAndParse(`/proc/${pid}/stat`, parseStat);
  const heap = await measureHeap(watched, { pid, ownPid, uids, nowMs, virtualBytesMax }, edge);
  const { cgroup, startTicks: _ticks, executablePath: _path, ecsUri: _uri, ...who } = identity;
  const row: Undated = {
    ...who,
    ...memory,
    ...watched.rollup,
    ...edge.cgroups(cgroup),
    ...measureRuntime(watched, { pid, uids, virtualBytesMax }),
    ...watched.mappings,
    rss_bytes,
    rss_bytes_max: Math.max(watched.rssBytesMax, rss_bytes),
    vma_count_limit: edge.vmaCountLimit,
    major_fault_count: stat.ok ? stat.value.major_fault_count : null,
    ...heap,
  };
  watched.rssBytesMax = 0;
  watched.rowedMs = nowMs;
  return ok(row);
}
