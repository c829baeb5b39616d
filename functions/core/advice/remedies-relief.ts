// When giving memory back on request helps: Tidemark's relief, the same call in the program, and the JVM's own timer.
import { formatBytes, formatShare } from "../units.ts";
import { AFTER_PEAK, type Effect, type Form, holdsMemory, not, type Remedy, sameSettingRollback } from "./remedy.ts";
import type { Allocator, Situation } from "./situation.ts";

/** A relief that returns less than this part of what is held is not worth its stall. */
export const RELIEF_SHARE_MIN = 0.1;
/** Of a JVM's own timer, between two trims. */
const TRIM_INTERVAL_MS = 60_000;

const calls: Readonly<Record<Allocator, string | null>> = {
  glibc: "#include <malloc.h>\nmalloc_trim(0); /* after the peak, in a thread that may wait */",
  jemalloc: 'mallctl("arena.4096.purge", NULL, NULL, NULL, 0); /* MALLCTL_ARENAS_ALL */',
  gperftools: "#include <gperftools/malloc_extension_c.h>\nMallocExtension_ReleaseFreeMemory();",
  "google-tcmalloc": "tcmalloc::MallocExtension::ReleaseMemoryToSystem(std::numeric_limits<size_t>::max());",
  mimalloc: "mi_collect(true);",
  unknown: null,
};

export const reliefRemedies: readonly Remedy[] = [
  {
    id: "relief",
    title: "Give memory back after the peak (relief)",
    effort: "operation",
    risk: "It has to be asked for after every peak. Threads that allocate meanwhile wait.",
    speed: "170 ms for 1 GB of glibc heap, up to about 1 s for 32 GB; page faults when the memory is wanted again.",
    canary: "tidemark inspect <pid> --relief says what would come back and who may stall; then ask for one process.",
    rollback: "Start without TIDEMARK_RELIEF=1. What was given back comes again when the program asks for it.",
    judge(situation) {
      if (!holdsMemory(situation) || situation.kind === "unknown") return null;
      const effect = reliefEffect(situation);
      if (effect === null) return null;
      const held = situation.heldBytes ?? 0;
      if (effect.likely < RELIEF_SHARE_MIN * held)
        return not(
          `only ${formatBytes(effect.likely)} of ${formatBytes(held)} lies on whole free pages: live objects pin the others, and no call gives those back`,
        );
      return {
        kind: "advised",
        changes: [
          { knob: "loader.preload", value: situation.shimPath },
          { knob: "tidemark.relief", value: "1" },
        ],
        effect,
        why: [
          `${formatBytes(effect.likely)} of the ${formatBytes(held)} held free lies on whole pages (${formatShare(effect.likely / held)}), and ${callName(situation.kind)} returns exactly those.`,
        ],
        forms: reliefForms(situation),
      };
    },
  },
  {
    id: "jvm.trim_native_heap",
    title: "Let the JVM trim its native heap",
    effort: "setting",
    risk: "Only the JVM's malloc memory: direct buffers, JNI, metadata. The Java heap is not touched.",
    speed: "A malloc_trim a minute: it holds one arena's lock after another.",
    canary: "On one instance; -Xlog:trimnative shows each trim and what it returned.",
    rollback: sameSettingRollback,
    judge(situation) {
      if (situation.runtime !== "jvm" || situation.kind !== "glibc" || !holdsMemory(situation)) return null;
      const effect = reliefEffect(situation);
      if (effect === null) return null;
      if (effect.likely < RELIEF_SHARE_MIN * (situation.heldBytes ?? 0))
        return not(`a trim would return ${formatBytes(effect.likely)} only`);
      return {
        kind: "advised",
        changes: [{ knob: "jvm.TrimNativeHeapInterval", value: String(TRIM_INTERVAL_MS) }],
        effect,
        why: [`${formatBytes(effect.likely)} of malloc's memory lies on whole free pages, which a trim returns.`],
      };
    },
  },
];

/** What relief returns is measured beforehand: whole free resident pages, dirty pages, free spans. */
export function reliefEffect({ reclaimableBytes, heldBytes, kind }: Situation): Effect | null {
  if (reclaimableBytes === null || heldBytes === null) return null;
  const basis =
    kind === "glibc"
      ? "whole free pages that are resident"
      : kind === "jemalloc"
        ? "dirty and muzzy pages"
        : "free pages of the page heap";
  return { least: reclaimableBytes, likely: reclaimableBytes, most: isFirm(kind) ? reclaimableBytes : heldBytes, basis };
}

/** glibc joins fastbins first, so that more may come of it. */
const isFirm = (kind: Allocator): boolean => kind !== "glibc";

const callName = (kind: Allocator): string => (calls[kind] ?? "").split("\n").at(-1)?.split(";")[0] ?? "";

function reliefForms({ kind, runtime }: Situation): readonly Form[] {
  const call = calls[kind];
  const ask = { name: AFTER_PEAK, text: "tidemark relief <pid> --timeout 5m" };
  if (runtime === "python" && kind === "glibc")
    return [ask, { name: "or in Python", text: 'import ctypes\nctypes.CDLL("libc.so.6").malloc_trim(0)' }];
  return call === null || (runtime !== null && runtime !== "php") ? [ask] : [ask, { name: "or in C", text: call }];
}
