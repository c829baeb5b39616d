// When a setting of a managed runtime helps: its own heap holds the memory, and malloc's does not.
import { formatBytes, formatShare } from "../units.ts";
import { AFTER_PEAK, type Effect, not, type Remedy, restartCanary, sameSettingRollback } from "./remedy.ts";
import type { Situation } from "./situation.ts";

/** Milliseconds without a collection after which G1 starts one. */
const PERIODIC_GC_MS = 60_000;
const MIN_FREE_RATIO = 10;
const MAX_FREE_RATIO = 20;
/** Metaspace, code, stacks and buffers beside the Java heap. */
const JVM_HEAP_SHARE_MAX = 0.75;
/** Measured with PYTHONMALLOC=malloc and a trim: 40 of 54 MB that lay outside malloc. */
const PYMALLOC_SHARE = 0.75;
/** A runtime's heap below this part of what is held elsewhere is not what to look at. */
const OUTSIDE_SHARE_MIN = 0.3;
const MIB = 1_048_576;

const isRuntimeHeap = ({ cause }: Situation): boolean => cause === "runtime_heap";

export const runtimeRemedies: readonly Remedy[] = [
  {
    id: "jvm.g1_periodic",
    title: "Let G1 collect when idle and give heap back",
    effort: "setting",
    risk: "The heap has to grow again at the next peak.",
    speed: "A concurrent collection a minute when idle; measured 149 ticks of CPU for 84.",
    canary: "On one instance with -Xlog:gc*,gc+heap=debug: Pause Cleanup must be followed by a smaller heap.",
    rollback: sameSettingRollback,
    judge(situation) {
      if (situation.runtime !== "jvm" || !isRuntimeHeap(situation)) return null;
      const effect = javaEffect(situation);
      return {
        kind: "advised",
        changes: [
          { knob: "jvm.G1PeriodicGCInterval", value: String(PERIODIC_GC_MS) },
          { knob: "jvm.MinHeapFreeRatio", value: String(MIN_FREE_RATIO) },
          { knob: "jvm.MaxHeapFreeRatio", value: String(MAX_FREE_RATIO) },
        ],
        effect,
        condition: "With G1, the default from 2 CPUs and 1792 MB on; with another collector G1PeriodicGCInterval does nothing",
        why: [
          `${formatBytes(situation.figures.runtime_heap_bytes)} of Java heap is committed, ${formatBytes(usedOf(situation))} was used after a collection. A heap shrinks only after a collection, and an idle service makes none.`,
        ],
      };
    },
  },
  {
    id: "jvm.zgc",
    title: "Use ZGC, which gives heap back",
    effort: "setting",
    risk: "Another collector: test throughput and peak memory before the fleet.",
    speed: "Pauses below 1 ms; measured 134 ticks of CPU for 84, and 407 MB instead of 349 at the peak.",
    canary: restartCanary,
    rollback: "Take -XX:+UseZGC out and restart.",
    judge(situation) {
      if (situation.runtime !== "jvm" || !isRuntimeHeap(situation)) return null;
      const effect = javaEffect(situation);
      return {
        kind: "advised",
        changes: [
          { knob: "jvm.UseZGC", value: "" },
          { knob: "jvm.ZUncommitDelay", value: "60" },
        ],
        // Measured a little behind G1 with its timer: ZGC keeps regions ready.
        effect:
          effect === null
            ? null
            : { ...effect, least: scaled(effect.least), likely: scaled(effect.likely), most: scaled(effect.most) },
        condition: "Not where -Xms equals -Xmx: there it gives nothing back",
        why: ["ZGC collects by itself when idle and hands heap back that was unused for ZUncommitDelay seconds."],
      };
    },
  },
  {
    id: "jvm.max_heap",
    title: "Keep -Xmx below the container's limit",
    effort: "setting",
    risk: "OutOfMemoryError when the program needs more heap than that.",
    speed: "More collections when the heap is nearly full.",
    canary: restartCanary,
    rollback: "The old -Xmx.",
    judge({ runtime, figures, cause }) {
      const { runtime_heap_limit_bytes: heapLimit, cgroup_limit_bytes: limit } = figures;
      if (
        runtime !== "jvm" ||
        !["runtime_heap", "alloc_failure", "cgroup_limit"].includes(cause) ||
        heapLimit == null ||
        limit == null
      )
        return null;
      if (heapLimit <= JVM_HEAP_SHARE_MAX * limit)
        return not(
          `the heap may grow to ${formatBytes(heapLimit)}, ${formatShare(heapLimit / limit)} of the container's limit: that leaves room`,
        );
      const wanted = Math.floor((JVM_HEAP_SHARE_MAX * limit) / MIB);
      return {
        kind: "advised",
        changes: [{ knob: "jvm.Xmx", value: `${wanted}m` }],
        effect: null,
        ...(cause !== "runtime_heap" ? { goesFirst: true as const } : {}),
        why: [
          `The heap may grow to ${formatBytes(heapLimit)} and the container ends at ${formatBytes(limit)}: metaspace, code, stacks and buffers have to fit in between, or the kernel kills it.`,
        ],
      };
    },
  },
  {
    id: "node.heap_limit",
    title: "Bound V8's old space",
    effort: "setting",
    risk: "Too low a limit ends the process with an out-of-memory error.",
    speed: "More collections near the limit.",
    canary: `${restartCanary} --trace-gc shows how often it collects.`,
    rollback: sameSettingRollback,
    judge(situation) {
      const { runtime, figures, settings } = situation;
      if (runtime !== "node" || !isRuntimeHeap(situation)) return null;
      const limit = figures.cgroup_limit_bytes ?? null;
      const inEffect = settings.byKnob.get("node.max-old-space-size");
      if (inEffect !== undefined) return not(`max-old-space-size is ${inEffect} MiB already`);
      const room = limit ?? figures.rss_bytes ?? null;
      if (room === null) return null;
      return {
        kind: "advised",
        changes: [
          { knob: "node.max-old-space-size", value: String(Math.max(64, Math.floor((JVM_HEAP_SHARE_MAX * room) / MIB))) },
        ],
        effect: null,
        why: [
          `V8 collects as much as it must to stay below its limit, which it takes from the host's memory${limit === null ? "" : `, not from the container's ${formatBytes(limit)}`}.`,
        ],
      };
    },
  },
  {
    id: "python.malloc",
    title: "Small objects from malloc, with relief",
    effort: "setting",
    risk: "By itself it returns nothing: the memory goes back with relief or malloc_trim(0) after the peak.",
    speed: "Measured 50 % more CPU in a program that makes little but small objects.",
    canary: restartCanary,
    rollback: sameSettingRollback,
    judge(situation) {
      const { runtime, settings, outsideBytes, kind, libc, shimPath } = situation;
      if (runtime !== "python" || !isRuntimeHeap(situation) || kind !== "glibc" || libc === "musl") return null;
      if (/^malloc/.test(settings.byKnob.get("python.PYTHONMALLOC") ?? "")) return not("PYTHONMALLOC is malloc already");
      if (outsideBytes === null || outsideBytes < OUTSIDE_SHARE_MIN * (situation.figures.anon_bytes ?? 0))
        return not("pymalloc's arenas are the smaller part of the memory");
      return {
        kind: "advised",
        changes: [
          { knob: "python.PYTHONMALLOC", value: "malloc" },
          { knob: "loader.preload", value: shimPath },
          { knob: "tidemark.relief", value: "1" },
        ],
        effect: {
          least: Math.round(outsideBytes / 4),
          likely: Math.round(PYMALLOC_SHARE * outsideBytes),
          most: outsideBytes,
          basis: "75 % of the memory outside malloc, as measured once",
        },
        why: [
          `${formatBytes(outsideBytes)} lies outside malloc, most of it in pymalloc's arenas: each stays while one object in it lives.`,
        ],
        forms: [
          { name: AFTER_PEAK, text: "tidemark relief <pid> --timeout 5m" },
          { name: "or in Python", text: 'import ctypes\nctypes.CDLL("libc.so.6").malloc_trim(0)' },
        ],
      };
    },
  },
  {
    id: "python.mimalloc",
    title: "Small objects from CPython's mimalloc",
    effort: "setting",
    risk: "Not measured here: it may hold more.",
    speed: "By the manual about pymalloc's.",
    canary: restartCanary,
    rollback: sameSettingRollback,
    judge: (situation) =>
      situation.runtime === "python" && isRuntimeHeap(situation)
        ? {
            kind: "advised",
            changes: [{ knob: "python.PYTHONMALLOC_mimalloc", value: "mimalloc" }],
            effect: null,
            why: [
              "mimalloc purges free pages inside its segments, where pymalloc returns whole arenas only. Not measured: try it on one host.",
            ],
          }
        : null,
  },
  {
    id: "go.memory_limit",
    title: "Give Go a soft memory limit",
    effort: "setting",
    risk: "A limit below what is live makes it collect without end (at most half of the CPU).",
    speed: "More collections near the limit.",
    canary: `${restartCanary} GODEBUG=gctrace=1 shows how often it collects.`,
    rollback: sameSettingRollback,
    judge(situation) {
      const { runtime, figures, settings } = situation;
      if (runtime !== "go" || !["runtime_heap", "alloc_failure", "cgroup_limit"].includes(situation.cause)) return null;
      if (settings.byKnob.has("go.GOMEMLIMIT")) return not(`GOMEMLIMIT is ${settings.byKnob.get("go.GOMEMLIMIT")} already`);
      const limit = figures.cgroup_limit_bytes ?? null;
      if (limit === null) return not("nobody knows a limit to give it: set one for the container first");
      return {
        kind: "advised",
        changes: [{ knob: "go.GOMEMLIMIT", value: `${Math.floor((0.9 * limit) / MIB)}MiB` }],
        effect: null,
        why: [
          `Go's heap may double between collections (GOGC=100), whatever the container's ${formatBytes(limit)}; with a limit it collects before that.`,
        ],
      };
    },
  },
];

const scaled = (bytes: number): number => Math.round(0.95 * bytes);

/** What was used after a collection bounds what lives; where none was seen, the use of the moment does. */
const usedOf = ({ figures }: Situation): number | null =>
  figures.runtime_heap_used_after_gc_bytes ?? figures.runtime_heap_used_bytes ?? null;

/**
 * Between what the last collection left, which may have been within the peak, and all that is committed and resident; in the
 * middle of them where nothing more is known.
 */
function javaEffect(situation: Situation): Effect | null {
  const committed = situation.figures.runtime_heap_bytes ?? null;
  const used = usedOf(situation);
  if (committed === null || used === null) return null;
  const resident = Math.min(committed, situation.outsideBytes ?? committed);
  const least = Math.max(0, resident - used);
  return {
    least,
    likely: Math.round((least + resident) / 2),
    most: resident,
    basis: "between what the last collection seen left in use, and the whole committed heap",
  };
}
