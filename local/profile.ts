// tidemark profile: which code holds the memory of one process, as a file for pprof and a page, under profiles/ of the lake.
// Taking it is profile/take.ts's. Nothing is taken from a process that was not started with a library for it.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { formatBytes, formatCount, formatDuration, formatUtc } from "../functions/core/units.ts";
import { profileKey } from "../schema/keys.ts";
import { assertNever } from "../schema/result.ts";
import { measureOnce, problemText } from "./measure-once.ts";
import { howToEnable, runtimeLines } from "./profile/enable.ts";
import { flamePage } from "./profile/flame-page.ts";
import { flameTree, type NamedStack } from "./profile/flame-tree.ts";
import { beginningAtCallers, type HeapProfile, totalBytes } from "./profile/heap-profile.ts";
import { executable, mappingAt } from "./profile/mappings.ts";
import { pprofOf } from "./profile/pprof.ts";
import { openSymbols, type Symbols } from "./profile/symbols.ts";
import { stateText, type TakeProblem, takeProfile } from "./profile/take.ts";
import { shimPath, wrapperPath } from "./shim-path.ts";
import { printTable } from "./table.ts";

const EXIT_FAILED = 1;
const EXIT_UNKNOWN = 3;
const STACKS_PRINTED = 10;
/** Libraries whose business is to allocate. */
const ALLOCATORS = /\/lib(jemalloc|tcmalloc\w*|tidemark-\w+)\.so[^/]*$/;
/** Functions that allocate for whoever calls them: not who asked. */
const ALLOCATING =
  /^(\w*[mc]alloc|\w*realloc\w*|\w*memalign|aligned_alloc|operator new|_Zn[wa]\w*|je_\w+|prof_\w+|tc_\w+|tcmalloc::.*|strn?dup)$/;

export interface ProfileOptions {
  readonly pid: number;
  readonly durationMs: number | null;
  readonly findingId: string | null;
  readonly folder: string;
  readonly json: boolean;
}

/** Exit code 0 when there is a profile, 1 when there cannot be one, 3 when nobody answered. */
export async function profile({ pid, durationMs, findingId, folder, json }: ProfileOptions): Promise<number> {
  const measured = await measureOnce(pid);
  if (!measured.ok) return refuse(pid, problemText(measured.error), EXIT_FAILED);
  const { row, ring } = measured.value;
  const allocator = row.allocator ?? null;
  const runtime = row.runtime ?? null;
  const taken = await takeProfile({ pid, allocator, ring, durationMs });
  if (!taken.ok) {
    const context = { allocator, runtime, shimPath: shimPath(), wrapperPath: wrapperPath() };
    return refuse(pid, ...refusal(taken.error, context));
  }
  const code = executable(taken.value.mappings);
  const heap = beginningAtCallers(taken.value.profile, (frame) => ALLOCATORS.test(mappingAt(code, frame - 1)?.path ?? ""));
  const symbols = openSymbols(pid, code);
  try {
    const madeAtMs = Date.now();
    const about = aboutText({ pid, service: row.service, heap, durationMs, madeAtMs, findingId });
    const name = [timeInName(madeAtMs), inName(row.service), String(pid), ...(findingId === null ? [] : [findingId])].join("-");
    const stacks = named(heap, symbols);
    const context = { code, symbols, madeAtMs, durationMs, comments: [...about, ...runtimeLines(runtime)] };
    const page = {
      title: `Heap profile of ${row.service}`,
      about: [...about, ...runtimeLines(runtime)],
      tree: flameTree(stacks),
      stacks,
    };
    const files = {
      pprof: write(folder, profileKey(madeAtMs, `${name}.pb.gz`), pprofOf(heap, context)),
      page: write(folder, profileKey(madeAtMs, `${name}.html`), await flamePage(page)),
    };
    if (json) process.stdout.write(`${JSON.stringify(asJson(pid, heap, stacks, files))}\n`);
    else print(about, heap, stacks, files);
    return 0;
  } finally {
    symbols.close();
  }
}

function refuse(pid: number, why: string, exitCode: number): number {
  process.stderr.write(`tidemark: process ${pid} ${why}\n`);
  return exitCode;
}

function refusal(problem: TakeProblem, context: Omit<Parameters<typeof howToEnable>[0], "reason">): [string, number] {
  switch (problem.kind) {
    case "off":
      return [`has no heap profile.\n${howToEnable({ ...context, reason: problem.reason })}`, EXIT_FAILED];
    case "wrapper_off":
      return [`has no heap profile: ${stateText(problem.state)}`, EXIT_FAILED];
    case "failed":
      return [`gave no heap profile: ${problem.why}`, EXIT_UNKNOWN];
    default:
      return assertNever(problem);
  }
}

interface About {
  readonly pid: number;
  readonly service: string;
  readonly heap: HeapProfile;
  readonly durationMs: number | null;
  readonly madeAtMs: number;
  readonly findingId: string | null;
}

const sources = {
  wrapper: "glibc, by libtidemark-profile.so",
  jemalloc: "jemalloc's prof.dump",
  tcmalloc: "gperftools' samples",
} as const;

function aboutText({ pid, service, heap, durationMs, madeAtMs, findingId }: About): readonly string[] {
  const what = durationMs === null ? "Live bytes" : growthText(heap, durationMs);
  const dropped = heap.droppedCount ?? 0;
  return [
    `${what} of ${service}, process ${pid}, ${formatUtc(madeAtMs)}: about ${formatBytes(totalBytes(heap))}.`,
    `From ${formatCount(heap.sampleCount)} samples, one in ${formatBytes(heap.meanBytes)} (${sources[heap.source]}).`,
    ...(dropped > 0 ? [`${formatCount(dropped)} samples found no room: what is shown is too little.`] : []),
    ...(findingId === null ? [] : [`For the finding ${findingId}.`]),
  ];
}

const growthText = ({ source }: HeapProfile, durationMs: number): string =>
  source === "wrapper"
    ? `What was allocated within ${formatDuration(durationMs)} and still lives`
    : `What stacks held more after ${formatDuration(durationMs)}`;

const named = ({ stacks }: HeapProfile, symbols: Symbols): readonly NamedStack[] =>
  stacks.map(({ frames, bytes, blocks }) => {
    const places = frames.map((frame) => {
      const { name, mapping } = symbols.placeOf(frame);
      return { name, file: mapping?.path ?? null };
    });
    return { places: places.length === 0 ? [{ name: "stack not known", file: null }] : places, bytes, blocks };
  });

/** 20261123T120000Z: sorts by time, and is a name on every file system. */
const timeInName = (timeMs: number): string => new Date(timeMs).toISOString().replace(/[-:]|\.\d+/g, "");

/** A service's name is a stranger's. */
const inName = (service: string): string =>
  service
    .replace(/[^\w.-]/g, "_")
    .replace(/^\.+/, "_")
    .slice(0, 80) || "_";

function write(folder: string, key: string, content: Buffer | string): string {
  const path = join(folder, key);
  mkdirSync(dirname(path), { recursive: true });
  // It tells what a program does, to whoever could ask for it.
  writeFileSync(path, content, { mode: 0o600, flag: "wx" });
  return path;
}

const whoAsked = ({ places }: NamedStack): string =>
  (places.find(({ name }) => !ALLOCATING.test(name)) ?? places[0])?.name ?? "stack not known";

function print(about: readonly string[], heap: HeapProfile, stacks: readonly NamedStack[], files: Files): void {
  process.stdout.write(`${about.join("\n")}\n`);
  const total = totalBytes(heap);
  const rows = stacks
    .slice(0, STACKS_PRINTED)
    .map((stack) => [
      formatBytes(stack.bytes),
      `${((stack.bytes / total) * 100).toFixed(1)} %`,
      whoAsked(stack),
      callers(stack),
    ]);
  if (rows.length > 0) printTable(["bytes", "share", "asked by", "called from"], rows);
  process.stdout.write(`${files.pprof}\n${files.page}\n`);
}

function callers(stack: NamedStack): string {
  const at = stack.places.findIndex(({ name }) => name === whoAsked(stack));
  return stack.places
    .slice(at + 1, at + 4)
    .map(({ name }) => name)
    .join(" < ");
}

interface Files {
  readonly pprof: string;
  readonly page: string;
}

function asJson(pid: number, heap: HeapProfile, stacks: readonly NamedStack[], files: Files): object {
  const { source, meanBytes, sampleCount, droppedCount } = heap;
  const largest = stacks.slice(0, STACKS_PRINTED).map(({ places, bytes, blocks }) => ({
    bytes: Math.round(bytes),
    blocks: Math.round(blocks),
    frames: places.map(({ name }) => name),
  }));
  const figures = { source, mean_bytes: meanBytes, sample_count: sampleCount, dropped_count: droppedCount };
  return { pid, ...figures, bytes: Math.round(totalBytes(heap)), stacks: largest, files };
}
