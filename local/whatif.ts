// tidemark whatif: the user's own program under one setting after another, each run measured, so that nothing is tried on production.
// What is tried is whatif/matrix.ts's, a run whatif/run.ts's, what comes of it whatif/compare.ts's.
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { extname, join } from "node:path";
import { styleText } from "node:util";
import { inputOf } from "../functions/core/advice/inputs.ts";
import type { AdviceInput } from "../functions/core/advice/situation.ts";
import { formatCountOf, formatDuration } from "../functions/core/units.ts";
import { plain } from "./inspect-text.ts";
import { type Measurer, startMeasurer } from "./measure-once.ts";
import { builtShim, shimPath } from "./shim-path.ts";
import { standalone } from "./whatif/chart.ts";
import { type Outcome, outcomeOf, tailFromMs, tailHeaps } from "./whatif/compare.ts";
import { heapReader } from "./whatif/heap.ts";
import { asJson } from "./whatif/json.ts";
import { findLibraries } from "./whatif/libraries.ts";
import { causeOf, type Matrix, matrixOf, type Setting } from "./whatif/matrix.ts";
import { whatifPage } from "./whatif/page.ts";
import { type Run, type RunPlan, runProgram } from "./whatif/run.ts";
import { copyOf, type Program, programOf } from "./whatif/target.ts";
import { matrixText, type Result, resultText, runLine } from "./whatif/text.ts";

const EXIT_FAILED = 1;
const EXIT_UNKNOWN = 3;
const EXIT_INTERRUPTED = 130;

export interface WhatifOptions {
  readonly target:
    | { readonly kind: "command"; readonly command: readonly [string, ...string[]] }
    | { readonly kind: "pid"; readonly pid: number };
  /** Added to the environment of every run. */
  readonly env: Readonly<Record<string, string>>;
  readonly load: string | null;
  readonly ready: RunPlan["ready"];
  readonly durationMs: number | null;
  readonly settleMs: number;
  readonly timeoutMs: number;
  readonly runs: number;
  /** Ids of settings; null tries all. */
  readonly only: readonly string[] | null;
  readonly json: boolean;
  /** `.svg`, or a page. */
  readonly chartPath: string | null;
  /** Say what would be tried, and run nothing. */
  readonly list: boolean;
}

const baseline: Setting = {
  id: "baseline",
  title: "As it is",
  changes: {},
  relief: false,
  effort: "setting",
  expectedBytes: null,
  why: "",
  allocator: null,
};
/** Of the baseline alone: without a second run nobody knows what chance does. */
const BASELINE_RUNS_MIN = 2;

export async function whatif(options: WhatifOptions): Promise<number> {
  const { target } = options;
  const copied = target.kind === "pid" ? copyOf(target.pid) : { ok: true as const, value: programOf(target.command, ownEnv()) };
  if (!copied.ok) {
    say(copied.error);
    return EXIT_FAILED;
  }
  const program: Program = { ...copied.value, env: { ...copied.value.env, ...options.env } };
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt).on("SIGHUP", interrupt);
  const measurer = startMeasurer();
  const session: Session = {
    options,
    program,
    measurer,
    stop: stop.signal,
    folder: mkdtempSync(join(tmpdir(), "tidemark-whatif-")),
  };
  try {
    return options.list ? await list(session) : await compare(session);
  } finally {
    measurer.close();
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt).off("SIGHUP", interrupt);
    await rm(join(session.folder, "rings"), { recursive: true, force: true });
    if (options.list) await rm(session.folder, { recursive: true, force: true });
  }
}

interface Session {
  readonly options: WhatifOptions;
  readonly program: Program;
  readonly measurer: Measurer;
  readonly stop: AbortSignal;
  /** Logs, and the rings of the shim. */
  readonly folder: string;
}

async function list({ options: { target, only }, program, measurer }: Session): Promise<number> {
  const row = target.kind === "pid" ? await heapReader(measurer).read(target.pid) : null;
  const input = row === null ? null : withCause(inputOf(row, { cause: "", fleet: null, shimPath: shimPath() }));
  if (row === null)
    say("nothing has run yet, so that these are the usual settings for glibc: the baseline run decides what is advised");
  const matrix = matrixOf({ input, env: program.env, libraries: findLibraries(), shimPath: shimPath() });
  process.stdout.write(`${matrixText(chosen(matrix, only))}\n`);
  return 0;
}

async function compare(session: Session): Promise<number> {
  const { options, program, stop, folder } = session;
  const command = plain([program.file, ...program.args].join(" "));
  if (options.target.kind === "pid")
    say(
      `a copy of process ${options.target.pid} is started, as you, in its folder, with its environment: ${command}. The process itself is not touched; the copy wants the same ports and files`,
    );
  say(`output of the runs: ${folder}`);
  const runs = new Map<Setting, Run[]>();
  const runOf = async (setting: Setting, reliefAfterMs: number | null): Promise<Run> => {
    const of = runs.get(setting) ?? [];
    runs.set(setting, of);
    const run = await oneRun(session, setting, { number: of.length + 1, reliefAfterMs });
    of.push(run);
    const { settleMs } = options;
    say(
      `${runLine(outcomeOf(setting, [run], settleMs))}, ${formatDuration(run.durationMs)}${run.ending.kind === "failed" ? `: ${run.ending.because}` : ""}`,
    );
    return run;
  };
  const first = await runOf(baseline, null);
  if (stop.aborted) return EXIT_INTERRUPTED;
  const problem = baselineProblem(first, options);
  if (problem !== null) {
    say(problem.text);
    return problem.exitCode;
  }
  if (first.ending.kind === "timeout")
    say(
      `it was still running after ${formatDuration(options.timeoutMs)} and was ended; --duration says how long to let it work`,
    );
  const matrix = chosen(matrixFor(session, first), options.only);
  const reliefAfterMs = options.load === null ? tailFromMs(first, options.settleMs) : null;
  for (let round = 1; round <= options.runs; round++) {
    if (round > 1) await runOf(baseline, null);
    for (const setting of matrix.settings) {
      if (stop.aborted) return EXIT_INTERRUPTED;
      await runOf(setting, reliefAfterMs);
    }
  }
  // The last of them at the end: what drifts meanwhile is noise as well.
  while ((runs.get(baseline)?.length ?? 0) < BASELINE_RUNS_MIN && !stop.aborted) await runOf(baseline, null);
  if (stop.aborted) return EXIT_INTERRUPTED;
  const outcomes = [...runs].map(([setting, all]) => outcomeOf(setting, all, options.settleMs));
  const [measuredBase, ...others] = outcomes as [Outcome, ...Outcome[]];
  const base = { ...measuredBase, notes: [...measuredBase.notes, ...busyHost()] };
  const result: Result = { command, load: options.load, base, others, leftOut: matrix.leftOut };
  await show(result, options);
  return base.isFailed ? EXIT_FAILED : 0;
}

async function show(result: Result, { json, chartPath }: WhatifOptions): Promise<void> {
  const bold = (text: string) => styleText("bold", text, { stream: process.stdout });
  process.stdout.write(json ? `${JSON.stringify(asJson(result))}\n` : `${resultText(result, bold)}\n`);
  if (chartPath === null) return;
  const text =
    extname(chartPath) === ".svg"
      ? await standalone(result.base, result.others, `What if: ${result.command}`)
      : await whatifPage(result, Date.now());
  writeFileSync(chartPath, text);
  say(`chart: ${chartPath}`);
}

function oneRun(
  { options, program, measurer, stop, folder }: Session,
  setting: Setting,
  { number, reliefAfterMs }: { readonly number: number; readonly reliefAfterMs: number | null },
): Promise<Run> {
  const rings = join(folder, "rings");
  mkdirSync(rings, { recursive: true, mode: 0o700 });
  const env = withShim({ ...program.env, ...setting.changes }, rings);
  const plan = { ...options, program, env, relief: setting.relief ? { afterStartMs: reliefAfterMs } : null };
  return runProgram({ ...plan, logPath: join(folder, `${setting.id}-${number}.log`) }, heapReader(measurer), stop);
}

/** In every run, so that its cost, which is small, is in every run: it tells what heaps but glibc's cannot. */
function withShim(env: Readonly<Record<string, string>>, rings: string): Readonly<Record<string, string>> {
  const shim = builtShim();
  if (shim === null) return env;
  const preload = (env["LD_PRELOAD"] ?? "").split(/[\s:]+/).filter((file) => file !== "" && !file.endsWith("/libtidemark.so"));
  return { ...env, LD_PRELOAD: [...preload, shim].join(" "), TIDEMARK_RING_FOLDER: rings };
}

/** What the advice engine is asked with: the settled end of the baseline, and the most it had live. */
function matrixFor({ options, program }: Session, first: Run): Matrix {
  const row = tailHeaps(first, options.settleMs).at(-1)?.row ?? null;
  const live = first.heaps.flatMap(({ row: { live_bytes } }) => live_bytes ?? []);
  const input = row === null ? null : inputOf(row, { cause: "", fleet: null, shimPath: shimPath() });
  const peak = live.length === 0 ? {} : { live_bytes_peak: Math.max(...live) };
  return matrixOf({
    input: input === null ? null : withCause({ ...input, figures: { ...input.figures, ...peak } }),
    env: program.env,
    libraries: findLibraries(),
    shimPath: shimPath(),
  });
}

const withCause = (input: AdviceInput): AdviceInput => ({ ...input, cause: causeOf(input) });

function chosen({ settings, leftOut }: Matrix, only: readonly string[] | null): Matrix {
  if (only === null) return { settings, leftOut };
  const unknown = only.filter((id) => !settings.some((setting) => setting.id === id));
  const ids = settings.map(({ id }) => id).join(", ");
  if (unknown.length > 0) throw new Error(`--only ${unknown.join(", ")}: here there are ${ids}`);
  return { settings: settings.filter(({ id }) => only.includes(id)), leftOut: [] };
}

/** Null where the program as it is can be compared with. */
function baselineProblem(
  { ending, points, durationMs }: Run,
  { load, timeoutMs }: WhatifOptions,
): { readonly text: string; readonly exitCode: number } | null {
  const failed = (text: string) => ({ text, exitCode: EXIT_FAILED });
  if (ending.kind === "failed") return failed(ending.because);
  if (ending.kind === "signal") return failed(`the program as it is ended by ${ending.signal}`);
  if (ending.kind === "exit" && ending.code !== 0)
    return failed(`the program as it is ended with exit code ${ending.code}: its output is in the log`);
  if (ending.kind === "exit" && load !== null)
    return failed("the program ended before its load was over: one that puts itself in the background must be told not to");
  if (ending.kind === "timeout" && load !== null)
    return failed(
      `start, load and settling were not over within ${formatDuration(timeoutMs)}: give --timeout more, or --settle less`,
    );
  if (points.length > 0) return null;
  return { text: `the program ended after ${formatDuration(durationMs)}, before it could be measured`, exitCode: EXIT_UNKNOWN };
}

/** Memory does not mind others who are at work; time does. */
function busyHost(): readonly string[] {
  const [lastMinute = 0] = loadavg();
  const cpus = availableParallelism();
  return lastMinute <= cpus
    ? []
    : [
        `the machine was busy (load ${lastMinute.toFixed(1)} on ${formatCountOf(cpus, "CPU", "CPUs")}): time and CPU say little`,
      ];
}

const ownEnv = (): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));

const say = (text: string): void => {
  process.stderr.write(`tidemark: ${plain(text)}\n`);
};
