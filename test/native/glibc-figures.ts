// What glibc says of the heap of a running program, asked inside it by the preloaded ask_heap.so while the program rests.
// It leaves comparing to agreement.test.ts and trim.test.ts.
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Program, type ProgramName, startProgram } from "../support/programs.ts";
import { removeFolder, serviceFolder, until } from "../support/service.ts";
import { type Fields, parseFields, programPath } from "./target.ts";

export interface AskedProgram extends Program {
  readonly ask: () => Promise<GlibcFigures>;
  /** Calls malloc_trim(0) in it and waits until it has returned. */
  readonly trim: () => Promise<void>;
}

/** Sums over all arenas but where a list says: by arena. `free` is what lies in bins: neither tops nor fastbins. */
export interface GlibcFigures {
  readonly systemBytesByArena: readonly number[];
  readonly freeBytes: number;
  readonly freeChunkCount: number;
  readonly freeChunkBytesMax: number;
  readonly topBytes: number;
  readonly nonMainFreeBytes: number;
  readonly fastbinBytes: number;
  readonly fastbinChunkCount: number;
  readonly mmappedBytes: number;
  readonly mmappedCount: number;
  /** mallinfo2 of the same moment, under its own names. */
  readonly mallinfo: ReadonlyMap<string, string>;
}

/** test/native/ask_heap.c listens to these. */
const ASK_SIGNAL = 59;
const TRIM_SIGNAL = 58;

export async function startAsked(name: ProgramName, env: Readonly<Record<string, string>> = {}): Promise<AskedProgram> {
  const folder = serviceFolder("ask");
  const program = await startProgram(name, {
    env: { ...env, TIDEMARK_ASK_FOLDER: folder },
    preload: [programPath("test/ask_heap.so")],
  });
  let questions = 0;
  const question = async (signal: number): Promise<string> => {
    process.kill(program.pid, signal);
    const path = join(folder, `${program.pid}.${++questions}`);
    return until(`${name} answers in ${path}`, () => (existsSync(path) ? readFileSync(path, "utf8") : null), program.log);
  };
  return {
    ...program,
    ask: async () => parseFigures(await question(ASK_SIGNAL)),
    trim: async () => void (await question(TRIM_SIGNAL)),
    stop: async () => {
      await program.stop();
      removeFolder(folder);
    },
  };
}

/** What the walker and glibc say of one and the same state of a heap. */
export interface Measured {
  readonly fields: Fields;
  readonly figures: GlibcFigures;
}

/** Timers and clean-up threads touch the heap of a program that waits, but one that never rests cannot be compared. */
const ATTEMPT_COUNT_MAX = 200;

/** Two walks that are equal, with glibc's answer between them: nothing has changed meanwhile. */
export async function measureAtRest(program: AskedProgram): Promise<Measured> {
  for (let attempt = 0; attempt < ATTEMPT_COUNT_MAX; attempt++) {
    const before = await walk(program.pid);
    const figures = await program.ask();
    const after = await walk(program.pid);
    if (before !== "unknown" && before === after) return { fields: parseFields(before), figures };
  }
  throw new Error(`${program.name} did not rest in ${ATTEMPT_COUNT_MAX} attempts`);
}

/** Enough for the largest of these heaps under any load of the machine. */
const CPU_BUDGET_US = 20_000_000;

/** The walker's line without what differs from walk to walk; "unknown" when the heap changed too fast for it. */
async function walk(pid: number): Promise<string> {
  const args = ["--cpu-budget-us", String(CPU_BUDGET_US), String(pid)];
  const { stdout } = await promisify(execFile)(programPath("tidemark-walk"), args).catch(
    (failed: { stdout: string }) => failed,
  );
  if (stdout.includes(" reason=changed ")) return "unknown";
  if (!stdout.includes(" status=ok ")) throw new Error(stdout);
  return stdout.replace(/ walk_\w+=\d+/g, "").trimEnd();
}

/** Reads what malloc_info(3) of glibc 2.26 to 2.43 writes, and the line of mallinfo2 behind it. Source: glibc malloc/malloc.c. */
export function parseFigures(text: string): GlibcFigures {
  const [xml = "", line = ""] = text.split("</malloc>\n");
  const arenas = xml
    .split(/<heap nr="\d+">/)
    .slice(1)
    .map(parseArena);
  const total = (figure: (arena: ArenaFigures) => number): number => arenas.reduce((sum, arena) => sum + figure(arena), 0);
  const mmapped = /<total type="mmap" count="(\d+)" size="(\d+)"\/>/.exec(xml);
  return {
    systemBytesByArena: arenas.map((arena) => arena.systemBytes),
    freeBytes: total((arena) => arena.freeBytes),
    freeChunkCount: total((arena) => arena.freeChunkCount),
    freeChunkBytesMax: Math.max(...arenas.map((arena) => arena.freeChunkBytesMax)),
    topBytes: total((arena) => arena.topBytes),
    nonMainFreeBytes:
      total((arena) => arena.freeBytes + arena.topBytes) - (arenas[0]?.freeBytes ?? 0) - (arenas[0]?.topBytes ?? 0),
    fastbinBytes: total((arena) => arena.fastbinBytes),
    fastbinChunkCount: total((arena) => arena.fastbinChunkCount),
    mmappedCount: Number(mmapped?.[1]),
    mmappedBytes: Number(mmapped?.[2]),
    mallinfo: parseFields(line.trimEnd()),
  };
}

type ArenaFigures = ReturnType<typeof parseArena>;

function parseArena(xml: string) {
  const pair = (pattern: RegExp): [count: number, bytes: number] => {
    const found = pattern.exec(xml);
    return [Number(found?.[1]), Number(found?.[2])];
  };
  const bins = Array.from(xml.matchAll(/<(?:size|unsorted) from="\d+" to="(\d+)" total="(\d+)" count="(\d+)"\/>/g), (bin) => ({
    to: Number(bin[1]),
    bytes: Number(bin[2]),
    count: Number(bin[3]),
  }));
  const [fastbinChunkCount, fastbinBytes] = pair(/<total type="fast" count="(\d+)" size="(\d+)"\/>/);
  // Fastbins come first and have no flag in their sizes; in the other bins PREV_INUSE is set, and counted as one byte.
  const binned = bins.filter((bin) => bin.to % 16 !== 0);
  const freeChunkCount = binned.reduce((sum, bin) => sum + bin.count, 0);
  const freeBytes = binned.reduce((sum, bin) => sum + bin.bytes, 0) - freeChunkCount;
  // The top is one more chunk of the rest.
  const [restCount, restBytes] = pair(/<total type="rest" count="(\d+)" size="(\d+)"\/>/);
  if (restCount !== freeChunkCount + 1) throw new Error(`${restCount} chunks in the rest, ${freeChunkCount} in bins:\n${xml}`);
  return {
    systemBytes: Number(/<system type="current" size="(\d+)"\/>/.exec(xml)?.[1]),
    freeBytes,
    freeChunkCount,
    freeChunkBytesMax: Math.max(0, ...binned.map((bin) => bin.to - 1)),
    topBytes: restBytes - freeBytes - freeChunkCount,
    fastbinBytes,
    fastbinChunkCount,
  };
}
