// Puts the composition of a process into words and order: the parts of its memory, what pins it, why it is unknown.
// It leaves drawing to charts.ts and HTML to process-card.ts.
import { formatBytes, formatShare, formatSizeBin } from "../units.ts";
import type { Composition } from "./model.ts";

export interface Segment {
  /** What the table calls it, and what that means. */
  readonly name: string;
  readonly meaning: string;
  /** What the bar calls it. */
  readonly short: string;
  readonly bytes: number | null;
  readonly colour: string;
  /** Colour of text on it. */
  readonly ink: string;
}

/** The parts in the order of the bar, the unknown ones included. */
export function segments(composition: Composition): readonly Segment[] {
  const { live_bytes, pinned_bytes, reclaimable_bytes, other_bytes } = composition;
  return [
    { ...look("live"), name: "Live", short: "live", meaning: "in use by the program", bytes: live_bytes },
    {
      ...look("pinned"),
      name: "Free, pinned",
      short: "pinned",
      meaning: "live objects hold its pages",
      bytes: pinned_bytes,
    },
    {
      ...look("reclaimable"),
      name: "Free, reclaimable",
      short: "free",
      meaning: "a trim gives it back now",
      bytes: reclaimable_bytes,
    },
    {
      ...look("other"),
      name: "Other",
      short: "other",
      meaning: "code, stacks, files, runtime",
      bytes: other_bytes,
    },
  ];
}

/** The parts in one sentence, for those who cannot see the bar. */
export function compositionLabel(parts: readonly Segment[]): string {
  return `Where the memory is now: ${parts.map((part) => `${part.name.toLowerCase()} ${formatBytes(part.bytes)}`).join("; ")}.`;
}

export interface Pin {
  /** `256-511 B`. */
  readonly sizes: string;
  readonly bytes: number;
  /** Of the largest pin shown; for a bar. */
  readonly share: number;
}

/** The sizes that pin most, largest first. */
export function topPins(composition: Composition): readonly Pin[] {
  const pins = composition.pinned_by.filter((pin) => pin.pinned_bytes > 0).toSorted((a, b) => b.pinned_bytes - a.pinned_bytes);
  const largest = pins[0]?.pinned_bytes ?? 1;
  return pins.slice(0, pinCountMax).map((pin) => ({
    sizes: formatSizeBin(pin.chunk_bytes_min),
    bytes: pin.pinned_bytes,
    share: pin.pinned_bytes / largest,
  }));
}

/** Is any part of the heap itself known? What lies outside it says nothing about it. */
export function heapIsKnown(composition: Composition): boolean {
  return [composition.live_bytes, composition.pinned_bytes, composition.reclaimable_bytes].some((bytes) => bytes !== null);
}

/** Three or four sizes carry nearly all of the pinned bytes in practice; more would be noise. */
const pinCountMax = 4;

function look(part: "live" | "pinned" | "reclaimable" | "other") {
  return { colour: `var(--${part})`, ink: `var(--on-${part})` };
}

/** The largest pin in a sentence, with its share of all that is pinned. */
export function pinSentence(composition: Composition, largest: Pin): string {
  const share = largest.bytes / (composition.pinned_bytes || Number.NaN);
  // The two figures are measured apart; a share over one would only raise questions.
  const ofAll = share <= 1 ? `, ${formatShare(share)} of what is pinned` : "";
  return `${largest.sizes} objects pin ${formatBytes(largest.bytes)}${ofAll}.`;
}
