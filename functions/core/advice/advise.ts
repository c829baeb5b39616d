// From a finding to ranked recommendations: what to set, why, what it brings in bytes and dollars, its risk, and the way back.
// Also what people will ask about and should not set, with the reason. Rules are in remedies-*.ts and questions.ts.
import { dollarsPerMonth, type MemoryPrice, memoryPrice } from "../cost/memory-prices.ts";
import { formatBytes } from "../units.ts";
import { knobOf, presenceOf } from "./catalogue.ts";
import { formsOf, oneLine } from "./forms.ts";
import { questions } from "./questions.ts";
import { allocatorRemedies } from "./remedies-allocators.ts";
import { glibcRemedies } from "./remedies-glibc.ts";
import { programRemedies } from "./remedies-program.ts";
import { reliefRemedies } from "./remedies-relief.ts";
import { runtimeRemedies } from "./remedies-runtimes.ts";
import { systemRemedies } from "./remedies-system.ts";
import { type Advised, AFTER_PEAK, type Change, type Effect, effortRank, type Form, type Remedy } from "./remedy.ts";
import { type AdviceInput, type Situation, situationOf, versionOf } from "./situation.ts";

/** Of two that go first, or are worth the same, the earlier one is first: limits of the system need no restart. */
const remedies: readonly Remedy[] = [
  ...systemRemedies,
  ...glibcRemedies,
  ...allocatorRemedies,
  ...reliefRemedies,
  ...programRemedies,
  ...runtimeRemedies,
];

export interface Recommendation {
  readonly id: string;
  readonly title: string;
  /** As it is pasted, in one line, and the command that goes with it in another; empty where it is code. */
  readonly setting: string;
  readonly changes: readonly Change[];
  readonly forms: readonly Form[];
  readonly why: readonly string[];
  /** What has to be so, or be seen to, for it to help; null where nothing. */
  readonly condition: string | null;
  /** Of the process whose figures were given; null where it cannot be told. */
  readonly effect: Effect | null;
  /** Likely bytes of one host and of all; null with effect. */
  readonly bytesPerHost: number | null;
  readonly bytesFleet: number | null;
  /** Of bytesFleet: when memory alone is priced, and when it decides how many instances are needed. */
  readonly dollarsPerMonth: { readonly least: number; readonly most: number; readonly price: MemoryPrice } | null;
  readonly risk: string;
  readonly speed: string;
  readonly canary: string;
  readonly rollback: string;
  /** Name of the query that shows before and after. */
  readonly query: string;
}

export interface Advice {
  /** Best first. */
  readonly recommendations: readonly Recommendation[];
  readonly notAdvised: readonly { readonly id: string; readonly title: string; readonly because: string }[];
}

/** An effect smaller than this part of what is held, or than these bytes, is nobody's evening. */
const EFFECT_SHARE_MIN = 0.1;
const EFFECT_BYTES_MIN = 4_194_304;
/** Effects that differ by less are the same to us; then the smaller effort goes first. */
const SAME_SHARE = 0.05;
const QUERY = "process_timeline";

/** `withdrawn`: remedies that were tried on this service and did not help, by id, with what was measured. */
export function advise(input: AdviceInput, withdrawn: ReadonlyMap<string, string> = new Map()): Advice {
  const situation = situationOf(input);
  const price = memoryPrice(input.instance_type);
  const notAdvised: { id: string; title: string; because: string }[] = [];
  const advised: { remedy: Remedy; verdict: Advised; conditions: readonly string[] }[] = [];
  for (const remedy of remedies) {
    const verdict = remedy.judge(situation);
    if (verdict === null) continue;
    const because = verdict.kind === "not" ? verdict.because : (withdrawn.get(remedy.id) ?? whyNot(verdict, situation));
    if (because !== null) notAdvised.push({ id: remedy.id, title: remedy.title, because });
    else if (verdict.kind === "advised") advised.push({ remedy, verdict, conditions: conditionsOf(verdict, situation) });
  }
  for (const { id, title, because, concerns } of questions) if (concerns(situation)) notAdvised.push({ id, title, because });
  return {
    recommendations: ranked(advised).map(({ remedy, verdict, conditions }) =>
      recommendation(remedy, verdict, conditions, situation, price),
    ),
    notAdvised,
  };
}

/** The reason against what a rule advised: not in this version, set already, or too little. */
function whyNot({ changes, effect }: Advised, situation: Situation): string | null {
  for (const { knob } of changes) {
    const presence = presenceOf(knobOf(knob), versionOf(situation, knobOf(knob).owner));
    if (presence.kind === "absent") return presence.because;
  }
  if (changes.length > 0 && changes.every((change) => isInEffect(change, situation)))
    return `set already: ${changes.map(({ knob, value }) => `${knob}=${value}`).join(" ")}`;
  const held = situation.heldBytes ?? 0;
  if (
    effect !== null &&
    effect.likely < Math.max(EFFECT_BYTES_MIN, situation.cause === "runtime_heap" ? 0 : EFFECT_SHARE_MIN * held)
  )
    return `it would bring ${formatBytes(effect.likely)} of ${formatBytes(held)} held: not worth a change`;
  return null;
}

const isInEffect = ({ knob, value }: Change, { settings }: Situation): boolean => settings.byKnob.get(knob) === value;

function conditionsOf({ changes, condition }: Advised, situation: Situation): readonly string[] {
  const ofVersions = changes.flatMap(({ knob }) => {
    const { owner } = knobOf(knob);
    // What is preloaded new is not the version that runs now; its condition is the rule's.
    if (owner === "jemalloc" && situation.kind !== "jemalloc") return [];
    const presence = presenceOf(knobOf(knob), versionOf(situation, owner));
    return presence.kind === "conditional" ? [presence.condition] : [];
  });
  return [...new Set([...ofVersions, ...(condition === undefined ? [] : [condition])])];
}

type Candidate = { readonly remedy: Remedy; readonly verdict: Advised; readonly conditions: readonly string[] };

/**
 * What treats the cause itself, then by likely bytes, then what cannot be told beforehand. Those that differ little from the
 * best that is left are taken by effort: comparing pairs so would not be an order.
 */
function ranked(candidates: readonly Candidate[]): readonly Candidate[] {
  const byEffort = (a: Candidate, b: Candidate) => effortRank[a.remedy.effort] - effortRank[b.remedy.effort];
  const first = candidates.filter(({ verdict }) => verdict.goesFirst);
  const rest = candidates.filter(({ verdict }) => !verdict.goesFirst);
  const likely = ({ verdict }: Candidate) => verdict.effect?.likely ?? 0;
  const known = rest.filter(({ verdict }) => verdict.effect !== null).sort((a, b) => likely(b) - likely(a));
  const order: Candidate[] = [];
  while (known.length > 0) {
    const best = likely(known[0] as Candidate);
    const count = known.filter((candidate) => likely(candidate) >= (1 - SAME_SHARE) * best).length;
    order.push(...known.splice(0, count).sort(byEffort));
  }
  return [...first.sort(byEffort), ...order, ...rest.filter(({ verdict }) => verdict.effect === null).sort(byEffort)];
}

function recommendation(
  remedy: Remedy,
  verdict: Advised,
  conditions: readonly string[],
  situation: Situation,
  price: MemoryPrice,
): Recommendation {
  const { changes, effect, why } = verdict;
  const { settings, fleet } = situation;
  const bytesFleet = effect === null ? null : fleetBytes(effect.likely, situation);
  return {
    id: remedy.id,
    title: remedy.title,
    setting: [oneLine(changes, settings), ...commandsOf(verdict)].filter((line) => line !== "").join("\n"),
    changes,
    forms: [...formsOf(changes, settings), ...(verdict.forms ?? [])],
    why,
    condition: conditions.length === 0 ? null : conditions.join(". "),
    effect,
    bytesPerHost: bytesFleet === null ? null : Math.round(bytesFleet / Math.max(1, fleet?.host_count ?? 1)),
    bytesFleet,
    dollarsPerMonth: bytesFleet === null ? null : { ...dollarsPerMonth(bytesFleet, price), price },
    risk: remedy.risk,
    speed: remedy.speed,
    canary: remedy.canary,
    rollback: remedy.rollback,
    query: QUERY,
  };
}

const commandsOf = ({ forms = [] }: Advised): readonly string[] =>
  forms.filter(({ name }) => name === AFTER_PEAK).map(({ text }) => text);

/** The other processes hold memory for the same reason: of theirs the same part comes back. */
function fleetBytes(likely: number, { fleet, heldBytes, outsideBytes, cause }: Situation): number {
  const base = cause === "runtime_heap" ? (outsideBytes ?? 0) : (heldBytes ?? 0);
  if (fleet === null) return likely;
  if (base <= 0) return Math.min(likely * fleet.process_count, fleet.excess_bytes);
  return Math.round(Math.min(1, likely / base) * fleet.excess_bytes);
}
