// Two Fridays with the same peak on two hosts, in which every service has a known story: who keeps memory, who fails, who restarts.
// What the review makes of it is left to the tests that tell it.
import type { DetailSample, HostSample, ProcessSample } from "../../schema/columns.ts";
import type { Delivered } from "./lake.ts";
import { detailSample, hostSample, processSample, samples } from "./samples.ts";

export const MIB = 1_024 * 1_024;
export const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;
/** Friday: calm from 4, the peak from 10 to 18, calm until midnight. */
const DAY_START_MS = Date.UTC(2026, 10, 20);
export const peak = { fromMs: DAY_START_MS + 10 * HOUR_MS, toMs: DAY_START_MS + 18 * HOUR_MS };
export const earlierPeak = { fromMs: peak.fromMs - WEEK_MS, toMs: peak.toMs - WEEK_MS };
export const AFTERWARDS_MS = DAY_START_MS + 24 * HOUR_MS;
export const HOSTILE = `<script>alert("x")</script>'; DROP TABLE -- \u202e😀`;

/** Close enough that nobody takes the time between two for a gap. */
const HOST_ROW_MS = HOUR_MS / 12;

/** MiB of one process in one hour; null where it does not run. */
interface Figures {
  readonly rss: number;
  readonly live?: number;
  readonly reclaimable?: number;
  readonly oomKills?: number;
  readonly failures?: number;
  readonly limit?: number;
}
interface Process {
  readonly service: string;
  readonly version?: string;
  readonly processes?: number;
  readonly story: (hour: number, isEarlier: boolean) => Figures | null;
}

const isPeak = (hour: number) => hour >= 10 && hour < 18;
const calm: Figures = { rss: 100, live: 80 };
const full: Figures = { rss: 500, live: 400 };
const back = (hour: number): Figures => (isPeak(hour) ? full : calm);
const keeps = (hour: number): Figures => (hour < 10 ? calm : isPeak(hour) ? full : { rss: 400, live: 85, reclaimable: 30 });

const stories: readonly Process[] = [
  // Live goes back, RSS does not; a week before less of it stayed.
  {
    service: "ratchet",
    processes: 2,
    story: (hour, isEarlier) => (isEarlier && hour >= 18 ? { rss: 200, live: 85, reclaimable: 10 } : keeps(hour)),
  },
  { service: "retainer", story: (hour) => (hour >= 18 ? { rss: 400, live: 85, reclaimable: 300 } : keeps(hour)) },
  { service: "returns", processes: 2, story: back },
  { service: "level", story: () => calm },
  { service: "leaks", story: (hour) => (hour < 10 ? calm : { rss: 120 + 20 * hour, live: 100 + 20 * hour }) },
  { service: "unseen", story: (hour) => ({ rss: hour < 10 ? 100 : 400 }) },
  {
    service: "killed",
    story: (hour, isEarlier) => ({ ...back(hour), oomKills: hour >= 14 && !isEarlier ? 3 : 0, limit: 512 }),
  },
  { service: "failing", story: (hour, isEarlier) => ({ ...back(hour), failures: hour >= 12 && !isEarlier ? 70 : 5 }) },
  // Failed before the peak, and after it: neither is the peak's.
  { service: "past-failures", story: (hour) => ({ ...calm, failures: hour < 10 ? hour : hour < 18 ? 9 : 99 }) },
  { service: "restarted", story: (hour) => (hour < 14 ? back(hour) : null) },
  { service: "restarted", story: (hour) => (hour < 14 ? null : back(hour)) },
  { service: "begins", story: (hour) => (hour < 11 ? null : back(hour)) },
  { service: "ends", story: (hour) => (hour < 15 ? back(hour) : null) },
  // The new version holds what the old one gives back.
  { service: "versioned", version: "1.9", processes: 2, story: back },
  { service: "versioned", version: "2.0", processes: 2, story: (hour) => (hour < 9 ? null : keeps(hour)) },
  { service: HOSTILE, version: HOSTILE, story: keeps },
];

const hosts = ["i-first", "i-second"];
/** Stops at 13 on the later Friday and is not heard of again. */
const SILENT_HOST = "i-silent";

export function peakDeliveries(): readonly Delivered[] {
  return [
    ...[true, false].flatMap((isEarlier) => hosts.map((host_id) => ofHost(host_id, isEarlier))),
    {
      host: { host_id: SILENT_HOST, boot_id: "11111111-2222" },
      samples: samples({
        host: Array.from({ length: 9 * 12 }, (_, step) => hostRow(step, DAY_START_MS + 4 * HOUR_MS + step * HOST_ROW_MS, 0)),
      }),
    },
    { host: { host_id: "i-first", boot_id: "11111111-2222" }, samples: samples({ detail: [killedRow(), killedRow(2)] }) },
  ];
}

function ofHost(host_id: string, isEarlier: boolean): Delivered {
  const startMs = DAY_START_MS - (isEarlier ? WEEK_MS : 0);
  const process = stories.flatMap((story, index) =>
    // The second host runs what has several processes; the others run on the first alone.
    Array.from({ length: host_id === "i-first" || (story.processes ?? 1) > 1 ? 1 : 0 }).flatMap(() =>
      rowsOf(story, 100 + index, startMs, isEarlier),
    ),
  );
  const host = Array.from({ length: 20 * 12 }, (_, step) =>
    // The kernel's count of the second host rises in the peak, and it swaps.
    hostRow(step, startMs + 4 * HOUR_MS + step * HOST_ROW_MS, host_id === "i-second" && !isEarlier && step >= 120 ? 2 : 0),
  );
  return {
    host: { host_id, boot_id: "11111111-2222", host_name: host_id, instance_type: "m7g.large" },
    samples: samples({ process, host }),
  };
}

function rowsOf({ service, version, story }: Process, pid: number, startMs: number, isEarlier: boolean): ProcessSample[] {
  // Two rows an hour: a counter that rises between them rises within the hour.
  return Array.from({ length: 40 }, (_, step) => 4 + step / 2).flatMap((hour, step) => {
    const figures = story(Math.floor(hour), isEarlier);
    if (figures === null) return [];
    const { rss, live, reclaimable = 2, oomKills = null, failures = null, limit } = figures;
    const free = live === undefined ? null : (rss - live - 5) * MIB;
    return processSample({
      service,
      service_version: version ?? null,
      pid,
      process_key: `11111111-${pid}-${isEarlier ? 1 : 2}`,
      sequence: (isEarlier ? 0 : 1_000_000) + pid * 1_000 + step,
      sampled_at: startMs + hour * HOUR_MS,
      allocator: live === undefined ? "unknown" : "glibc",
      allocator_version: live === undefined ? null : "2.36",
      heap_source: live === undefined ? null : "walk",
      rss_bytes: rss * MIB,
      rss_bytes_max: rss * MIB,
      anon_bytes: (rss - 2) * MIB,
      live_bytes: live === undefined ? null : live * MIB,
      free_bytes: free,
      free_resident_bytes: free,
      heap_bytes: live === undefined ? null : (rss - 5) * MIB,
      reclaimable_bytes: live === undefined ? null : reclaimable * MIB,
      free_chunk_count: live === undefined ? null : 90_000,
      free_chunk_bytes_max: live === undefined ? null : MIB,
      top_bytes: live === undefined ? null : 0,
      arena_count: live === undefined ? null : 1,
      cgroup_oom_kill_count: oomKills,
      cgroup_limit_bytes: limit === undefined ? null : limit * MIB,
      alloc_failure_count: failures,
    });
  });
}

const hostRow = (step: number, sampled_at: number, oomKills: number): HostSample =>
  hostSample({
    sequence: 5_000_000 + step + (sampled_at % 1_000),
    sampled_at,
    mem_total_bytes: 8 * 1_024 * MIB,
    mem_available_bytes: 4 * 1_024 * MIB,
    oom_kill_count: oomKills,
    swapped_out_bytes: oomKills * 1_024 * MIB,
  });

const killedRow = (copy = 1): DetailSample =>
  detailSample({
    service: "killed",
    pid: 900 + copy,
    process_key: `11111111-${900 + copy}-2`,
    event: "oom_kill",
    event_at: DAY_START_MS + 14 * HOUR_MS,
    sampled_at: DAY_START_MS + 14 * HOUR_MS - 10_000,
    sequence: 9_000_000 + copy,
    rss_bytes: 600 * MIB,
  });
