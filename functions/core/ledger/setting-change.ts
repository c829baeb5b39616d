// What differs between two states of a process's settings, in words, and whether it is what a recommendation asked for.
// Settings are strangers' text (column tunables); only names and values are compared, nothing is run.

import { knobOf } from "../advice/catalogue.ts";
import type { Owner } from "../advice/knob.ts";
import { parseTunables } from "../advice/tunables.ts";

export interface SettingState {
  readonly allocator: string;
  /** Empty where they are not known. */
  readonly allocator_version: string;
  readonly tunables: string;
  readonly service_version: string;
}

/** Longer than this nobody reads; the whole text is in the samples. */
const SETTING_LENGTH_MAX = 400;

/** What changed, in a line: `allocator glibc to jemalloc 5.3.0, +LD_PRELOAD=..., -MALLOC_ARENA_MAX`. */
export function changeText(before: SettingState, after: SettingState, kind: "setting" | "version"): string {
  if (kind === "version")
    return clip(`version ${before.service_version || "unknown"} to ${after.service_version || "unknown"}`);
  const parts: string[] = [];
  if (before.allocator !== after.allocator) parts.push(`allocator ${before.allocator} to ${versioned(after)}`);
  else if (before.allocator_version !== after.allocator_version)
    parts.push(`${after.allocator} ${before.allocator_version || "?"} to ${after.allocator_version || "?"}`);
  const [old, now] = [namedValues(before.tunables), namedValues(after.tunables)];
  // What another allocator says of itself is not what anybody set.
  const isWord = (name: string) => before.allocator === after.allocator || /^[A-Z_]/.test(name);
  for (const [name, value] of now) if (old.get(name) !== value && isWord(name)) parts.push(`+${name}=${value}`);
  for (const name of old.keys()) if (!now.has(name) && isWord(name)) parts.push(`-${name}`);
  return clip(parts.length === 0 ? "the order of its settings" : parts.join(", "));
}

/** Owners of knobs that samples show: the allocators, and the variables that the collector reads (collector/identity/service.ts). */
const shown: ReadonlySet<Owner> = new Set<Owner>([
  "glibc",
  "jemalloc",
  "gperftools",
  "mimalloc",
  "python",
  "go",
  "tidemark",
  "loader",
]);

/**
 * Whether all that was recommended (`knob=value` separated by spaces, as filed) and samples can show is in effect afterwards,
 * and some of it was not before. A preloaded allocator is known by serving malloc. Never where samples can show none of it. A change of code is any other version.
 */
export function isAsRecommended(
  changes: string,
  before: SettingState,
  after: SettingState,
  kind: "setting" | "version",
): boolean {
  if (changes === "") return kind === "version";
  if (kind === "version") return false;
  const wanted = changes.split(" ").flatMap((text): readonly { knob: string; value: string }[] => {
    const at = text.indexOf("=");
    const [knob, value] = [text.slice(0, at), text.slice(at + 1)];
    return at > 0 && isShown(knob) ? [{ knob, value }] : [];
  });
  // Without a word about its settings the allocator itself is what was asked for; with one, what it does not name is not set.
  const isTaken =
    after.tunables === "" &&
    wanted.some(({ knob, value }) => knob === "loader.preload" && allocatorOf(value) === after.allocator);
  const states = wanted.map(({ knob, value }) => ({
    was: isInEffect(knob, value, before),
    is: isInEffect(knob, value, after) ?? (isTaken ? true : null),
  }));
  return states.length > 0 && states.every(({ is }) => is === true) && states.some(({ was }) => was !== true);
}

function isShown(knob: string): boolean {
  try {
    return shown.has(knobOf(knob).owner);
  } catch {
    // Filed by a later or earlier catalogue than this one.
    return false;
  }
}

/** Null where the samples do not say. */
function isInEffect(knob: string, value: string, { allocator, tunables }: SettingState): boolean | null {
  const { variables, byKnob } = parseTunables(tunables);
  if (knob === "loader.preload") {
    const loaded = allocatorOf(value);
    return loaded === null ? (variables.get("LD_PRELOAD") ?? "").includes(basename(value)) : allocator === loaded;
  }
  if (knob === "tidemark.relief") return variables.get("TIDEMARK_RELIEF") === value;
  const found = byKnob.get(knob);
  return found === undefined ? null : found === value;
}

const basename = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
const allocatorOf = (path: string): string | null => /^lib(jemalloc|tcmalloc|mimalloc)/.exec(basename(path))?.[1] ?? null;

const namedValues = (tunables: string): ReadonlyMap<string, string> =>
  new Map(
    tunables.split(/\s+/).flatMap((word): [string, string][] => {
      const [, name, value] = /^([A-Za-z_][\w.]*)=(.*)$/.exec(word) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value]];
    }),
  );

const versioned = ({ allocator, allocator_version }: SettingState): string =>
  allocator_version === "" ? allocator : `${allocator} ${allocator_version}`;

const clip = (text: string): string =>
  text.length <= SETTING_LENGTH_MAX ? text : `${text.slice(0, SETTING_LENGTH_MAX - 1)}\u2026`;
