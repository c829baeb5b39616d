// Rules that others use, on the same traces and minutes, so that ours can be measured against them.
// Each says of every row of a trace what it would say had the trace ended there.
import type { Trace } from "../replay/trace.ts";

/** A cause, or `none`. */
type Rule = (rows: Trace["rows"]) => readonly string[];

const MIB = 1_024 * 1_024;

/** RSS grew by a fifth over the window, by least squares: the alert that most dashboards have. */
const RSS_SLOPE_SHARE_MIN = 0.2;
/** Two-sided 5 %. */
const MANN_KENDALL_Z_MIN = 1.96;
/** Fewer points have no trend. */
const TREND_ROWS_MIN = 10;
/** Redis MEMORY DOCTOR, object.c of Redis 7: each ratio counts above so many bytes only. */
const DOCTOR_RSS_RATIO_MIN = 1.4;
const DOCTOR_ALLOCATOR_RATIO_MIN = 1.1;
const DOCTOR_BYTES_MIN = 10 * MIB;

export const baselines: Readonly<Record<string, Rule>> = {
  "RSS slope": (rows) => byRow(rows, rssSlope()),
  "Mann-Kendall on RSS": (rows) => byRow(rows, mannKendall()),
  "Redis doctor's ratios": (rows) => rows.map(({ measured }) => doctor(measured)),
};

function byRow(rows: Trace["rows"], judge: (rss: number, place: number) => string): readonly string[] {
  return rows.map(({ measured }, place) => judge(measured.rss_bytes ?? 0, place));
}

/** Sums of least squares, one row more each time. */
function rssSlope() {
  let [sumX, sumY, sumXX, sumXY] = [0, 0, 0, 0];
  return (rss: number, place: number): string => {
    sumX += place;
    sumY += rss;
    sumXX += place * place;
    sumXY += place * rss;
    const count = place + 1;
    if (count < TREND_ROWS_MIN) return "none";
    const slope = (count * sumXY - sumX * sumY) / (count * sumXX - sumX * sumX);
    return slope * count > RSS_SLOPE_SHARE_MIN * (sumY / count) ? "leak" : "none";
  };
}

/** Kendall's S against its variance without correction for ties, as it is mostly used. */
function mannKendall() {
  const seen: number[] = [];
  let score = 0;
  return (rss: number): string => {
    for (const earlier of seen) score += Math.sign(rss - earlier);
    seen.push(rss);
    const count = seen.length;
    if (count < TREND_ROWS_MIN) return "none";
    const variance = (count * (count - 1) * (2 * count + 5)) / 18;
    return (score - Math.sign(score)) / Math.sqrt(variance) > MANN_KENDALL_Z_MIN ? "leak" : "none";
  };
}

/** By the allocator's figures where it has them (allocated, active, resident), else by RSS against live bytes. */
function doctor(measured: Trace["rows"][number]["measured"]): string {
  const { rss_bytes: rss, live_bytes: live, active_bytes: active, heap_resident_bytes: resident } = measured;
  const exceeds = (whole: number | null | undefined, part: number | null | undefined, ratio: number): boolean =>
    typeof whole === "number" && typeof part === "number" && whole > part * ratio && whole - part > DOCTOR_BYTES_MIN;
  if (exceeds(active, live, DOCTOR_ALLOCATOR_RATIO_MIN)) return "fragmentation";
  if (exceeds(resident, active, DOCTOR_ALLOCATOR_RATIO_MIN)) return "retention";
  return exceeds(rss, live, DOCTOR_RSS_RATIO_MIN) ? "fragmentation" : "none";
}
