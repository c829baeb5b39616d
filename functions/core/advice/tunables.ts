// The text column `tunables` as settings: what the allocator said is in effect, and the variables that the environment sets.
// The text is a stranger's: whatever does not look like name=value is passed over. Source: native/shim, collector/watch.

export interface Settings {
  /** Variables of the environment, whole: GLIBC_TUNABLES, MALLOC_CONF, LD_PRELOAD and their like. */
  readonly variables: ReadonlyMap<string, string>;
  /** Single settings by the name of their knob: glibc.arena_max, jemalloc.narenas, jvm.Xmx. */
  readonly byKnob: ReadonlyMap<string, string>;
  /** False where nobody could look, so that "not set" must not be said. */
  readonly isKnown: boolean;
}

const BEHIND = "environment:";
/** Longer than this is not a list of settings (the shim keeps 1,024 bytes, the environment more). */
const TEXT_LENGTH_MAX = 65_536;

export function parseTunables(text: string | null): Settings {
  const words = (text ?? "").slice(0, TEXT_LENGTH_MAX).split(/\s+/);
  const split = words.indexOf(BEHIND);
  const said = split < 0 ? [] : pairs(words.slice(0, split));
  const variables = new Map(pairs(split < 0 ? words : words.slice(split + 1)));
  const byKnob = new Map<string, string>();
  // Without the mark the words may be either's: a name in lower case is never a variable.
  const lower = [...variables].filter(([name]) => /^[a-z]/.test(name));
  for (const [name, value] of [...said, ...lower]) {
    for (const id of knobsOfShim.get(name) ?? []) byKnob.set(id, value);
  }
  for (const [name] of lower) variables.delete(name);
  for (const [alias, id] of aliases) setOnce(byKnob, id, variables.get(alias));
  for (const [name, value] of splitPairs(variables.get("GLIBC_TUNABLES"), ":", "=")) {
    // The tunable counts before its alias (elf/dl-tunables.c).
    if (name.startsWith("glibc.malloc.")) byKnob.set(name.replace("glibc.malloc.", "glibc."), value);
  }
  for (const variable of confVariables) {
    for (const [name, value] of splitPairs(variables.get(variable), ",", ":")) setOnce(byKnob, `jemalloc.${name}`, value);
  }
  for (const variable of ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "NODE_OPTIONS"]) {
    for (const [id, value] of options(variables.get(variable))) byKnob.set(id, value);
  }
  return { variables, byKnob, isKnown: text !== null };
}

/** A number of bytes as allocators write it: decimal, hexadecimal, with k, m or g; null when it is none. */
export function bytesOf(value: string | undefined): number | null {
  const [, digits = "", unit = ""] = /^(0x[0-9a-f]+|\d+)([kmg]?)$/i.exec(value ?? "") ?? [];
  if (digits === "") return null;
  return Number(digits) * 1_024 ** ["", "k", "m", "g"].indexOf(unit.toLowerCase());
}

/** Prefixed builds of jemalloc read a variable of their own. */
export const confVariables = ["MALLOC_CONF", "_RJEM_MALLOC_CONF", "JE_MALLOC_CONF"] as const;

const aliases: readonly (readonly [string, string])[] = [
  ["MALLOC_ARENA_MAX", "glibc.arena_max"],
  ["MALLOC_ARENA_TEST", "glibc.arena_test"],
  ["MALLOC_TRIM_THRESHOLD_", "glibc.trim_threshold"],
  ["MALLOC_MMAP_THRESHOLD_", "glibc.mmap_threshold"],
  ["MALLOC_MMAP_MAX_", "glibc.mmap_max"],
  ["MALLOC_TOP_PAD_", "glibc.top_pad"],
  ["TCMALLOC_RELEASE_RATE", "gperftools.release_rate"],
  ["TCMALLOC_AGGRESSIVE_DECOMMIT", "gperftools.aggressive_decommit"],
  ["TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES", "gperftools.max_total_thread_cache_bytes"],
  ["MIMALLOC_PURGE_DELAY", "mimalloc.purge_delay"],
  ["MIMALLOC_DECOMMIT_DELAY", "mimalloc.decommit_delay"],
  ["PYTHONMALLOC", "python.PYTHONMALLOC"],
  ["GOMEMLIMIT", "go.GOMEMLIMIT"],
  ["GOGC", "go.GOGC"],
];

/** What the shim writes, by the allocators' own names (native/shim/tcmalloc.c, mimalloc.c, jemalloc_tunables.c). */
const knobsOfShim: ReadonlyMap<string, readonly string[]> = new Map([
  ["max_total_thread_cache_bytes", ["gperftools.max_total_thread_cache_bytes"]],
  ["aggressive_memory_decommit", ["gperftools.aggressive_decommit"]],
  ["purge_delay", ["mimalloc.purge_delay"]],
  ...[
    "background_thread",
    "max_background_threads",
    "dirty_decay_ms",
    "muzzy_decay_ms",
    "narenas",
    "percpu_arena",
    "retain",
    "metadata_thp",
    "thp",
    "oversize_threshold",
    "tcache_max",
    "lg_tcache_max",
    "prof",
    "abort_conf",
  ].map((name): [string, readonly string[]] => [name, [`jemalloc.${name}`]]),
]);

function pairs(words: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (const word of words) {
    const [, name, value] = /^([A-Za-z_][\w.]*)=(.*)$/.exec(word) ?? [];
    const last = found.at(-1);
    if (name !== undefined && value !== undefined) found.push([name, value]);
    // LD_PRELOAD and the options of java are lists with spaces.
    else if (last !== undefined && word !== "") last[1] += ` ${word}`;
  }
  return found;
}

function splitPairs(text: string | undefined, between: string, within: string): [string, string][] {
  return (text ?? "").split(between).flatMap((pair): [string, string][] => {
    const at = pair.indexOf(within);
    return at > 0 ? [[pair.slice(0, at), pair.slice(at + 1)]] : [];
  });
}

function options(text: string | undefined): [string, string][] {
  return (text ?? "").split(" ").flatMap((option): [string, string][] => {
    const [, sign, name, value] = /^-XX:([+-]?)(\w+)(?:=(.*))?$/.exec(option) ?? [];
    if (name !== undefined) return [[`jvm.${name}`, value ?? (sign === "-" ? "false" : "true")]];
    if (option.startsWith("-Xmx")) return [["jvm.Xmx", option.slice(4)]];
    const [, node, nodeValue] = /^--([\w-]+)=(.*)$/.exec(option) ?? [];
    return node === undefined || nodeValue === undefined ? [] : [[`node.${node}`, nodeValue]];
  });
}

function setOnce(map: Map<string, string>, name: string, value: string | undefined): void {
  if (value !== undefined && !map.has(name)) map.set(name, value);
}
