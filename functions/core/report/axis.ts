// Chooses ticks that people expect: round figures of bytes, round steps of time, and few enough for a phone.
// It leaves drawing to charts.ts, and does not know what is measured.

export interface ByteAxis {
  readonly unit: "MiB" | "GiB" | "TiB";
  readonly bytesPerUnit: number;
  /** Upper end of the axis, in the unit. */
  readonly top: number;
  /** In the unit, from 0 up to the largest value: a line of the grid above it would cross the text there. */
  readonly ticks: readonly number[];
}

/** Axis for values up to bytesMax, with headroom for one line of text above the largest. */
export function byteAxis(bytesMax: number): ByteAxis {
  const unit = bytesMax >= tibFrom ? "TiB" : bytesMax >= gibFrom ? "GiB" : "MiB";
  const bytesPerUnit = { MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }[unit];
  const largest = Math.max(bytesMax / bytesPerUnit, smallestTop);
  return { unit, bytesPerUnit, top: largest * headroom, ticks: multiples(0, largest, roundStep(largest / byteTickCount)) };
}

export interface TimeAxis {
  readonly startMs: number;
  readonly endMs: number;
  readonly ticks: readonly { readonly atMs: number; readonly label: string }[];
  /** What the labels are: "minutes from the start", "UTC". */
  readonly title: string;
}

/**
 * Axis of a window. A short window is an experiment, so time counts from its start; a long one is compared with
 * deployments and incidents, so it shows the clock.
 */
export function timeAxis(startMs: number, endMs: number): TimeAxis {
  const span = Math.max(endMs - startMs, 1_000);
  const end = startMs + span;
  const step = timeStepsMs.find((candidate) => span / candidate <= timeTickCount) ?? roundStep(span / timeTickCount);
  if (span > relativeUpToMs) {
    const first = Math.ceil(startMs / step) * step;
    const ticks = multiples(first, end, step).map((atMs) => ({ atMs, label: clockLabel(atMs, step) }));
    return { startMs, endMs: end, ticks, title: "UTC" };
  }
  const [unitMs, title] = span <= secondsUpToMs ? [1_000, "seconds from the start"] : [60_000, "minutes from the start"];
  const ticks = multiples(0, span, step).map((sinceMs) => ({ atMs: startMs + sinceMs, label: String(sinceMs / unitMs) }));
  return { startMs, endMs: end, ticks, title };
}

/** From here the labels beside the axis are in these units as well (units.ts). */
const gibFrom = 2 ** 30;
const tibFrom = 2 ** 40;
/** An axis of a process that uses nothing still needs a height. Unit: the axis's own. */
const smallestTop = 1 / 64;
const headroom = 1.16;
const byteTickCount = 5;
/** Labels such as "Nov 23" are 40 units wide, and the plot is about 230. */
const timeTickCount = 5;
const secondsUpToMs = 5 * 60_000;
const relativeUpToMs = 3 * 3_600_000;
const dayMs = 86_400_000;

const timeStepsMs: readonly number[] = [
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * 1_000),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60_000),
  ...[1, 2, 3, 6, 12].map((hours) => hours * 3_600_000),
  ...[1, 2, 7, 14, 28].map((days) => days * dayMs),
];

/** The smallest 1, 2 or 5 times a power of ten that is not below the wanted step. */
function roundStep(wanted: number): number {
  const power = 10 ** Math.floor(Math.log10(wanted));
  const factor = [1, 2, 5].find((candidate) => candidate * power >= wanted * 0.999) ?? 10;
  return factor * power;
}

function multiples(first: number, last: number, step: number): number[] {
  const count = Math.floor((last - first) / step + 1e-9) + 1;
  // Fifteen digits turn 0.30000000000000004 back into 0.3 and hold a time in milliseconds exactly.
  return Array.from({ length: Math.max(count, 0) }, (_, index) => Number((first + index * step).toPrecision(15)));
}

/** Date where a day begins, otherwise the time; a step of days has dates only. */
function clockLabel(atMs: number, stepMs: number): string {
  const at = new Date(atMs);
  if (stepMs >= dayMs || atMs % dayMs === 0) return `${monthNames[at.getUTCMonth()]} ${at.getUTCDate()}`;
  return at.toISOString().slice(11, 16);
}

const monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;
