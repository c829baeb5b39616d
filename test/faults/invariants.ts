// What must be true after every fault: each durable row in the lake exactly once or in rejects/ with a reason, no alert lost.
// Values in, verdicts out; where the evidence comes from is evidence.ts's.
import type { RowId } from "./rows.ts";

/** Where a row lay in a raw object as it was before anything befell the object. */
export interface RawPlace {
  readonly key: string;
  readonly member: number;
  readonly kind: string;
  readonly line: number;
  readonly row: number;
}

/** What a line of rejects/ says about the place of what was refused. */
export interface Rejected {
  readonly object_key: string | null;
  readonly member: number | null;
  readonly line: number | null;
  readonly kind: string | null;
  readonly row: number | null;
  readonly reason: string;
}

export interface RowEvidence {
  readonly promised: Iterable<RowId>;
  /** How often each row is seen through the base views. */
  readonly seen: ReadonlyMap<RowId, number>;
  /** Rows in the files below the views. */
  readonly storedCount: number;
  readonly placesOf: (id: RowId) => readonly RawPlace[];
  readonly rejects: readonly Rejected[];
}

export interface RowVerdict {
  readonly checked: number;
  /** Promised, and neither seen nor refused with a reason. */
  readonly lost: readonly RowId[];
  /** Seen more than once. */
  readonly doubled: readonly RowId[];
  /** Promised, not seen, and refused with a reason. */
  readonly rejected: number;
  /** Stored more than once and seen once: at least once in, exactly once out. */
  readonly repeated: number;
}

/** Reasons that cost no row: what is beside it was not known. */
const HARMLESS: ReadonlySet<string> = new Set(["unknown_column"]);
/** After one of these the rest of the object is not looked at. */
const ENDS_OBJECT: ReadonlySet<string> = new Set(["gzip_abandoned"]);

export function judgeRows({ promised, seen, storedCount, placesOf, rejects }: RowEvidence): RowVerdict {
  const byObject = Map.groupBy(rejects, ({ object_key }) => object_key ?? "");
  const isRefused = (id: RowId): boolean =>
    placesOf(id).some((place) => (byObject.get(place.key) ?? []).some((reject) => refuses(reject, place)));
  const lost: RowId[] = [];
  let checked = 0;
  let rejected = 0;
  for (const id of new Set(promised)) {
    checked++;
    if (seen.has(id)) continue;
    if (isRefused(id)) rejected++;
    else lost.push(id);
  }
  const doubled = [...seen].filter(([, count]) => count > 1).map(([id]) => id);
  const seenCount = [...seen.values()].reduce((sum, count) => sum + count, 0);
  return { checked, lost, doubled, rejected, repeated: storedCount - seenCount };
}

function refuses(reject: Rejected, place: RawPlace): boolean {
  if (HARMLESS.has(reject.reason)) return false;
  // The object itself: gone, or too large.
  if (reject.member === null) return reject.reason.startsWith("object_");
  if (ENDS_OBJECT.has(reject.reason) && reject.member <= place.member) return true;
  if (reject.member !== place.member) return false;
  if (reject.line === null) return true;
  const isOf = (given: string | number | null, own: string | number) => given === null || given === own;
  return reject.line === place.line && isOf(reject.kind, place.kind) && isOf(reject.row, place.row);
}

/** A state of a finding that people were to be told of. */
export interface Told {
  readonly finding: string;
  readonly state: string;
}

export interface AlertEvidence {
  /** What the filed findings say was told, once for each time. */
  readonly filed: readonly Told[];
  /** What the topic took. */
  readonly published: readonly Told[];
  /** What the subscriber (Slack) took, and what lies in its dead-letter queue. */
  readonly received: readonly Told[];
  readonly deadLettered: readonly Told[];
  /** Runs that failed, and answers of the topic that were lost: each may repeat what was told before it once. */
  readonly failedTellings: number;
  /** Deliveries to the subscriber that failed after it may have taken the message. */
  readonly failedDeliveries: number;
}

export interface AlertVerdict {
  readonly checked: number;
  /** Filed as told and never published, or published and neither received nor in the dead-letter queue. */
  readonly lost: readonly string[];
  /** Published more often than filed and failed tellings allow, or received more often than published and failed deliveries do. */
  readonly doubled: readonly string[];
  /** Repetitions that at-least-once delivery allows. */
  readonly repeated: number;
}

export function judgeAlerts(evidence: AlertEvidence): AlertVerdict {
  const filed = countsOf(evidence.filed);
  const published = countsOf(evidence.published);
  const received = countsOf(evidence.received);
  const dead = countsOf(evidence.deadLettered);
  const of = (counts: ReadonlyMap<string, number>, name: string) => counts.get(name) ?? 0;
  const names = new Set([...filed.keys(), ...published.keys(), ...received.keys()]);
  const lost: string[] = [];
  const doubled: string[] = [];
  let repeated = 0;
  for (const name of names) {
    const [isFiled, isPublished, isReceived] = [of(filed, name), of(published, name), of(received, name)];
    if (isPublished < isFiled || isReceived + of(dead, name) < isPublished) lost.push(name);
    const [again, receivedAgain] = [isPublished - isFiled, isReceived - isPublished];
    if (again > evidence.failedTellings || receivedAgain > evidence.failedDeliveries) doubled.push(name);
    repeated += Math.max(0, again) + Math.max(0, receivedAgain);
  }
  return { checked: names.size, lost, doubled, repeated };
}

const countsOf = (told: readonly Told[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const { finding, state } of told) {
    const name = `${finding} ${state}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
};
