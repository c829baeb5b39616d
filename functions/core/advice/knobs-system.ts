// The knobs beside allocator and runtime: Tidemark's own relief, preloading, the kernel, and what a platform gives a service.
import { always, type Knob, since } from "./knob.ts";

const sysctl = (name: string, rest: Pick<Knob, "versions" | "defaultValue" | "mechanics" | "sideEffects">): Knob => ({
  id: `kernel.${name}`,
  owner: "kernel",
  via: { kind: "sysctl", name },
  source: "Documentation/admin-guide/sysctl/vm.rst; /proc/sys",
  ...rest,
});

const platform = (field: string, id: string, mechanics: string, sideEffects: string | null): Knob => ({
  id: `platform.${id}`,
  owner: "platform",
  via: { kind: "platform", field },
  versions: always,
  defaultValue: "as deployed",
  mechanics,
  sideEffects,
  source: "AWS and Kubernetes documentation",
  isFromMemory: true,
});

export const systemKnobs: readonly Knob[] = [
  {
    id: "tidemark.relief",
    owner: "tidemark",
    via: { kind: "environment", variable: "TIDEMARK_RELIEF" },
    versions: always,
    defaultValue: "off",
    mechanics: "The process lets itself be asked to give free memory back, by its allocator's own call, at a quiet moment.",
    sideEffects: "The allocator's locks are held while it works; nothing asks by itself.",
    source: "docs/deploy.md, Relief; native/shim/relief.c",
  },
  {
    id: "loader.preload",
    owner: "loader",
    via: { kind: "environment", variable: "LD_PRELOAD" },
    versions: always,
    defaultValue: "none",
    mechanics: "Another library's malloc takes the place of the C library's, without a new build.",
    sideEffects: "Not in static, setuid and most Go programs. Libraries that allocate by themselves are not reached.",
    source: "man 8 ld.so",
  },
  sysctl("vm.max_map_count", {
    versions: always,
    defaultValue: "65530 (1048576 on newer distributions)",
    mechanics: "At most so many mappings a process; at the limit mmap, malloc of large blocks and new threads fail.",
    sideEffects: "About 200 bytes of kernel memory for a mapping in use.",
  }),
  sysctl("vm.compaction_proactiveness", {
    versions: since("5.9"),
    defaultValue: "20",
    mechanics:
      "How hard the kernel compacts memory in the background, so that large pages are there when asked for (0 to 100).",
    sideEffects: "CPU time of kcompactd, and latency while pages move.",
  }),
  sysctl("vm.min_free_kbytes", {
    versions: always,
    defaultValue: "by the host's memory",
    mechanics: "So much memory the kernel keeps free for itself; more of it means reclaim begins earlier.",
    sideEffects: "That memory is lost to programs.",
  }),
  sysctl("vm.swappiness", {
    versions: always,
    defaultValue: "60",
    mechanics: "How readily anonymous pages are swapped rather than file pages dropped.",
    sideEffects: null,
  }),
  sysctl("vm.dirty_background_bytes", {
    versions: always,
    defaultValue: "0 (10 % of available memory, by its ratio)",
    mechanics: "From so many dirty bytes on the kernel writes back in the background.",
    sideEffects: "Smaller bursts of writing, more often.",
  }),
  {
    id: "kernel.thp_enabled",
    owner: "kernel",
    via: { kind: "sysfs", path: "/sys/kernel/mm/transparent_hugepage/enabled" },
    versions: always,
    defaultValue: "madvise or always, by distribution",
    mechanics: "madvise: only memory that asked for it gets huge pages, so that a trim's holes are not filled up again.",
    sideEffects: "Fewer huge pages: more misses in the TLB for large heaps.",
    source: "Documentation/admin-guide/mm/transhuge.rst",
  },
  platform(
    "resources.limits.memory (Kubernetes), memory (ECS), memory.max (cgroup)",
    "memory_limit",
    "What the kernel kills or reclaims at.",
    "A limit above what the host has left moves the failure to the host.",
  ),
  platform(
    "instance type",
    "instance_type",
    "Memory a vCPU: c has 2 GiB, m 4, r 8.",
    "Worth it only where live memory needs it.",
  ),
  platform(
    "instance store instead of EBS",
    "instance_store",
    "Dirty pages wait for the disk: a local NVMe disk takes them sooner than a throttled volume.",
    "Its data is gone when the instance stops.",
  ),
];
