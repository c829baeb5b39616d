// The heap and the collections of a JVM, from the counters that it keeps for jstat. Pure. Names as in hotspot/share/gc, JDK 8 to 25.
// The form of the counters' file is perf-counters.ts's, opening it perf-file.ts's.
import { err, ok, type Result } from "../../schema/result.ts";
import { type Counters, numberOf, readCounters } from "./perf-counters.ts";

export interface JvmFigures {
  readonly version: string | null;
  /** Of all generations: committed, used when the JVM last wrote it down, and what they may grow to. */
  readonly heapBytes: number;
  readonly heapUsedBytes: number;
  readonly heapLimitBytes: number | null;
  readonly gcCount: number;
  readonly gcPauseMs: number | null;
  /**
   * Use at the end of the last collection, where the collector has an eden (Serial, Parallel, G1): survivors and
   * the old generation, for eden is empty then and all that came since lies in it. What is too large for eden (humongous
   * objects of G1) goes elsewhere and is counted, and so is what died in the old generation and was not looked for.
   * Null with ZGC, which writes its use at the last pause, before it gives back what it evacuates, and with Shenandoah,
   * which writes it all the time: neither tells new from old.
   */
  readonly usedAfterGcBytes: number | null;
  /** Whether a collection was under way: its figures come when it ends. */
  readonly isCollecting: boolean;
}

/** The reason, for people, where the bytes are no such file or not (yet) in order. */
export function parsePerfData(bytes: Buffer): Result<JvmFigures, string> {
  const counters = readCounters(bytes);
  return counters.ok ? figuresOf(counters.value) : counters;
}

interface Space {
  readonly name: string;
  readonly used: number;
}

function figuresOf(counters: Counters): Result<JvmFigures, string> {
  // Before JDK 8 classes had a generation of their own, which is not heap as later versions count it.
  const generations = generationsIn(counters).filter(({ name }) => name !== "perm");
  const collectors = collectorsIn(counters);
  const heapBytes = sum(generations.map(({ capacity }) => capacity));
  const spaces = generations.flatMap((generation) => generation.spaces);
  const heapUsedBytes = sum(spaces.map(({ used }) => used));
  const gcCount = sum(collectors.map(({ count }) => count));
  if (heapBytes === null || heapUsedBytes === null || gcCount === null)
    return err("no heap or no collector, or one of less than none");
  const ticks = sum(collectors.map((collector) => collector.ticks));
  const ticksPerSecond = numberOf(counters, "sun.os.hrt.frequency");
  const outsideEden = spaces.filter(({ name }) => name !== "eden");
  return ok({
    version: versionIn(counters),
    heapBytes,
    heapUsedBytes,
    heapLimitBytes: limitOf(counters, generations),
    gcCount,
    gcPauseMs: ticks === null || !ticksPerSecond ? null : Math.round((ticks / ticksPerSecond) * 1_000),
    usedAfterGcBytes: outsideEden.length === spaces.length ? null : sum(outsideEden.map(({ used }) => used)),
    isCollecting: collectors.some(({ isEntered }) => isEntered),
  });
}

interface Generation {
  readonly name: string;
  readonly capacity: number;
  readonly limit: number;
  readonly spaces: readonly Space[];
}

/** ZGC without generations has only the second one; nobody has more than three. */
function generationsIn(counters: Counters): readonly Generation[] {
  return [0, 1, 2].flatMap((ordinal) => {
    const prefix = `sun.gc.generation.${ordinal}`;
    const capacity = numberOf(counters, `${prefix}.capacity`);
    if (capacity === null) return [];
    const name = String(counters.get(`${prefix}.name`));
    return {
      name,
      capacity,
      limit: numberOf(counters, `${prefix}.maxCapacity`) ?? Number.NaN,
      spaces: spacesIn(counters, prefix),
    };
  });
}

/** Eden and two for survivors, or one. */
const spacesIn = (counters: Counters, generation: string): readonly Space[] =>
  [0, 1, 2].flatMap((ordinal) => {
    const used = numberOf(counters, `${generation}.space.${ordinal}.used`);
    return used === null ? [] : { name: String(counters.get(`${generation}.space.${ordinal}.name`)), used };
  });

interface Collector {
  readonly count: number;
  readonly ticks: number;
  readonly isEntered: boolean;
}

/** Young and full collections, and pauses of concurrent ones: what jstat calls YGC, FGC and CGC. */
const collectorsIn = (counters: Counters): readonly Collector[] =>
  [0, 1, 2].flatMap((ordinal) => {
    const prefix = `sun.gc.collector.${ordinal}`;
    const count = numberOf(counters, `${prefix}.invocations`);
    const ticks = numberOf(counters, `${prefix}.time`) ?? Number.NaN;
    // Nanoseconds since the JVM started, which after 104 days are no exact numbers any more: good enough to compare.
    const [enteredAt, leftAt] = ["Entry", "Exit"].map((end) => Number(counters.get(`${prefix}.last${end}Time`)));
    return count === null ? [] : { count, ticks, isEntered: (enteredAt ?? 0) > (leftAt ?? 0) };
  });

/** The generations of these have places of their own, so that their limits add up; elsewhere each may grow to the whole. */
const FIXED_GENERATIONS = /:(MSC|CMS)$/;

function limitOf(counters: Counters, generations: readonly Generation[]): number | null {
  const limits = generations.map(({ limit }) => limit);
  if (FIXED_GENERATIONS.test(String(counters.get("sun.gc.policy.name")))) return sum(limits);
  const largest = Math.max(...limits);
  return Number.isNaN(largest) ? null : largest;
}

function versionIn(counters: Counters): string | null {
  const version = counters.get("java.property.java.version") ?? counters.get("java.property.java.vm.version");
  return typeof version === "string" && /^[\w.+-]{1,64}$/.test(version) ? version : null;
}

/** Null for none at all, and where one of them is not known. */
function sum(figures: readonly number[]): number | null {
  const total = figures.reduce((sum, figure) => sum + figure, 0);
  return figures.length === 0 || !Number.isSafeInteger(total) ? null : total;
}
