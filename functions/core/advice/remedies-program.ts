// What helps in the program itself: pools for the sizes that pin pages, a heap profile for a leak, Redis's own defragmentation.
import { largestPins } from "../pins.ts";
import { formatBytes, formatSizeBin } from "../units.ts";
import { type Form, holdsMemory, isPinned, not, type Remedy } from "./remedy.ts";
import type { Situation } from "./situation.ts";

/** Measured with a pool for the survivors and a trim after the peak: .91 and .95 of what was held, where hardly a page was whole. */
const POOL_SHARE = 0.9;
const POOL_SHARE_MIN = 0.5;
const WHOLE_SHARE_MAX = 0.3;
const SIZES_SHOWN_MAX = 3;

export const programRemedies: readonly Remedy[] = [
  {
    id: "program.pool",
    title: "Pool the sizes that pin pages",
    effort: "code",
    risk: "A change of the program. Pool what lives long, not what comes and goes: a pool of the wrong size holds memory itself.",
    speed: "Usually faster than malloc: no search, no lock when a thread has its own pool.",
    canary: "Release it to one host; the histogram of pinned memory (tidemark inspect) must lose those sizes.",
    rollback: "Build without the pool; keep it behind a switch until it has proven itself.",
    judge(situation) {
      const { heldBytes, reclaimableBytes, kind, runtime } = situation;
      if (!holdsMemory(situation) || heldBytes === null || reclaimableBytes === null) return null;
      if (situation.cause === "runtime_heap") return null;
      if (!isPinned(situation))
        return not("most of the held memory lies on whole free pages: pinning sizes are not what holds it");
      const isManaged = runtime !== null && runtime !== "php";
      if (isManaged || isRedis(situation))
        return not("the allocations are not the service's own code: look for what keeps them (caches, long-lived objects)");
      const isMeasured = kind === "glibc" && reclaimableBytes < WHOLE_SHARE_MAX * heldBytes;
      return {
        kind: "advised",
        changes: [],
        effect: isMeasured
          ? {
              least: Math.round(POOL_SHARE_MIN * heldBytes),
              likely: Math.round(POOL_SHARE * heldBytes),
              most: heldBytes,
              basis: "90 % of what is held, as measured with a pool and relief after the peak; the pool alone returned nothing",
            }
          : null,
        why: [`${pinText(situation)} Put together on pages of their own they leave whole pages free.`],
        ...(kind === "glibc"
          ? { condition: "With relief, or malloc_trim(0), after the peak: glibc does not look for whole pages by itself" }
          : {}),
        forms: poolForms(situation),
      };
    },
  },
  {
    id: "program.heap_profile",
    title: "Find what grows with two heap profiles",
    effort: "code",
    risk: "None to memory.",
    speed: "Sampling profilers cost a few per cent while they run.",
    canary: "One host is enough: a leak is in the code, not in a host.",
    rollback: "Stop profiling.",
    judge: ({ cause }) =>
      cause === "leak"
        ? {
            kind: "advised",
            changes: [],
            effect: null,
            goesFirst: true,
            why: [
              "Live memory grows: the program still holds it, and no setting gives back what is in use. Compare two profiles some hours apart.",
            ],
          }
        : null,
  },
  {
    id: "redis.activedefrag",
    title: "Let Redis defragment itself",
    effort: "setting",
    risk: "Latency while it moves values; active-defrag-cycle-max bounds it.",
    speed: "1 to 25 % of a core while it works (active-defrag-cycle-min and -max).",
    canary: "On a replica first; INFO memory shows active_defrag_running and mem_fragmentation_ratio.",
    rollback: "CONFIG SET activedefrag no",
    judge(situation) {
      if (!isRedis(situation) || situation.kind !== "jemalloc" || !holdsMemory(situation)) return null;
      if (!isPinned(situation)) return not("the free memory is on whole pages: decay returns it");
      return {
        kind: "advised",
        changes: [],
        effect: null,
        condition: "Only with the jemalloc that Redis brings: Debian's build, with the system's, refuses it",
        why: [`${pinText(situation)} Redis can move those values together.`],
        forms: [{ name: "redis-cli", text: "redis-cli CONFIG SET activedefrag yes" }],
      };
    },
  },
];

const isRedis = ({ comm }: Situation): boolean => comm !== null && /^(redis|valkey|keydb)-server/.test(comm);

function pinText({ figures, heldBytes }: Situation): string {
  const pins = largestPins(figures.pinned_bytes_by_size ?? [], SIZES_SHOWN_MAX);
  if (pins.length === 0) return `Live objects pin most of the ${formatBytes(heldBytes)} held free.`;
  const sizes = pins.map((pin) => `${formatSizeBin(pin.chunk_bytes_min)} (${formatBytes(pin.pinned_bytes)})`).join(", ");
  return `Live objects of ${sizes} pin the free memory around them.`;
}

/** A pool for one size: a slab of 2 MiB at a time, a free list through the free slots, and whole slabs that never mix with others. */
function poolForms({ figures }: Situation): readonly Form[] {
  const [pin] = largestPins(figures.pinned_bytes_by_size ?? [], 1);
  // The histogram counts chunks with glibc's header; the largest of the bin fits all of it.
  const slotBytes = (pin?.chunk_bytes_min ?? 128) * 2;
  const about =
    pin === undefined
      ? "the size that heap profiles show to live longest"
      : `${formatSizeBin(pin.chunk_bytes_min)}, which pin most`;
  return [
    {
      name: "in C",
      text: `/* A pool for ${about}. One pool a size; a mutex around it, or a pool a thread. */
#include <stdlib.h>
enum { SLOT_BYTES = ${slotBytes}, SLAB_BYTES = 2 << 20 };
static union slot { union slot *next; char bytes[SLOT_BYTES]; } *free_slots;

void *pool_get(void) {
    if (!free_slots) {
        union slot *slab = aligned_alloc(SLAB_BYTES, SLAB_BYTES);
        if (!slab) return NULL;
        for (size_t i = 0; i < SLAB_BYTES / sizeof *slab; i++) {
            slab[i].next = free_slots;
            free_slots = &slab[i];
        }
    }
    union slot *slot = free_slots;
    free_slots = slot->next;
    return slot;
}

void pool_put(void *memory) {
    union slot *slot = memory;
    slot->next = free_slots;
    free_slots = slot;
}`,
    },
    {
      name: "in C++17",
      text: "#include <list>\n#include <memory_resource>\nstd::pmr::unsynchronized_pool_resource pool; // one a thread\nstd::pmr::list<Session> sessions{&pool};",
    },
  ];
}
