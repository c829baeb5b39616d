// Hosts whose last hour, or last day, is known: for each acute query one that it must find, and those that only look like it.
// What the queries make of them is told by the tests that ask them.
import type { CollectorSample, DetailSample, HostIdentity, HostSample, ProcessSample } from "../../schema/columns.ts";
import type { Delivered } from "./lake.ts";
import { collectorSample, detailSample, hostSample, processSample, samples } from "./samples.ts";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const MIB = 1_024 * 1_024;
export const GIB = 1_024 * MIB;
export const END_MS = Date.UTC(2026, 10, 23, 12);

type Rows<T> = (minute: number) => Partial<T> | null;
export interface HostStory {
  readonly identity?: Partial<HostIdentity>;
  readonly process?: Readonly<Record<string, Rows<ProcessSample>>>;
  readonly host?: Rows<HostSample>;
  readonly collector?: Rows<CollectorSample>;
  readonly detail?: readonly Partial<DetailSample>[];
  /** Minutes at which rows are made, from the window's start; each minute of the hour unless said. */
  readonly minutes?: readonly number[];
}

const everyMinute = Array.from({ length: 60 }, (_, minute) => minute);
let sequence = 1;

function delivered(host_id: string, story: HostStory): Delivered {
  const { identity = {}, process = {}, host, collector, detail = [], minutes = everyMinute } = story;
  const at = (minute: number) => ({ sampled_at: END_MS - HOUR_MS + minute * MINUTE_MS, sequence: sequence++ });
  const rows = <T>(make: (values: Partial<T>) => T, tell: Rows<T> | undefined, more: (minute: number) => object): T[] =>
    minutes.flatMap((minute) => {
      const told = tell?.(minute) ?? null;
      return told === null ? [] : [make({ ...more(minute), ...told } as Partial<T>)];
    });
  return {
    host: { host_id, boot_id: `boot-${host_id}`, host_name: host_id, ...identity },
    samples: samples({
      process: Object.entries(process).flatMap(([service, tell], index) =>
        rows(processSample, tell, (minute) => ({
          ...at(minute),
          service,
          pid: 100 + index,
          process_key: `${host_id}-${index}`,
        })),
      ),
      host: rows(hostSample, host, at),
      collector: rows(collectorSample, collector, at),
      detail: detail.map((values) => detailSample({ ...at(30), event_at: END_MS - 30 * MINUTE_MS, ...values })),
    }),
  };
}

export const storyDeliveries = (stories: Readonly<Record<string, HostStory>>): readonly Delivered[] =>
  Object.entries(stories).map(([id, story]) => delivered(id, story));

export const cgroup = (current: number, rest: Partial<ProcessSample> = {}) => ({
  container_id: "c1",
  cgroup_limit_bytes: 1_000 * MIB,
  cgroup_current_bytes: current * MIB,
  ...rest,
});
export const steadyHost = { mem_total_bytes: 16 * GIB, mem_available_bytes: 8 * GIB };
export const swapped = (out: number, used: number) => ({
  swapped_out_bytes: 5 * GIB + out,
  swapped_in_bytes: GIB,
  swap_total_bytes: 4 * GIB,
  swap_free_bytes: 4 * GIB - used,
});
export const blocks = (order4: number, order9 = 900) => [
  -1_000,
  -1_000,
  -1_000,
  -1_000,
  order4,
  600,
  700,
  800,
  850,
  order9,
  950,
];

/** Of the last hour: for each query who it must find, and who only looks like it. */
export const acuteStories: Readonly<Record<string, HostStory>> = {
  failing: {
    process: {
      // Three failures in the middle of the hour; what failed before is not counted again.
      failing: (minute) => ({
        environment: "live",
        alloc_failure_count: minute < 30 ? 5 : 8,
        rss_bytes: GIB,
        free_bytes: 300 * MIB,
        vma_count: 65_530,
        vma_count_limit: 65_530,
      }),
      failedBefore: () => ({ alloc_failure_count: 7 }),
      // The library was loaded anew, as by exec: the counter begins again.
      resetting: (minute) => ({ alloc_failure_count: minute < 30 ? 7 : 2 }),
      uncounted: () => ({ alloc_failure_count: null }),
    },
    detail: [
      { service: "died", process_key: "failing-9", event: "alloc_failure" },
      { service: "died", process_key: "failing-9", event: "alloc_failure", sequence: 900_001 },
      { service: "late", process_key: "failing-8", event: "alloc_failure", event_at: END_MS - 2 * HOUR_MS },
    ],
  },
  killed: {
    process: {
      // Two processes of one container see the same two kills.
      workers: (minute) => ({ ...cgroup(900), cgroup_oom_kill_count: minute < 10 ? 1 : 3 }),
      quiet: () => ({ ...cgroup(900), container_id: "c2", cgroup_oom_kill_count: 4 }),
    },
    detail: [{ service: "gone", process_key: "killed-7", event: "oom_kill", rss_bytes: 700 * MIB }],
  },
  mapping: {
    process: {
      climbing: (minute) => ({ vma_count: 55_000 + 20 * minute, vma_count_limit: 65_530 }),
      // Threads come and go: as many mappings in the first half hour as in the second.
      swinging: (minute) => ({ vma_count: 60_000 + (minute % 7) * 200, vma_count_limit: 65_530 }),
      high: () => ({ vma_count: 64_000, vma_count_limit: 65_530 }),
      low: (minute) => ({ vma_count: 1_000 + 100 * minute, vma_count_limit: 65_530 }),
      slow: (minute) => ({ vma_count: 53_000 + 2 * minute, vma_count_limit: 65_530 }),
      ended: (minute) => (minute < 30 ? { vma_count: 60_000 + 20 * minute, vma_count_limit: 65_530 } : null),
      unlimited: (minute) => ({ vma_count: 60_000 + 20 * minute, vma_count_limit: null }),
    },
  },
  limits: {
    process: {
      near: () => ({ ...cgroup(980, { cgroup_cache_bytes: 40 * MIB }), reclaimable_bytes: 200 * MIB }),
      // Full of page cache, which the kernel takes back by itself.
      caching: () => ({ ...cgroup(995, { container_id: "c2", cgroup_cache_bytes: 700 * MIB }), reclaimable_bytes: 200 * MIB }),
      // Close, but there is nothing to give back.
      full: () => ({ ...cgroup(980, { container_id: "c3" }), reclaimable_bytes: MIB }),
      touched: (minute) => ({ ...cgroup(minute === 58 ? 500 : 990, { container_id: "c4" }), reclaimable_bytes: 200 * MIB }),
      unlimited: () => ({ ...cgroup(980, { container_id: "c5" }), cgroup_limit_bytes: null, reclaimable_bytes: 200 * MIB }),
    },
  },
  thrashing: {
    process: {
      thrashing: (minute) => ({ ...cgroup(1_000), cgroup_max_count: 500 * minute, major_fault_count: 3_000 * minute }),
      // Recycles page cache at its limit: not one page comes back.
      recycling: (minute) => ({
        ...cgroup(1_000, { container_id: "c2" }),
        cgroup_max_count: 500 * minute,
        major_fault_count: 10,
      }),
      // Reads much at its start, and then no more.
      starting: (minute) => ({
        ...cgroup(1_000, { container_id: "c3" }),
        cgroup_max_count: Math.min(minute, 3) * 500,
        major_fault_count: Math.min(minute, 3) * 90_000,
      }),
    },
  },
  oom: { host: (minute) => ({ ...steadyHost, oom_kill_count: minute < 50 ? 2 : 3 }) },
  oomBefore: { host: () => ({ ...steadyHost, oom_kill_count: 9 }) },
  low: { host: (minute) => ({ mem_total_bytes: 16 * GIB, mem_available_bytes: minute < 40 ? GIB : 500 * MIB }) },
  // 4 % of a terabyte is much.
  large: { host: () => ({ mem_total_bytes: 1_024 * GIB, mem_available_bytes: 40 * GIB }) },
  // 300 MiB of 512 MiB is more than half.
  small: { host: () => ({ mem_total_bytes: 512 * MIB, mem_available_bytes: 300 * MIB }) },
  recovering: {
    host: (minute) => ({ mem_total_bytes: 16 * GIB, mem_available_bytes: minute === 57 ? 2 * GIB : 500 * MIB }),
  },
  swapping: { host: (minute) => ({ ...swapped(minute * 100 * MIB, GIB + minute * MIB), swap_device_kind: "ebs" }) },
  swappedBefore: { host: () => swapped(0, 2 * GIB) },
  swapsLittle: { host: (minute) => swapped(minute * 5 * MIB, 2 * GIB) },
  noSwap: { host: (minute) => ({ ...swapped(minute * 100 * MIB, 0), swap_total_bytes: 0, swap_free_bytes: 0 }) },
  // 6 s of every minute.
  pressed: { host: (minute) => ({ memory_full_us: 9e9 + minute * 6e6, memory_some_us: 9e9 + minute * 12e6 }) },
  hardlyPressed: { host: (minute) => ({ memory_full_us: 9e9 + minute * 1e6 }) },
  // The counter begins anew with each boot.
  rebooted: {
    host: () => ({ memory_full_us: 9e9 }),
    identity: { boot_id: "one" },
    minutes: everyMinute.slice(0, 30),
  },
  rebootedSince: {
    host: () => ({ memory_full_us: 1e6 }),
    identity: { host_id: "rebooted", boot_id: "two" },
    minutes: everyMinute.slice(30),
  },
  splintered: {
    host: (minute) => ({ fragmentation_index_by_order: blocks(780), compact_fail_count: 1_000 + minute, mem_free_bytes: GIB }),
  },
  // Huge pages are short, as on most hosts that run for long.
  noHugePages: {
    host: (minute) => ({ fragmentation_index_by_order: blocks(-1_000), compact_fail_count: 1_000 + 10 * minute }),
  },
  // In want of memory, not in pieces.
  wanting: { host: (minute) => ({ fragmentation_index_by_order: blocks(120), compact_fail_count: 1_000 + 10 * minute }) },
  mended: { host: () => ({ fragmentation_index_by_order: blocks(780), compact_fail_count: 1_000 }) },
  fewOrders: { host: (minute) => ({ fragmentation_index_by_order: [-1_000, 700], compact_fail_count: 10 * minute }) },
  dropping: { collector: () => ({ row_count: 50, row_dropped_count: 10 }) },
  droppedOne: { collector: (minute) => ({ row_count: 50, row_dropped_count: minute === 3 ? 1 : 0 }) },
  piling: { collector: (minute) => ({ delivery_failure_count: 1, spool_row_count: 100 * minute }) },
  // Fails now and then and catches up.
  catching: { collector: (minute) => ({ delivery_failure_count: minute % 9 === 0 ? 1 : 0, spool_row_count: 50 }) },
  blind: { collector: () => ({ process_count: 3, process_denied_count: 40 }) },
  detailless: { collector: (minute) => ({ row_count: 50, detail_dropped_count: minute === 59 ? 5 : 0 }) },
};

/** Rows of every minute over some hours before the end, the last of them `silentMinutes` ago. */
export const life = (hours: number, silentMinutes: number): readonly number[] =>
  Array.from({ length: hours * 60 }, (_, index) => 60 - silentMinutes - index).reverse();
const alive = { host: () => steadyHost, minutes: life(8, 1) };

/** Of a day: who fell silent, and who was only stopped, scaled in, short-lived or late. */
export const silentStories: Readonly<Record<string, HostStory>> = {
  alive,
  died: { host: () => steadyHost, minutes: life(8, 120) },
  stopped: { host: (minute) => ({ ...steadyHost, is_last_row: minute === -60 ? 1 : null }), minutes: life(8, 120) },
  // Stopped and started again, as by an upgrade, before it died.
  upgraded: { host: (minute) => ({ ...steadyHost, is_last_row: minute === -90 ? 1 : null }), minutes: life(8, 120) },
  scaledIn: { host: () => steadyHost, minutes: life(8, 120), identity: { autoscaling_group: "web" } },
  strangled: {
    host: (minute) => ({ mem_total_bytes: 16 * GIB, mem_available_bytes: minute > -70 ? 200 * MIB : 8 * GIB }),
    minutes: life(8, 120),
    identity: { autoscaling_group: "web" },
  },
  stalled: {
    host: (minute) => ({ ...steadyHost, memory_full_us: 1e9 + Math.max(0, minute + 70) * 20e6 }),
    minutes: life(8, 120),
    identity: { autoscaling_group: "web" },
  },
  shortLived: { host: () => steadyHost, minutes: life(2, 120) },
  late: { host: () => steadyHost, minutes: life(8, 20) },
};
