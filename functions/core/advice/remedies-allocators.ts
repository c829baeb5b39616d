// When another allocator helps, or a setting of jemalloc, tcmalloc or mimalloc. The constants were fitted to the measured runs.

import { formatBytes, formatShare } from "../units.ts";
import { knobOf, presenceOf } from "./catalogue.ts";
import { type Effect, holdsMemory, not, type Remedy, restartCanary, sameSettingRollback } from "./remedy.ts";
import type { Situation } from "./situation.ts";

const JEMALLOC_PATH = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2";
const JEMALLOC_CANARY =
  "On one host with abort_conf:true before the other pairs (MALLOC_CONF=abort_conf:true,...): a pair that this jemalloc does not know then ends the program at its start instead of being passed over.";
/**
 * What jemalloc with its thread returned of what glibc held, measured, by the part x of it that a trim would have returned:
 * x from .75 on (plain retention): .89 to .93 of that part; x below .3 (pins of other sizes beside every block): .85 to .93 of all;
 * between (random survivors, as large as what was freed, pin jemalloc's pages as well): .41 to .49 of that part.
 */
const SWITCH_SHARE = 0.9;
const SWITCH_SHARE_RANDOM = 0.45;
const RETAINED_SHARE_MIN = 0.75;
const PINNED_SHARE_MAX = 0.3;
const DECAY_MS = 1_000;
/** Settings of thread caches matter from this part of the held memory on. */
const CACHE_SHARE_MIN = 0.1;

const canPreload = ({ libc, runtime }: Situation): boolean => libc !== "musl" && runtime !== "go";

export const allocatorRemedies: readonly Remedy[] = [
  {
    id: "jemalloc.switch",
    title: "Run it with jemalloc and its background thread",
    effort: "preload",
    risk: "Another allocator changes timing and peak (measured 6 MB less to 12 MB more at 150 MB). Without background_thread idle threads returned nothing, and a JVM's peak rose by half.",
    speed: "Between a fifth and 1.7 times the CPU of glibc in the four programs measured.",
    canary: `${JEMALLOC_CANARY} Look at the peak as well as at what is left after it.`,
    rollback: "Take LD_PRELOAD and MALLOC_CONF out and restart.",
    judge(situation) {
      const { kind, heldBytes, reclaimableBytes } = situation;
      if (kind !== "glibc" || !holdsMemory(situation) || heldBytes === null || reclaimableBytes === null) return null;
      if (!canPreload(situation)) return null;
      if (isMostlyOutside(situation)) return not("most of the memory is not malloc's, so that another malloc would not see it");
      const share = reclaimableBytes / heldBytes;
      return {
        kind: "advised",
        changes: [
          { knob: "loader.preload", value: JEMALLOC_PATH },
          { knob: "jemalloc.background_thread", value: "true" },
        ],
        effect: switchEffect(heldBytes, reclaimableBytes),
        condition: `The path is Debian's on x86-64 (package libjemalloc2, 5.0 or later); elsewhere: ldconfig -p | grep jemalloc`,
        why: [
          share < PINNED_SHARE_MAX
            ? "jemalloc keeps each size class on pages of its own: survivors of one size do not pin the pages of the others."
            : "jemalloc's thread returns pages that stay unused for ten seconds, wherever they lie.",
        ],
      };
    },
  },
  {
    id: "jemalloc.decay",
    title: "Purge sooner, and when idle",
    effort: "setting",
    risk: "Threads of jemalloc's own run in the process; a child after fork has none.",
    speed: "More madvise and page faults where memory comes and goes within seconds (measured 47 ticks of CPU for 35).",
    canary: JEMALLOC_CANARY,
    rollback: sameSettingRollback,
    judge(situation) {
      const { kind, figures, heldBytes } = situation;
      if (kind !== "jemalloc" || !holdsMemory(situation) || heldBytes === null) return null;
      const dirty = dirtyOf(situation);
      if (dirty === null) return null;
      if (dirty < CACHE_SHARE_MIN * heldBytes)
        return not(
          `only ${formatBytes(dirty)} of ${formatBytes(heldBytes)} is dirty: decay gives back empty pages, and ${formatBytes(figures.bin_waste_bytes)} lies beside live objects`,
        );
      return {
        kind: "advised",
        changes: [
          { knob: "jemalloc.background_thread", value: "true" },
          { knob: "jemalloc.dirty_decay_ms", value: String(DECAY_MS) },
          { knob: "jemalloc.muzzy_decay_ms", value: "0" },
        ],
        effect: { least: Math.round(0.9 * dirty), likely: dirty, most: dirty, basis: "dirty and muzzy pages" },
        why: [
          `${formatBytes(dirty)} of unused pages are still backed by memory (${formatShare(dirty / heldBytes)} of what is held).${decayInEffect(situation)}`,
        ],
      };
    },
  },
  {
    id: "jemalloc.percpu_arena",
    title: "One arena a CPU",
    effort: "setting",
    risk: "Memory moves between CPUs with the threads.",
    speed: "About the same; better where threads are many more than CPUs.",
    canary: JEMALLOC_CANARY,
    rollback: sameSettingRollback,
    judge(situation) {
      if (situation.kind !== "jemalloc" || situation.cause !== "arena_bloat") return null;
      return {
        kind: "advised",
        changes: [{ knob: "jemalloc.percpu_arena", value: "percpu" }],
        effect: null,
        why: ["Four times as many arenas as CPUs is jemalloc's default, and each keeps partly used pages of its own."],
      };
    },
  },
  {
    id: "gperftools.aggressive_decommit",
    title: "Return every free span at once",
    effort: "setting",
    risk: "Latency of frees that leave a whole span free.",
    speed: "An madvise for each free span and page faults after it: measured 46 ticks of CPU for 31.",
    canary: restartCanary,
    rollback: sameSettingRollback,
    judge(situation) {
      const { kind, heldBytes, settings } = situation;
      if (kind !== "gperftools" || !holdsMemory(situation) || heldBytes === null) return null;
      const value = settings.byKnob.get("gperftools.aggressive_decommit");
      if (value !== undefined && /^(1|t|y)/i.test(value)) return not("it is on already");
      const dirty = dirtyOf(situation);
      if (dirty === null) return null;
      if (dirty < CACHE_SHARE_MIN * heldBytes)
        return not(
          `only ${formatBytes(dirty)} of ${formatBytes(heldBytes)} are free spans: the rest lies in spans that are used in part, or in caches`,
        );
      return {
        kind: "advised",
        changes: [{ knob: "gperftools.aggressive_decommit", value: "1" }],
        effect: { least: Math.round(0.9 * dirty), likely: dirty, most: dirty, basis: "free spans of the page heap" },
        why: [`${formatBytes(dirty)} of free spans are kept for later (${formatShare(dirty / heldBytes)} of what is held).`],
      };
    },
  },
  {
    id: "google-tcmalloc.background_release_rate",
    title: "Release memory in the background",
    effort: "code",
    risk: "The program needs a thread that runs ProcessBackgroundActions().",
    speed: "One thread, mostly asleep; page faults when the memory is wanted again.",
    canary: "One host with the new build.",
    rollback: "Set the rate to 0.",
    judge(situation) {
      const dirty = dirtyOf(situation);
      if (situation.kind !== "google-tcmalloc" || !holdsMemory(situation)) return null;
      return {
        kind: "advised",
        changes: [{ knob: "google-tcmalloc.background_release_rate", value: "" }],
        effect:
          dirty === null
            ? null
            : { least: Math.round(0.5 * dirty), likely: dirty, most: dirty, basis: "free pages of the page heap" },
        why: ["This tcmalloc has no variable of the environment for it: TCMALLOC_RELEASE_RATE is gperftools'."],
        forms: [
          {
            name: "in C++",
            text: '#include "tcmalloc/malloc_extension.h"\nusing tcmalloc::MallocExtension;\nMallocExtension::SetBackgroundReleaseRate(\n    static_cast<MallocExtension::BytesPerSecond>(64 << 20));\nstd::thread(MallocExtension::ProcessBackgroundActions).detach();',
          },
        ],
      };
    },
  },
  {
    id: "mimalloc.purge_delay",
    title: "Purge at once",
    effort: "setting",
    risk: "Where memory comes and goes all the time, the kernel is asked each time.",
    speed: "More page faults; by the manual up to some per cent.",
    canary: "MIMALLOC_VERBOSE=1 on the canary prints the options that it took.",
    rollback: sameSettingRollback,
    judge(situation) {
      if (situation.kind !== "mimalloc" || !["retention", "fragmentation", "arena_bloat"].includes(situation.cause))
        return null;
      // The same option by the name of its version; without a version by the newer one, and its condition is said.
      const isOld = presenceOf(knobOf("mimalloc.decommit_delay"), situation.allocator_version).kind === "present";
      const knob = isOld ? "mimalloc.decommit_delay" : "mimalloc.purge_delay";
      const delay = situation.settings.byKnob.get(knob);
      if (delay === "0") return not("it is 0 already");
      return {
        kind: "advised",
        changes: [{ knob, value: "0" }],
        effect: null,
        why: [
          `mimalloc keeps free pages ${delay === undefined ? "for a while" : `${delay} ms`} before it purges them, and purges only while it is called.`,
        ],
      };
    },
  },
];

function switchEffect(heldBytes: number, reclaimableBytes: number): Effect {
  const share = reclaimableBytes / heldBytes;
  const [likely, basis] =
    share < PINNED_SHARE_MAX
      ? [SWITCH_SHARE * heldBytes, "90 % of what is held, as measured where pins of other sizes lie beside what was freed"]
      : share < RETAINED_SHARE_MIN
        ? [SWITCH_SHARE_RANDOM * reclaimableBytes, "45 % of what relief would return, as measured with random survivors"]
        : [SWITCH_SHARE * reclaimableBytes, "90 % of what relief would return, as measured"];
  return { least: Math.round(0.3 * likely), likely: Math.round(likely), most: heldBytes, basis };
}

/** Upper bounds and figures of different moments may pass what is held. */
function dirtyOf({ figures: { dirty_bytes, muzzy_bytes }, heldBytes, reclaimableBytes }: Situation): number | null {
  const dirty = dirty_bytes == null ? reclaimableBytes : dirty_bytes + (muzzy_bytes ?? 0);
  return dirty === null ? null : Math.min(dirty, heldBytes ?? dirty);
}

function decayInEffect({ settings }: Situation): string {
  const decay = settings.byKnob.get("jemalloc.dirty_decay_ms");
  if (decay === "-1") return " dirty_decay_ms is -1: they are never purged.";
  if (settings.byKnob.get("jemalloc.background_thread") === "false") return " Without the thread, idle threads purge nothing.";
  return "";
}

/** Where malloc's part of the memory is the smaller one, its allocator is not the place to look. */
function isMostlyOutside({ outsideBytes, figures, heldBytes, cause }: Situation): boolean {
  if (cause !== "runtime_heap" || outsideBytes === null) return false;
  return outsideBytes > (figures.live_bytes ?? 0) + (heldBytes ?? 0);
}
