// tidemark replay: fills a lake with what was recorded, for demos, trials of scale, and judging detection.
// Traces go through the whole pipeline; another lake is multiplied file by file. Either way the rows say that they are replayed.
import { existsSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { createLogUpdate } from "log-update";
import { formatCount, formatCountOf } from "../functions/core/units.ts";
import { conversionTotals } from "./log.ts";
import { multiplyLake } from "./replay/multiply-lake.ts";
import { replayTraces } from "./replay/replay-traces.ts";
import { parseTrace, readTraceText, type Trace, traceFiles } from "./replay/trace.ts";

export interface ReplayVerb {
  /** Trace files, folders of them, or one folder with a lake. */
  readonly sources: readonly string[];
  readonly folder: string;
  readonly hosts: number;
  readonly repeat: number;
  readonly stretch: number;
  readonly endMs: number;
}

export async function replay({ sources, folder, hosts, repeat, stretch, endMs }: ReplayVerb): Promise<void> {
  const [only] = sources;
  if (sources.length === 1 && only !== undefined && isLake(only)) {
    if (repeat !== 1 || stretch !== 1) throw new Error("--repeat and --stretch go with traces; a lake is shifted as a whole");
    if (existsSync(folder) && realpathSync(only) === realpathSync(folder))
      throw new Error(`${only} cannot be replayed into itself: choose another --folder`);
    return replayLake(only, { folder, hosts, endMs });
  }
  const traces = readTraces(sources);
  const totals = conversionTotals();
  const line = progressLine();
  const progress = (done: number) => line.show(`${done} of ${hosts} hosts: ${totals.text()}`);
  await replayTraces(traces, { folder, endMs, hosts, repeat, stretch, totals, progress });
  line.done();
  process.stderr.write(
    `${formatCountOf(traces.length, "trace", "traces")} on ${formatCountOf(hosts, "host", "hosts")}: ${totals.text()}\nnext: tidemark report --folder ${folder}\n`,
  );
}

async function replayLake(source: string, { folder, hosts, endMs }: Pick<ReplayVerb, "folder" | "hosts" | "endMs">) {
  const line = progressLine();
  const progress = (done: number, all: number) => line.show(`${done} of ${all} hours`);
  const { hours, rows } = await multiplyLake({ source, folder, copies: hosts, endMs, progress });
  line.done();
  process.stderr.write(
    `${formatCount(rows)} rows of ${formatCountOf(hours, "hour", "hours")}, every host ${formatCountOf(hosts, "time", "times")}\n`,
  );
}

const isLake = (source: string): boolean => existsSync(join(source, "lake"));

function readTraces(sources: readonly string[]): readonly Trace[] {
  const files = sources.flatMap((source) => {
    if (!existsSync(source)) throw new Error(`${source} does not exist`);
    if (isLake(source)) throw new Error(`${source} is a lake: it is replayed alone, not together with traces`);
    if (!statSync(source).isDirectory()) return [source];
    const traces = traceFiles(source);
    if (traces.length === 0) throw new Error(`no trace (*.ndjson, *.ndjson.gz, *.ndjson.zst) and no lake in ${source}`);
    return traces;
  });
  return files.map((file) => {
    const trace = parseTrace(readTraceText(file), file);
    if (!trace.ok) throw new Error(`${file}: ${trace.error}`);
    return trace.value;
  });
}

/** On a terminal one line that changes; elsewhere nothing, because the last line says it all. */
function progressLine(): { show(text: string): void; done(): void } {
  const terminal = process.stderr.isTTY ? createLogUpdate(process.stderr) : null;
  return { show: (text) => terminal?.(text), done: () => terminal?.done() };
}
