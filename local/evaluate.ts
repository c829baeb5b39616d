// tidemark evaluate: how well detection names the cause of labelled traces, beside rules that others use.
// Which rules there are is queries/' business, reading traces replay's; here they meet, and the figures are told and filed.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readCatalogue } from "../queries/catalogue.ts";
import { baselines } from "./evaluate/baselines.ts";
import { type LabelledTrace, parseLabelledTrace } from "./evaluate/labelled-trace.ts";
import { type Moments, openMoments } from "./evaluate/moments.ts";
import { tracesPicture } from "./evaluate/picture.ts";
import { HEALTHY, type Said, scoreOf, type Verdict, verdictOf } from "./evaluate/score.ts";
import {
  causeTable,
  confusionTable,
  markdownTable,
  methodTable,
  mistakes,
  programTable,
  share,
  summary,
  variantTable,
} from "./evaluate/table.ts";
import { variants } from "./evaluate/variants.ts";
import { readTraceText, traceFiles } from "./replay/trace.ts";

/** The traces that the project carries. */
export const ownTraces = (): string => fileURLToPath(new URL("../test/traces/", import.meta.url));

export interface EvaluateOptions {
  readonly folder: string;
  /** Where the figures go, trace by trace; null for nowhere. */
  readonly resultPath: string | null;
  /** A Markdown file whose part between the marks becomes the tables. */
  readonly docsPath: string | null;
  /** Judge the traces again with less known of them. */
  readonly variants: boolean;
  /** Judge them with every threshold a fifth higher and lower. */
  readonly sensitivity: boolean;
}

/** The classical rules compare one cycle with another and must be told how long one is. Ours find it. */
const CLASSICAL_PERIOD_SECONDS = 2_400;
const classicalRules = ["largest_free_chunk_falling", "free_chunk_count_rising"];
/** One of each cause, for the picture. */
const typicalTraces = [
  ["a_c_clean_2", "healthy"],
  ["b_c_leak_1", "leak"],
  ["f_c_cache_1", "cache growth"],
  ["c_pin_dense_1", "fragmentation"],
  ["e_trimenv_1", "retention"],
  ["d_py_threads_1", "arena bloat"],
] as const;
const DOCS_MARKS = ["<!-- evaluation: written by npm run evaluate -- --docs -->", "<!-- end of evaluation -->"] as const;

export async function evaluate(options: EvaluateOptions): Promise<void> {
  const traces = readLabelledTraces(options.folder);
  const methods = await judgeByAll(traces);
  const verdicts = methods[0]?.verdicts ?? [];
  const parts = [
    summary(verdicts),
    methodTable(methods),
    confusionTable(verdicts),
    causeTable(verdicts),
    programTable(verdicts),
    ...(options.variants ? [variantTable(await judgeVariants(traces))] : []),
    ...(options.sensitivity ? [await sensitivityTable(traces)] : []),
  ];
  process.stdout.write(`${[...parts, ...mistakes(verdicts)].join("\n\n")}\n`);
  if (options.resultPath !== null) writeFileSync(options.resultPath, resultText(verdicts));
  if (options.docsPath !== null) {
    writeIntoDocs(options.docsPath, parts.join("\n\n"));
    const picture = typicalTraces.flatMap(([id, title]) => {
      const trace = traces.find((one) => one.id === id);
      return trace === undefined ? [] : [{ title, trace }];
    });
    if (picture.length > 0) writeFileSync(options.docsPath.replace(/\.md$/, ".svg"), tracesPicture(picture));
  }
}

/** The traces of a folder with their truth; throws where one cannot be read, because a figure over the rest would flatter. */
export function readLabelledTraces(folder: string): readonly LabelledTrace[] {
  const files = traceFiles(folder);
  if (files.length === 0) throw new Error(`no trace (*.ndjson, *.ndjson.gz, *.ndjson.zst) in ${folder}`);
  return files.map((file) => {
    const trace = parseLabelledTrace(readTraceText(file), file);
    if (!trace.ok) throw new Error(`${file}: ${trace.error}`);
    return trace.value;
  });
}

/** Ours as of every minute of every trace. */
export async function judgeByCauses(traces: readonly LabelledTrace[]): Promise<readonly Verdict[]> {
  const moments = await openMoments(traces.map(({ trace }) => trace));
  try {
    return await verdictsOf(traces, moments, ["process_causes"], (row) => String(row["cause"]));
  } finally {
    moments.close();
  }
}

async function judgeByAll(traces: readonly LabelledTrace[]) {
  const moments = await openMoments(traces.map(({ trace }) => trace));
  try {
    const ours = await verdictsOf(traces, moments, ["process_causes"], (row) => String(row["cause"]));
    const classical = await Promise.all(
      classicalRules.map(async (rule) => ({
        name: rule,
        verdicts: await verdictsOf(traces, moments, [rule], () => "fragmentation"),
      })),
    );
    const others = Object.entries(baselines).map(([name, rule]) => ({
      name,
      verdicts: traces.map((trace) => {
        const { rows } = trace.trace;
        const minutes = rows.map(({ offsetMs }) => (offsetMs - (rows[0]?.offsetMs ?? 0)) / 60_000);
        return verdictOf(trace, { minutes, causes: rule(rows) });
      }),
    }));
    return [{ name: "Tidemark", verdicts: ours }, ...classical, ...others];
  } finally {
    moments.close();
  }
}

async function verdictsOf(
  traces: readonly LabelledTrace[],
  moments: Moments,
  queries: readonly string[],
  causeOf: (row: Readonly<Record<string, unknown>>) => string,
  parameters: Readonly<Record<string, number>> = {},
): Promise<readonly Verdict[]> {
  const said = new Map<string, string>();
  for (const query of queries) {
    const asked = await moments.ask(query, { period_seconds: CLASSICAL_PERIOD_SECONDS, ...parameters });
    // What nobody can name is no finding.
    for (const { trace, minute, row } of asked) if (causeOf(row) !== "unknown") said.set(`${trace}@${minute}`, causeOf(row));
  }
  return traces.map((trace, index) => {
    const minutes = moments.minutes[index] ?? [];
    const causes = minutes.map((minute) => said.get(`${index}@${minute}`) ?? HEALTHY);
    return verdictOf(trace, { minutes, causes } satisfies Said);
  });
}

/** Each variant at its end. */
async function judgeVariants(traces: readonly LabelledTrace[]) {
  const results = [];
  for (const { name, change, bucketSeconds } of variants) {
    const changed = traces.map((trace) => ({ ...trace, trace: change(trace.trace) }));
    const moments = await openMoments(
      changed.map(({ trace }) => trace),
      { ...(bucketSeconds === undefined ? {} : { bucketSeconds }), lastOnly: true },
    );
    try {
      const verdicts = await verdictsOf(changed, moments, ["process_causes"], (row) => String(row["cause"]));
      results.push({ name, score: scoreOf(verdicts) });
    } finally {
      moments.close();
    }
  }
  return results;
}

const PERTURBATIONS = [0.8, 1.2];

/** Every threshold by itself, at the end of every trace. */
async function sensitivityTable(traces: readonly LabelledTrace[]): Promise<string> {
  const thresholds = readCatalogue()
    .get("process_causes")
    ?.parameters.filter(({ defaultText }) => defaultText !== null);
  const moments = await openMoments(
    traces.map(({ trace }) => trace),
    { lastOnly: true },
  );
  try {
    const rows = [];
    for (const { name, defaultText, type } of thresholds ?? []) {
      const cells = [];
      for (const times of PERTURBATIONS) {
        const exact = Number(defaultText) * times;
        const value = type === "bigint" ? Math.round(exact) : exact;
        const cause = (row: Readonly<Record<string, unknown>>) => String(row["cause"]);
        const { right, traceCount } = scoreOf(await verdictsOf(traces, moments, ["process_causes"], cause, { [name]: value }));
        cells.push(share(right, traceCount));
      }
      rows.push([name, defaultText ?? "", ...cells]);
    }
    return markdownTable(["threshold", "default", "a fifth lower", "a fifth higher"], rows);
  } finally {
    moments.close();
  }
}

/** In the form that others can check: what was expected, what was found, and when anything was first found. */
const resultText = (verdicts: readonly Verdict[]): string =>
  `${JSON.stringify(
    {
      traces: verdicts.map(({ id, expected, found, firstFindingMinute }) => ({
        id,
        expected,
        found,
        first_finding_minute: firstFindingMinute,
      })),
    },
    null,
    1,
  )}\n`;

function writeIntoDocs(path: string, tables: string): void {
  const [begin, end] = DOCS_MARKS;
  const [before, rest] = readFileSync(path, "utf8").split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${path} has no part between ${begin} and ${end}`);
  writeFileSync(path, `${before}${begin}\n\n${tables}\n\n${end}${after}`);
}
