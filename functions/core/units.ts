// How figures are written for people: one spelling in the report, the alerts and the terminal.
// It leaves sentences and layout to its callers, and knows nothing of findings or time zones other than UTC.

/** What an absent figure is called. A zero would be a claim. */
export const unknownText = "unknown";

type Figure = number | null | undefined;

const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;

/** Bytes in binary units with about three digits: `31.2 MiB`, `412 MiB`, `768 B`. */
export function formatBytes(bytes: Figure): string {
  if (!isKnown(bytes)) return unknownText;
  let value = Math.abs(bytes);
  let unit = 0;
  // Rounding is part of the comparison, so that 1048575 bytes are 1 MiB and not 1024 KiB.
  while (unit < byteUnits.length - 1 && roundToThreeDigits(value) >= 1024) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 ? String(Math.round(value)) : String(roundToThreeDigits(value));
  return `${minus(bytes, digits)}${digits} ${byteUnits[unit]}`;
}

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const minuteMs = 60_000;

/** A span of milliseconds in its two largest units: `3 d 4 h`, `4 h 30 min`, `1 min 5 s`, `12.5 s`, `850 ms`. */
export function formatDuration(durationMs: Figure): string {
  if (!isKnown(durationMs)) return unknownText;
  const span = Math.abs(durationMs);
  const text = positiveDuration(span);
  return `${minus(durationMs, text)}${text}`;
}

/** A moment in UTC, to the second, seconds left out when they are zero: `2026-03-01 10:00 UTC`. */
export function formatUtc(atMs: Figure): string {
  if (!isKnown(atMs) || Math.abs(atMs) > dateMsMax) return unknownText;
  const [date = "", time = ""] = new Date(atMs).toISOString().split("T");
  const clock = time.slice(0, 8);
  return `${date} ${clock.endsWith(":00") ? clock.slice(0, 5) : clock} UTC`;
}

/** A count with its thousands apart: `1,234,567`. */
export function formatCount(count: Figure): string {
  return isKnown(count) ? countFormat.format(Math.round(count)) : unknownText;
}

/** A count with its noun: `1 host`, `3 hosts`, `1,200 processes`; `unknown hosts` when nobody counted. */
export function formatCountOf(count: Figure, one: string, many: string): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** US dollars: cents below ten dollars, none from there on: `$0.42`, `$1,240`; a trace is `< $0.01`, never `$0.00`. */
export function formatDollars(dollars: Figure): string {
  if (!isKnown(dollars)) return unknownText;
  const size = Math.abs(dollars);
  if (size > 0 && size < 0.005) return "< $0.01";
  const digits = size < 9.995 ? size.toFixed(2) : countFormat.format(Math.round(size));
  return `${minus(dollars, digits)}$${digits}`;
}

/** A ratio as a percentage with two or three digits: `0.21 %`, `3.4 %`, `62 %`. A trace is `< 0.01 %`, never `0 %`. */
export function formatShare(share: Figure): string {
  if (!isKnown(share)) return unknownText;
  const percent = share * 100;
  const size = Math.abs(percent);
  if (size > 0 && size < 0.01) return percent > 0 ? "< 0.01 %" : "> -0.01 %";
  const digits = size < 1 ? 2 : size < 10 ? 1 : 0;
  return `${Number(percent.toFixed(digits)) + 0} %`;
}

/** Sizes of one bin of `*_bytes_by_size`, which ends where the next power of two begins: `256-511 B`, `4-8 KiB`. */
export function formatSizeBin(chunkBytesMin: Figure): string {
  if (!isKnown(chunkBytesMin)) return unknownText;
  if (chunkBytesMin < 512) return `${chunkBytesMin}-${chunkBytesMin * 2 - 1} B`;
  // From here the last byte of the bin is below what people read, and "512-1023 B" would hide the unit change.
  const [low = "", lowUnit = ""] = formatBytes(chunkBytesMin).split(" ");
  const high = formatBytes(chunkBytesMin * 2);
  return high.endsWith(` ${lowUnit}`) ? `${low}-${high}` : `${low} ${lowUnit}-${high}`;
}

/** Range of a JavaScript Date (ECMA-262, section 21.4.1.1). */
const dateMsMax = 8.64e15;

// A fixed locale: the same figures must look the same wherever the code runs.
const countFormat = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** NaN and infinities come from ratios over nothing, so they are as unknown as null is. */
function isKnown(value: Figure): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function roundToThreeDigits(value: number): number {
  return value >= 100 ? Math.round(value) : Math.round(value * 10) / 10;
}

/** No minus before a value that was rounded to nothing. */
function minus(value: number, digits: string): "-" | "" {
  return value < 0 && /[1-9]/.test(digits) ? "-" : "";
}

function positiveDuration(span: number): string {
  if (span > 0 && span < 1) return "< 1 ms";
  if (span < 999.5) return `${Math.round(span)} ms`;
  if (span < minuteMs - 50) return `${Math.round(span / 100) / 10} s`;
  const seconds = Math.round(span / 1000);
  if (seconds * 1000 < hourMs) return twoUnits(seconds, 60, "min", "s");
  const minutes = Math.round(span / minuteMs);
  if (minutes * minuteMs < dayMs) return twoUnits(minutes, 60, "h", "min");
  return twoUnits(Math.round(span / hourMs), 24, "d", "h");
}

function twoUnits(amount: number, perLarge: number, large: string, small: string): string {
  const rest = amount % perLarge;
  const whole = `${formatCount(Math.floor(amount / perLarge))} ${large}`;
  return rest === 0 ? whole : `${whole} ${rest} ${small}`;
}
