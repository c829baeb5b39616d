// Report models with plausible shapes for the tests of the page: a peak of load, and heaps that answer it differently.
// It leaves real figures to the tests of the pipeline; nothing here was measured.
import { type Advice, advise } from "../../../../functions/core/advice/advise.ts";
import { inputOfFinding, type ProcessValues } from "../../../../functions/core/advice/inputs.ts";
import type { Composition, ProcessReport, ReportModel, TimelinePoint } from "../../../../functions/core/report/model.ts";
import type { Finding } from "../../../../schema/columns.ts";

export const mib = 2 ** 20;
export const startMs = Date.UTC(2026, 2, 1, 10, 0, 0);
export const minuteMs = 60_000;
/** Two hours in buckets of a minute. */
const bucketCount = 120;

/** Load between 0 and 1 at a share of the window: quiet, a peak with two heads, quiet again. */
function load(at: number): number {
  const bump = (centre: number, width: number) => Math.exp(-(((at - centre) / width) ** 2));
  return Math.min(1, bump(0.3, 0.09) + 0.75 * bump(0.48, 0.07));
}

/** A ripple without a random source: equal models must give equal pages. */
const ripple = (index: number, size: number) => size * (Math.sin(index * 1.7) + Math.sin(index * 0.61));

export function timeline(
  shape: (at: number, index: number) => Omit<TimelinePoint, "atMs">,
  stepMs = minuteMs,
): TimelinePoint[] {
  return Array.from({ length: bucketCount + 1 }, (_, index) => ({
    atMs: startMs + index * stepMs,
    ...shape(index / bucketCount, index),
  }));
}

/** Live and free heap in MiB at a time; everything else of the process is a constant. */
function heapShape(otherMib: number, heap: (at: number, index: number) => readonly [live: number, free: number]) {
  return timeline((at, index) => {
    const [live, free] = heap(at, index).map((value) => Math.round(value * mib)) as [number, number];
    return { rss_bytes: live + free + otherMib * mib, live_bytes: live, free_bytes: free };
  });
}

export function composition(liveMib: number, pinnedMib: number, reclaimableMib: number, otherMib: number): Composition {
  return {
    live_bytes: liveMib * mib,
    pinned_bytes: pinnedMib * mib,
    reclaimable_bytes: reclaimableMib * mib,
    other_bytes: otherMib * mib,
    pinned_by: [],
  };
}

export const unknownComposition: Composition = {
  live_bytes: null,
  pinned_bytes: null,
  reclaimable_bytes: null,
  other_bytes: null,
  pinned_by: [],
};

export function processReport(service: string, rest: Partial<ProcessReport> = {}): ProcessReport {
  return {
    service,
    pid: 4_211,
    comm: service.slice(0, 15),
    allocator: "glibc",
    allocator_version: "2.41",
    heap_unknown_reason: null,
    timeline: heapShape(38, (at, index) => [120 + 210 * load(at) + ripple(index, 2), 14 + ripple(index, 1.5)]),
    composition: composition(121, 9, 4, 38),
    ...rest,
  };
}

export const healthy = processReport("gateway", { pid: 1_804 });

export const leaking = processReport("billing", {
  pid: 2_377,
  timeline: heapShape(42, (at, index) => [90 + 520 * at + 60 * load(at) + ripple(index, 3), 18 + ripple(index, 2)]),
  composition: composition(611, 12, 6, 42),
});

export const fragmented = processReport("checkout", {
  pid: 3_120,
  timeline: heapShape(55, (at, index) => {
    const live = 140 + 620 * load(at) + ripple(index, 3);
    const highWater = at < 0.3 ? live : 760;
    return [live, Math.max(12, (highWater - live) * 0.74) + ripple(index, 2)];
  }),
  composition: {
    ...composition(141, 388, 66, 55),
    pinned_by: [
      { chunk_bytes_min: 256, pinned_bytes: 231 * mib },
      { chunk_bytes_min: 64, pinned_bytes: 88 * mib },
      { chunk_bytes_min: 1_024, pinned_bytes: 41 * mib },
      { chunk_bytes_min: 32, pinned_bytes: 20 * mib },
      { chunk_bytes_min: 4_096, pinned_bytes: 8 * mib },
    ],
  },
});

export const arenaBloat = processReport("search-indexer", {
  pid: 5_566,
  timeline: heapShape(61, (at, index) => [
    210 + 130 * load(at) + ripple(index, 3),
    80 + 1_310 * Math.min(1, at * 1.6) ** 2 + ripple(index, 5),
  ]),
  composition: { ...composition(212, 310, 1_080, 61), pinned_by: [{ chunk_bytes_min: 128, pinned_bytes: 190 * mib }] },
});

/** Served by an allocator that nobody could ask, and not watched for a while. */
export const unknownHeap = processReport("recommender", {
  pid: 7_702,
  allocator: "unknown",
  allocator_version: null,
  heap_unknown_reason: "layout",
  timeline: timeline((at, index) => ({
    rss_bytes: at > 0.55 && at < 0.7 ? null : Math.round((480 + 150 * load(at) + ripple(index, 4)) * mib),
    live_bytes: null,
    free_bytes: null,
  })),
  composition: unknownComposition,
});

export function finding(service: string, cause: string, rest: Partial<Finding> = {}): Finding {
  return {
    found_at: startMs + 121 * minuteMs,
    finding_id: `${service}-${cause}`,
    service,
    cause,
    since: startMs + 75 * minuteMs,
    host_count: 1,
    process_count: 1,
    excess_bytes: 454 * mib,
    reclaimable_bytes: 66 * mib,
    evidence:
      "After the peak live came back to 141 MiB of 760 MiB, but 454 MiB stay free in the heap, 388 MiB of it on shared pages.",
    early_warnings: null,
    ...rest,
  };
}

export const findings: readonly Finding[] = [
  finding("checkout", "fragmentation", { early_warnings: "free_ratio_high,largest_free_chunk_falling" }),
  finding("billing", "leak", {
    excess_bytes: 521 * mib,
    reclaimable_bytes: null,
    evidence: "Live bytes grew in 12 of 12 periods, by 260 MiB per hour, while the load went up and down.",
    early_warnings: "rss_growth",
  }),
  finding("search-indexer", "arena_bloat", {
    excess_bytes: 1_390 * mib,
    reclaimable_bytes: 1_080 * mib,
    process_count: 4,
    host_count: 2,
    evidence: "61 arenas hold more than 1 MiB each; 1.3 GiB of 1.4 GiB free memory is outside the main arena.",
  }),
];

/** As of a process that the finding speaks of; its settings and its name are strangers' words. */
export function adviceOn(one: Finding, values: ProcessValues = {}): Advice {
  const held = Math.round((one.excess_bytes ?? 0) / Math.max(1, one.process_count));
  const heap = { allocator: "glibc", allocator_version: "2.36", heap_source: "walk", live_bytes: 141 * mib };
  const reclaimable_bytes = Math.round((one.reclaimable_bytes ?? 0) / Math.max(1, one.process_count));
  const pinned_bytes_by_size = [0, 0, 88 * mib, 0, 231 * mib];
  return advise(
    inputOfFinding(one, { ...heap, free_resident_bytes: held, reclaimable_bytes, pinned_bytes_by_size, ...values }),
  );
}

export function reportModel(rest: Partial<ReportModel> = {}): ReportModel {
  return {
    title: "Peak rehearsal, 1 March",
    hostNames: ["ip-10-0-3-17"],
    generatedAtMs: startMs + 121 * minuteMs,
    windowStartMs: startMs,
    windowEndMs: startMs + bucketCount * minuteMs,
    findings,
    advice: new Map((rest.findings ?? findings).map((one) => [one.finding_id, adviceOn(one)])),
    processes: [leaking, fragmented, arenaBloat, unknownHeap, healthy],
    processCount: 5,
    cost: { collector_cpu_us: 11_200_000, walk_cpu_us: 3_400_000, walk_count: 600 },
    ...rest,
  };
}

export const calmModel = reportModel({ findings: [], processes: [healthy] });

/** Windows whose time axes differ: seconds, minutes, the clock, dates. */
export const windowedModels = [0.5, 10, 1_500, 11_520].map((minutes) => {
  const stepMs = (minutes * minuteMs) / bucketCount;
  const process = processReport("gateway", {
    timeline: fragmented.timeline.map((point, index) => ({ ...point, atMs: startMs + index * stepMs })),
  });
  return reportModel({ findings: [], processes: [process], windowEndMs: startMs + minutes * minuteMs });
});

/** What an attacker, or an accident, puts into names. */
export const hostileNames = [
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "'onmouseover='alert(1)",
  "</style><script>alert(1)</script>",
  "{{7*7}}&lt;b&gt;",
  "\u202Egnp.exe\u2066",
  "nul\u0000l\u001b[31m\u200b",
  "x".repeat(5_000),
  "\ud800",
  " ",
  "__proto__",
];

const hostileFindings = hostileNames.map((name, at) =>
  finding(name, at % 2 === 0 ? name : "fragmentation", {
    finding_id: `hostile-${at}`,
    evidence: `${name} ${"y".repeat(3_000)}`,
    early_warnings: hostileNames.join(","),
  }),
);

export const hostileModel = reportModel({
  title: hostileNames.join(" "),
  hostNames: hostileNames,
  findings: hostileFindings,
  // A setting that is kept in the forms carries whatever stood in the environment.
  advice: new Map(
    hostileFindings.map((one, at) => {
      const name = hostileNames[at] ?? "";
      return [
        one.finding_id,
        adviceOn(one, { tunables: `LD_PRELOAD=${name} MALLOC_CONF=${name}`, comm: name, instance_type: name }),
      ];
    }),
  ),
  processes: hostileNames.map((name, index) =>
    processReport(name, {
      pid: index + 1,
      comm: name,
      allocator: name,
      allocator_version: name,
      heap_unknown_reason: name,
      ...(index % 2 === 0 ? { composition: unknownComposition } : {}),
    }),
  ),
});
