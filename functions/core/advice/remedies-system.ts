// When the kernel or the platform is the place: mappings, limits, swap, huge pages, another instance.
import { formatBytes, formatCount, formatShare } from "../units.ts";
import { not, type Remedy } from "./remedy.ts";

/** Twice the default, and room for years; a mapping in use costs the kernel about 200 bytes. */
const MAP_COUNT = 262_144;
/** A limit with so much more than live and files need. */
const LIMIT_HEADROOM = 1.25;
const MIB = 1_048_576;
const COMPACTION_PROACTIVENESS = 40;
const SWAPPINESS = 10;
/** Dirty pages are a cause of pressure from this part of the host's memory on; the kernel itself throttles writers at 20 %. */
const DIRTY_SHARE_MIN = 0.1;
const DIRTY_BACKGROUND_BYTES = 268_435_456;

export const systemRemedies: readonly Remedy[] = [
  {
    id: "kernel.max_map_count",
    title: "Allow more mappings",
    effort: "setting",
    risk: "None known; it treats the limit, not what makes the mappings.",
    speed: "None.",
    canary: "On one host: it counts at once, without a restart.",
    rollback: "The old value; processes above it keep what they have.",
    judge({ cause, figures: { vma_count, vma_count_limit } }) {
      if (cause !== "mapping_growth") return null;
      if (vma_count_limit != null && vma_count_limit >= MAP_COUNT) return not(`it is ${formatCount(vma_count_limit)} already`);
      return {
        kind: "advised",
        changes: [{ knob: "kernel.vm.max_map_count", value: String(MAP_COUNT) }],
        effect: null,
        goesFirst: true,
        why: [
          `The process has ${formatCount(vma_count)} of ${formatCount(vma_count_limit)} mappings${vma_count == null || !vma_count_limit ? "" : ` (${formatShare(vma_count / vma_count_limit)})`}; at the limit mmap, large mallocs and new threads fail although memory is free.`,
        ],
      };
    },
  },
  {
    id: "platform.memory_limit",
    title: "Raise the container's memory limit",
    effort: "platform",
    risk: "The host must have that much left for all its containers.",
    speed: "None.",
    canary: "One task or pod.",
    rollback: "The old limit.",
    judge({ cause, figures, heldBytes }) {
      const { cgroup_limit_bytes: limit, live_bytes, live_bytes_peak } = figures;
      if (!["alloc_failure", "cgroup_limit"].includes(cause) || limit == null) return null;
      const live = live_bytes_peak ?? live_bytes ?? null;
      if (live === null) return null;
      if (live < limit / 2 && (heldBytes ?? 0) > live)
        return not(
          `live memory was ${formatBytes(live)} at most of ${formatBytes(limit)}: give held memory back first, a larger limit would fill up as well`,
        );
      return {
        kind: "advised",
        changes: [{ knob: "platform.memory_limit", value: `${Math.ceil((LIMIT_HEADROOM * Math.max(live, limit)) / MIB)}Mi` }],
        effect: null,
        why: [`${formatBytes(live)} were live at once, and the limit is ${formatBytes(limit)}: the need is real.`],
      };
    },
  },
  {
    id: "platform.instance_type",
    title: "An instance with more memory a vCPU",
    effort: "platform",
    risk: "It costs money each month; retained memory would fill it again.",
    speed: "None.",
    canary: "One instance.",
    rollback: "The old type.",
    judge({ cause, heldBytes, figures: { live_bytes, live_bytes_peak } }) {
      if (!["low_memory", "memory_pressure", "swap_growth"].includes(cause)) return null;
      const live = live_bytes_peak ?? live_bytes ?? null;
      if (live === null) return not("how much of the memory is live is not known: find out before paying for more");
      if ((heldBytes ?? 0) >= live / 4)
        return not(`${formatBytes(heldBytes)} is held free: that comes first, before paying for more`);
      return {
        kind: "advised",
        changes: [{ knob: "platform.instance_type", value: "the next family up: c to m, m to r" }],
        effect: null,
        why: [`${formatBytes(live)} are live at the peak and next to nothing is held free: the need is real.`],
      };
    },
  },
  {
    id: "platform.instance_store",
    title: "Write to instance store, not EBS",
    effort: "platform",
    risk: "Data on instance store is gone when the instance stops.",
    speed: "Faster.",
    canary: "One instance.",
    rollback: "The volume as before.",
    judge({ cause, figures: { host_dirty_bytes: dirty, host_memory_bytes: memory } }) {
      if (!["low_memory", "memory_pressure", "cgroup_limit"].includes(cause) || dirty == null) return null;
      if (memory == null || dirty < DIRTY_SHARE_MIN * memory)
        return not(`only ${formatBytes(dirty)} waits to be written: the disk is not what holds memory`);
      return {
        kind: "advised",
        changes: [
          { knob: "platform.instance_store", value: "a type with local NVMe (m7gd, c7gd, r7gd)" },
          { knob: "kernel.vm.dirty_background_bytes", value: String(DIRTY_BACKGROUND_BYTES) },
        ],
        effect: null,
        why: [
          `${formatBytes(dirty)} of dirty pages wait for a disk that is slower than the writes: a volume with more throughput, or a local disk, takes them sooner.`,
        ],
      };
    },
  },
  {
    id: "kernel.compaction",
    title: "Compact memory in the background",
    effort: "setting",
    risk: "CPU of kcompactd and latency while pages move.",
    speed: "Some per cent of a core while it works.",
    canary: "On one host; it counts at once. compact_stall in /proc/vmstat should stop growing.",
    rollback: "vm.compaction_proactiveness = 20",
    judge: ({ cause }) =>
      cause === "kernel_fragmentation"
        ? {
            kind: "advised",
            changes: [{ knob: "kernel.vm.compaction_proactiveness", value: String(COMPACTION_PROACTIVENESS) }],
            effect: null,
            why: [
              "Free memory lies in small blocks, so that huge pages and large buffers wait for compaction when they are asked for.",
            ],
          }
        : null,
  },
  {
    id: "kernel.thp",
    title: "Huge pages only where asked for",
    effort: "setting",
    risk: "Programs that gain by huge pages and do not ask for them get slower.",
    speed: "More TLB misses for large heaps that do not ask: some per cent.",
    canary: "On one host; it counts for new mappings.",
    rollback: "The old word, always.",
    judge: ({ cause }) =>
      cause === "kernel_fragmentation"
        ? {
            kind: "advised",
            changes: [{ knob: "kernel.thp_enabled", value: "madvise" }],
            effect: null,
            why: [
              "With `always` every large anonymous mapping wants 2 MiB pages, and a trimmed heap is filled up again by khugepaged.",
            ],
          }
        : null,
  },
  {
    id: "kernel.swappiness",
    title: "Swap later",
    effort: "setting",
    risk: "File pages are dropped sooner: more reads from disk.",
    speed: "Less waiting for swapped pages.",
    canary: "On one host; it counts at once.",
    rollback: "vm.swappiness = 60",
    judge: ({ cause }) =>
      cause === "swap_growth"
        ? {
            kind: "advised",
            changes: [{ knob: "kernel.vm.swappiness", value: String(SWAPPINESS) }],
            effect: null,
            why: [
              "Anonymous memory goes to swap although file pages could be dropped. It does not help where the live memory is too large.",
            ],
          }
        : null,
  },
];
