// What is tried: the settings that the advice engine proposes for what the baseline showed, and the usual ones beside them. Pure.
// Whether a knob exists in this version is the catalogue's word; running them is run.ts's.
import { advise, type Recommendation } from "../../functions/core/advice/advise.ts";
import { knobOf, presenceOf } from "../../functions/core/advice/catalogue.ts";
import { variablesOf } from "../../functions/core/advice/forms.ts";
import { questions } from "../../functions/core/advice/questions.ts";
import { AFTER_PEAK, type Change, type Effort, isPinned } from "../../functions/core/advice/remedy.ts";
import { type AdviceInput, type Situation, situationOf, versionOf } from "../../functions/core/advice/situation.ts";
import { parseTunables } from "../../functions/core/advice/tunables.ts";
import type { Libraries, Library } from "./libraries.ts";

export interface Setting {
  readonly id: string;
  readonly title: string;
  /** What it adds to the environment; empty for the baseline and for relief alone. */
  readonly changes: Readonly<Record<string, string>>;
  readonly relief: boolean;
  readonly effort: Effort;
  /** Bytes less after the peak, as the advice engine expects; 0 where it says that it would not help; null where it cannot tell. */
  readonly expectedBytes: number | null;
  /** The advice engine's reason for it or against it, or that it is one of those people try. */
  readonly why: string;
  /** Which allocator must serve the program then; null where it stays. */
  readonly allocator: string | null;
}

export interface Matrix {
  /** Best advice first. */
  readonly settings: readonly Setting[];
  /** Advice that is no setting of a run, settings that this version does not have, libraries that are not here. */
  readonly leftOut: readonly string[];
}

interface Usual {
  readonly id: string;
  readonly title: string;
  readonly effort: Effort;
  readonly changes: readonly Change[];
  readonly library?: Library;
}

const THRESHOLD = "131072";
const preload = (library: Library, title: string, changes: readonly Change[] = []): Usual => ({
  id: `${library}.switch`,
  title,
  effort: "preload",
  changes,
  library,
});
const setting = (knob: string, value: string, title: string): Usual => ({
  id: knob,
  title,
  effort: "setting",
  changes: [{ knob, value }],
});

const toGlibc = preload("glibc", "Run it with glibc's malloc");
const toJemalloc = preload("jemalloc", "Run it with jemalloc and its background thread", [
  { knob: "jemalloc.background_thread", value: "true" },
]);
const toTcmalloc = preload("tcmalloc", "Run it with tcmalloc");
const toMimalloc = preload("mimalloc", "Run it with mimalloc");

const usualOf: Readonly<Record<Situation["kind"], readonly Usual[]>> = {
  glibc: [
    setting("glibc.arena_max", "2", "Allow 2 arenas"),
    setting("glibc.trim_threshold", THRESHOLD, "Fix the trim threshold at 128 KiB"),
    setting("glibc.mmap_threshold", THRESHOLD, "Fix the mmap threshold at 128 KiB"),
    setting("glibc.tcache_count", "0", "Switch tcache off"),
    toJemalloc,
    toTcmalloc,
    toMimalloc,
  ],
  jemalloc: [
    {
      ...setting("jemalloc.background_thread", "true", "Purge sooner, and when idle"),
      id: "jemalloc.decay",
      changes: [
        { knob: "jemalloc.background_thread", value: "true" },
        { knob: "jemalloc.dirty_decay_ms", value: "1000" },
        { knob: "jemalloc.muzzy_decay_ms", value: "0" },
      ],
    },
    setting("jemalloc.percpu_arena", "percpu", "One arena a CPU"),
    toGlibc,
    toTcmalloc,
    toMimalloc,
  ],
  gperftools: [
    setting("gperftools.aggressive_decommit", "1", "Return every free span at once"),
    setting("gperftools.release_rate", "10", "A higher release rate"),
    toGlibc,
    toJemalloc,
    toMimalloc,
  ],
  "google-tcmalloc": [],
  mimalloc: [setting("mimalloc.purge_delay", "0", "Purge at once"), toGlibc, toJemalloc, toTcmalloc],
  unknown: [toJemalloc, toTcmalloc, toMimalloc],
};

const usualOfRuntime: Readonly<Record<string, readonly Usual[]>> = {
  python: [{ ...setting("python.PYTHONMALLOC", "malloc", "Small objects from malloc"), id: "python.malloc_alone" }],
  jvm: [
    {
      ...setting("jvm.G1PeriodicGCInterval", "60000", "Let G1 collect when idle"),
      id: "jvm.g1_periodic",
      changes: [
        { knob: "jvm.G1PeriodicGCInterval", value: "60000" },
        { knob: "jvm.MinHeapFreeRatio", value: "10" },
        { knob: "jvm.MaxHeapFreeRatio", value: "20" },
      ],
    },
    setting("jvm.TrimNativeHeapInterval", "60000", "Let the JVM trim its native heap"),
  ],
  node: [setting("node.max-semi-space-size", "1", "A small young generation")],
  go: [setting("go.GOGC", "50", "Collect twice as often")],
};

export interface MatrixInput {
  /** What the baseline showed after its peak; null before it has run. */
  readonly input: AdviceInput | null;
  /** What the program is started with. */
  readonly env: Readonly<Record<string, string>>;
  readonly libraries: Libraries;
  readonly shimPath: string;
}

const emptyInput = (shimPath: string): AdviceInput => ({
  service: "",
  cause: "retention",
  allocator: "glibc",
  allocator_version: null,
  heap_source: null,
  runtime: null,
  runtime_version: null,
  comm: null,
  libc: null,
  tunables: null,
  figures: {},
  fleet: null,
  instance_type: null,
  shimPath,
});

export function matrixOf({ input, env, libraries, shimPath }: MatrixInput): Matrix {
  const situation = situationOf(input ?? emptyInput(shimPath));
  const { recommendations, notAdvised } = input === null ? { recommendations: [], notAdvised: [] } : advise(input);
  const against = new Map(notAdvised.map(({ id, because }) => [id, because]));
  // A rule that says no expects nothing of it; what people only ask about was measured with other programs.
  const expectedOf = (id: string): number | null => (against.has(id) && !questions.some((asked) => asked.id === id) ? 0 : null);
  const leftOut: string[] = [];
  const settings: Setting[] = [];
  const add = (candidate: Omit<Setting, "changes">, changes: readonly Change[], library?: Library) => {
    const path = library === undefined ? null : (libraries.paths.get(library) ?? null);
    // What is missing is said once, with its package.
    if (library !== undefined && path === null) return;
    const known = settings.some(({ id }) => id === candidate.id);
    const variables = variablesWith(changes, env, path);
    if (known || (Object.keys(variables).length === 0 && !candidate.relief)) return;
    settings.push({ ...candidate, changes: variables });
  };
  for (const one of recommendations) {
    const because = whyNotRunnable(one);
    if (because !== null) leftOut.push(`${one.title}: ${because}`);
    else addAdvised(one, add);
  }
  for (const usual of [...usualOf[situation.kind], ...(usualOfRuntime[situation.runtime ?? ""] ?? [])]) {
    const because = absentBecause(usual.changes, situation);
    if (because !== null) {
      leftOut.push(`${usual.title}: ${because}`);
      continue;
    }
    const reason = against.get(usual.id);
    const candidate = {
      id: usual.id,
      title: usual.title,
      relief: false,
      effort: usual.effort,
      expectedBytes: expectedOf(usual.id),
      why: reason === undefined ? "one of those that people try" : `not advised: ${reason}`,
      allocator: usual.library ?? null,
    };
    add(candidate, usual.changes, usual.library);
  }
  if (situation.kind !== "unknown") {
    const reason = against.get("relief");
    const candidate = {
      id: "relief",
      title: "Give memory back after the peak (relief)",
      relief: true,
      effort: "operation" as const,
      expectedBytes: expectedOf("relief"),
      why: reason === undefined ? "the allocator's own call, once after the peak" : `not advised: ${reason}`,
      allocator: null,
    };
    add(candidate, [{ knob: "tidemark.relief", value: "1" }]);
  }
  const wanted = new Set(usualOf[situation.kind].flatMap(({ library }) => (library === undefined ? [] : [library])));
  return {
    settings,
    leftOut: [...leftOut, ...libraries.missing.filter((text) => [...wanted].some((name) => text.startsWith(name)))],
  };
}

function addAdvised(
  { id, title, changes, forms, effect, why, condition }: Recommendation,
  add: (candidate: Omit<Setting, "changes">, changes: readonly Change[], library?: Library) => void,
): void {
  const relief = forms.some(({ name }) => name === AFTER_PEAK);
  const isSwitch = id.endsWith(".switch");
  const library = isSwitch ? (id.split(".")[0] as Library) : undefined;
  add(
    {
      id,
      title,
      relief,
      effort: relief ? "operation" : isSwitch ? "preload" : "setting",
      expectedBytes: effect?.likely ?? null,
      why: [...why, ...(condition === null || isSwitch ? [] : [condition])].join(" "),
      allocator: library ?? null,
    },
    // Where the library lies is known here, where the advice has to guess; the shim is in every run.
    changes.filter(({ knob }) => knob !== "loader.preload"),
    library,
  );
}

function whyNotRunnable({ changes }: Recommendation): string | null {
  if (changes.length === 0) return "a change of the program, or a command to it, which no run here can show";
  const outside = changes.find(({ knob }) => ["sysctl", "sysfs", "platform", "code"].includes(knobOf(knob).via.kind));
  return outside === undefined ? null : `${outside.knob} is not a setting of one program`;
}

function absentBecause(changes: readonly Change[], situation: Situation): string | null {
  for (const { knob } of changes) {
    const { owner } = knobOf(knob);
    // What is preloaded new is not the version that runs now.
    if (owner !== situation.kind && owner !== situation.runtime) continue;
    const presence = presenceOf(knobOf(knob), versionOf(situation, owner));
    if (presence.kind === "absent") return presence.because;
  }
  return null;
}

/** The variables that are different then. */
function variablesWith(
  changes: readonly Change[],
  env: Readonly<Record<string, string>>,
  libraryPath: string | null,
): Readonly<Record<string, string>> {
  const all = libraryPath === null ? changes : [...changes, { knob: "loader.preload", value: libraryPath }];
  const { byKnob } = parseTunables(null);
  const variables = variablesOf(all, { variables: new Map(Object.entries(env)), byKnob, isKnown: true });
  return Object.fromEntries([...variables].filter(([name, value]) => env[name] !== value));
}

/** What holds the memory of one moment, as if it were a trough, in the words of findings. */
export function causeOf(input: AdviceInput): string {
  const situation = situationOf(input);
  const { non_main_free_bytes, free_bytes, live_bytes } = input.figures;
  const { heldBytes, outsideBytes } = situation;
  const inMalloc = (live_bytes ?? 0) + (heldBytes ?? 0);
  if (input.runtime !== null && outsideBytes !== null && outsideBytes > inMalloc) return "runtime_heap";
  if (non_main_free_bytes != null && non_main_free_bytes > 0 && non_main_free_bytes >= (free_bytes ?? 0) / 2)
    return "arena_bloat";
  return isPinned(situation) ? "fragmentation" : "retention";
}
