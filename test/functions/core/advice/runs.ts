// The recorded runs with a setting or an allocator changed, beside the run without: what advice is given on, and what it brought.
// The labels of a trace (cause, environment, probe) are read here alone; figures are the measured columns of its rows.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type AdviceInput, type Figures, situationOf } from "../../../../functions/core/advice/situation.ts";
import { readTraceText, traceFiles } from "../../../../local/replay/trace.ts";

const tracesFolder = fileURLToPath(new URL("../../../traces/", import.meta.url));

type Row = Readonly<Record<string, number | string | null | undefined>>;

interface Run {
  readonly id: string;
  readonly cause: string | null;
  readonly program: string;
  readonly allocator: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly control: string | undefined;
  readonly mitigation: string | null;
  readonly probe: { readonly rss_bytes_before: number; readonly rss_bytes_after: number } | null;
  /** Without those of the probe. */
  readonly rows: readonly Row[];
}

export interface Measured {
  /** Id of the remedy, or of what was tried although nobody would advise it. */
  readonly id: string;
  /** The run's own word for it. */
  readonly name: string;
  /** RSS at the end of the run without it, less that with it. */
  readonly effectBytes: number;
}

export interface Case {
  readonly id: string;
  readonly input: AdviceInput;
  readonly heldBytes: number;
  readonly measured: readonly Measured[];
  /** Runs beside the probe, which every trace has. */
  readonly variantCount: number;
}

/** Which remedy a run shows; `withProbe`: what is advised is the change and relief after the peak, which the probe did. */
const remedyOf: Readonly<Record<string, { readonly id: string; readonly withProbe?: true }>> = {
  arena_max1: { id: "glibc.arena_max" },
  arena_max2: { id: "glibc.arena_max" },
  trim_thr128k: { id: "glibc.trim_threshold" },
  trim_thr128k_only: { id: "glibc.trim_threshold" },
  default_trim_thr: { id: "glibc.trim_threshold" },
  mmap_thr128k: { id: "glibc.mmap_threshold" },
  mmap_thr128k_only: { id: "glibc.mmap_threshold" },
  fixed_thresholds: { id: "glibc.mmap_threshold" },
  default_mmap_thr: { id: "glibc.mmap_threshold", withProbe: true },
  tcache0: { id: "glibc.tcache_count" },
  trim_each_cycle: { id: "relief" },
  je: { id: "jemalloc without its thread" },
  je_bg: { id: "jemalloc.switch" },
  tc: { id: "tcmalloc.switch" },
  on_tcmalloc: { id: "tcmalloc.switch" },
  on_glibc: { id: "glibc.switch" },
  object_pool: { id: "program.pool", withProbe: true },
  object_pool_trim: { id: "program.pool" },
  glibc_nopymalloc: { id: "python.malloc", withProbe: true },
  je_nopymalloc: { id: "jemalloc and PYTHONMALLOC" },
  decay1s: { id: "jemalloc.decay" },
  je_decay1s: { id: "jemalloc.decay" },
  decay_default: { id: "jemalloc's thread alone" },
  decay10s_nobg: { id: "jemalloc's decay alone" },
  aggressive: { id: "gperftools.aggressive_decommit" },
  release10: { id: "gperftools.release_rate" },
  g1_periodic: { id: "jvm.g1_periodic" },
  g1_freeratio_only: { id: "jvm.free_ratios" },
  parallel_small_xmx: { id: "a smaller -Xmx" },
  zgc: { id: "jvm.zgc" },
};

/** Every trace that holds memory or cannot be helped, with what was measured on it. */
export function readCases(): readonly Case[] {
  const variants = Map.groupBy(readRuns("mitigations"), ({ control }) => control ?? "");
  return readRuns("").flatMap((base): readonly Case[] => {
    const input = inputOf(base);
    const runs = variants.get(base.id) ?? [];
    const heldBytes = situationOf(input).heldBytes;
    if (heldBytes === null || base.probe === null) return [];
    const relief = { id: "relief", name: "probe", effectBytes: base.probe.rss_bytes_before - base.probe.rss_bytes_after };
    return [
      {
        id: base.id,
        input,
        heldBytes,
        measured: [relief, ...runs.map((run) => measuredOf(run, base))],
        variantCount: runs.length,
      },
    ];
  });
}

function measuredOf(run: Run, base: Run): Measured {
  const remedy = remedyOf[run.mitigation ?? ""];
  if (remedy === undefined) throw new Error(`${run.id}: no remedy is named for ${run.mitigation}`);
  const after = remedy.withProbe && run.probe !== null ? run.probe.rss_bytes_after : rssAtEnd(run);
  return { id: remedy.id, name: `${run.mitigation}${remedy.withProbe ? " + trim" : ""}`, effectBytes: rssAtEnd(base) - after };
}

const rssAtEnd = ({ rows }: Run): number => Number(rows.at(-1)?.["rss_bytes"]);

const allocatorVersions: Readonly<Record<string, string>> = { glibc: "2.36", jemalloc: "5.3.0", tcmalloc: "gperftools 2.10" };
const runtimes: Readonly<Record<string, readonly [string, string]>> = {
  java: ["jvm", "17.0.15"],
  node: ["node", "20.20.2"],
  python3: ["python", "3.11.2"],
  ruby: ["ruby", "3.1.2"],
};

function inputOf(run: Run): AdviceInput {
  const last = run.rows.at(-1) ?? {};
  const numbers = Object.fromEntries(Object.entries(last).filter(([, value]) => typeof value === "number"));
  const [runtime = null, runtimeVersion = null] = runtimes[run.program] ?? [];
  const peak = Math.max(...run.rows.map((row) => Number(row["live_bytes"] ?? 0)));
  const figures: Figures = {
    ...numbers,
    // What the walker would know exactly, here from the bins of malloc_info.
    reclaimable_bytes: typeof last["reclaimable_bytes_estimate"] === "number" ? last["reclaimable_bytes_estimate"] : null,
    live_bytes_peak: peak > 0 ? peak : null,
    runtime_heap_used_after_gc_bytes: usedAfterGc(run.rows),
    vma_count_limit: 65_530,
  };
  const environment = Object.entries(run.environment).map(([name, value]) => `${name}=${value}`);
  return {
    service: run.program,
    cause: run.cause ?? "none",
    allocator: run.allocator,
    allocator_version: allocatorVersions[run.allocator] ?? null,
    heap_source: run.allocator === "glibc" ? "walk" : "shim",
    runtime,
    runtime_version: runtimeVersion,
    comm: run.program === "redis" ? "redis-server" : run.program,
    libc: "glibc",
    tunables: environment.length === 0 ? null : environment.join(" "),
    figures,
    fleet: null,
    instance_type: null,
    shimPath: "/usr/lib/tidemark/libtidemark.so",
  };
}

/** The collector's column: a use that is lower than the row before it comes after a collection. */
function usedAfterGc(rows: readonly Row[]): number | null {
  const uses = rows.map((row) => row["runtime_heap_used_bytes"]).filter((use) => typeof use === "number");
  return uses.filter((use, at) => at > 0 && use < (uses[at - 1] ?? 0)).at(-1) ?? null;
}

function readRuns(folder: string): readonly Run[] {
  const paths = traceFiles(join(tracesFolder, folder));
  if (paths.length === 0) throw new Error(`${join(tracesFolder, folder)} holds no traces`);
  return paths.map((path) => readRun(readTraceText(path)));
}

function readRun(text: string): Run {
  const [head = "", ...lines] = text.trimEnd().split("\n");
  const header = JSON.parse(head);
  const rows = lines.map((line): Row => JSON.parse(line)).filter((row) => row["phase"] !== "probe");
  return { ...header, control: header.params.control, rows };
}
