// What a remedy is: a change to settings or to the program, and a rule that says whether it helps in a situation, and how much.
// The rules are in remedies-*.ts; advise.ts checks versions, drops what would do nothing, and ranks.
import type { Situation } from "./situation.ts";

/** A knob of the catalogue and the value to give it. */
export interface Change {
  readonly knob: string;
  readonly value: string;
}

/** Bytes that the process would hold less at its trough. */
export interface Effect {
  readonly least: number;
  readonly likely: number;
  readonly most: number;
  /** What the figure was worked out from, in words. */
  readonly basis: string;
}

export interface Advised {
  readonly kind: "advised";
  readonly changes: readonly Change[];
  /** Null where it cannot be told beforehand. */
  readonly effect: Effect | null;
  /** Mechanics and evidence, in sentences. */
  readonly why: readonly string[];
  readonly condition?: string;
  /** Code or commands that go with it, each with its name. */
  readonly forms?: readonly Form[];
  /** It treats the cause itself, where bytes are not the measure: before all others. */
  readonly goesFirst?: true;
}

export interface NotAdvised {
  readonly kind: "not";
  readonly because: string;
}

/** Null when the remedy has nothing to do with such a process, so that nobody would ask for it. */
export type Judgement = Advised | NotAdvised | null;

export interface Form {
  /** Where it is pasted: "environment", "systemd", "Dockerfile"... */
  readonly name: string;
  readonly text: string;
}

/** Name of a form that is a command, to be given whenever a peak is over. */
export const AFTER_PEAK = "after the peak";

export interface Remedy {
  readonly id: string;
  readonly title: string;
  /** What it asks of people: of two with about the same effect the smaller goes first. */
  readonly effort: Effort;
  readonly risk: string;
  readonly speed: string;
  readonly canary: string;
  readonly rollback: string;
  judge(situation: Situation): Judgement;
}

export type Effort = "setting" | "preload" | "operation" | "code" | "platform";
export const effortRank: Readonly<Record<Effort, number>> = { setting: 0, preload: 1, operation: 2, code: 3, platform: 4 };

export const not = (because: string): NotAdvised => ({ kind: "not", because });

/** Causes in which free memory is held, so that giving it back is the cure or part of it. */
const heldCauses = new Set([
  "fragmentation",
  "retention",
  "arena_bloat",
  "alloc_failure",
  "runtime_heap",
  "mapping_growth",
  "cgroup_limit",
]);
export function holdsMemory({ cause, heldBytes, outsideBytes }: Situation): boolean {
  if (!heldCauses.has(cause) || heldBytes === null || heldBytes === 0) return false;
  // Where a runtime's own heap is the cause, what malloc holds beside it is worth a word only if it is much.
  return cause !== "runtime_heap" || heldBytes >= BESIDE_RUNTIME_SHARE_MIN * (outsideBytes ?? 0);
}
const BESIDE_RUNTIME_SHARE_MIN = 0.3;

/** From this part of the held memory on, pinned pages are what holds it. */
const PINNED_SHARE_MIN = 0.5;
export function isPinned({ heldBytes, reclaimableBytes }: Situation): boolean {
  if (heldBytes === null || reclaimableBytes === null || heldBytes === 0) return false;
  return 1 - reclaimableBytes / heldBytes >= PINNED_SHARE_MIN;
}

export const sameSettingRollback = "Take the setting out and restart.";
export const restartCanary =
  "Set it on one host, or one task of the service, restart it, and compare with the others after the next peak.";
