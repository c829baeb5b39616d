// The `tidemark` command: verbs and options. What each verb does is in the file of its name, exit codes are in program.ts.
// The verbs that a host has as well, where only the collector is installed, are host-verbs.ts's.
import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { duration, wholeNumber } from "./arguments.ts";
import { addHostVerbs } from "./host-verbs.ts";
import { newProgram, runProgram } from "./program.ts";

const folderOption = () =>
  new Option("--folder <path>", "folder of the lake, laid out like the bucket")
    .default("tidemark-data")
    .argParser((path: string) => {
      if (existsSync(path) && !statSync(path).isDirectory()) throw new InvalidArgumentError("It is not a folder.");
      return resolve(path);
    });

/** A name that becomes a file's must not lead elsewhere. */
function fileName(text: string): string {
  if (!/^[\w.-]+$/.test(text) || text.startsWith(".")) throw new InvalidArgumentError("Letters, digits, _, - and . only.");
  return text;
}

function positiveNumber(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError("It must be a number above 0.");
  return number;
}

/** Date.parse alone would take "5" for a day in May 2001. */
function utcTime(text: string): number {
  const [, date, time = "00:00", offset = "Z"] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?))?(Z|[+-]\d\d:\d\d)?$/i.exec(text) ?? [];
  const timeMs = Date.parse(`${date}T${time}${offset.toUpperCase()}`);
  if (Number.isNaN(timeMs)) throw new InvalidArgumentError("Write it like 2026-11-23T12:00:00.");
  return timeMs;
}

function keyValue(text: string, collected: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const equals = text.indexOf("=");
  if (equals <= 0) throw new InvalidArgumentError("Write it like name=value.");
  return { ...collected, [text.slice(0, equals)]: text.slice(equals + 1) };
}

const program = newProgram();

program
  .command("demo")
  .description(
    "watch workloads of known behaviour and every other process of this machine for about a minute; find, explain, report",
  )
  .addOption(folderOption())
  .option("--report <file>", "where the report goes", "report.html")
  .action(async ({ folder, report }) => {
    const { demo } = await import("./demo.ts");
    process.exitCode = await demo({ folder: resolve(folder), reportPath: resolve(report) });
  });

program
  .command("watch")
  .description("collect from this machine into a folder until stopped, with production's settings unless told otherwise")
  .addOption(folderOption())
  .option("--tick <duration>", "between looks at every process", duration, 10_000)
  .option("--row <duration>", "between rows of a process", duration, 60_000)
  .option("--flush <duration>", "between deliveries", duration, 60_000)
  .action(async ({ folder, tick, row, flush }) => {
    const { watch } = await import("./watch.ts");
    process.exitCode = await watch({ folder: resolve(folder), tickMs: tick, rowMs: row, flushMs: flush });
  });

program
  .command("sql")
  .description("ask the lake: a statement, or the name of a query; without either, list the named queries")
  .argument("[query]", "SQL text, or a name from the list")
  .addOption(folderOption())
  .option("--param <name=value>", "parameter of a named query; repeatable", keyValue, {})
  .addOption(new Option("--json", "rows as JSON, one a line").conflicts("csv"))
  .option("--csv", "rows as comma-separated values (RFC 4180), NULL as an empty field")
  .addOption(new Option("--explain", "the engine's plan instead of the rows").conflicts("describe"))
  .option("--describe", "what a named query asks, takes and gives, instead of its rows")
  .option("--history", "what was asked before")
  .option("--athena", "ask Athena instead of a folder, with AWS credentials and region from the environment")
  .addOption(new Option("--workgroup <name>", "Athena workgroup").env("TIDEMARK_WORKGROUP").default("tidemark"))
  .addOption(new Option("--database <name>", "Glue database").env("TIDEMARK_DATABASE").default("tidemark"))
  .addOption(new Option("--lake-bucket <name>", "bucket of the lake, for the estimate").env("TIDEMARK_LAKE_BUCKET"))
  .option("--dollars-max <amount>", "do not ask what may cost more on Athena", positiveNumber, 1)
  .action(async (query: string | undefined, options) => {
    const { sql, sqlHistory } = await import("./sql.ts");
    if (options.history) return sqlHistory();
    const { workgroup, database, lakeBucket = null, dollarsMax } = options;
    await sql({
      query,
      parameters: options.param,
      format: options.json ? "json" : options.csv ? "csv" : "table",
      instead: options.explain ? "explain" : options.describe ? "describe" : null,
      lake: options.athena
        ? { kind: "athena", workgroup, database, lakeBucket, dollarsMax }
        : { kind: "folder", folder: resolve(options.folder) },
    });
  });

program
  .command("report")
  .description("detect on the lake, print the findings and draw the report")
  .addOption(folderOption())
  .option("--report <file>", "where the report goes", "report.html")
  .option("--period <duration>", "a cycle of the traffic: troughs are compared from one to the next", duration, 86_400_000)
  .option("--periods <count>", "how many periods to look at, the last one ending with the newest sample", wholeNumber, 7)
  .option("--param <name=value>", "threshold of a detection query, see tidemark sql; repeatable", keyValue, {})
  .action(async ({ folder, report, period, periods, param }) => {
    const { report: makeReport } = await import("./report.ts");
    await makeReport({
      folder: resolve(folder),
      reportPath: resolve(report),
      periodMs: period,
      periodCount: periods,
      parameters: param,
    });
  });

addHostVerbs(program);

program
  .command("replay")
  .description("fill a lake with recorded traces, or with another lake's history on many times the hosts; marked as replayed")
  .argument("<source...>", "trace files (*.ndjson), folders of them, or the folder of a lake")
  .addOption(folderOption())
  .option("--hosts <count>", "hosts that run every trace, or copies of every host of a lake", wholeNumber, 1)
  .option("--repeat <count>", "plays of every trace, one after the other", wholeNumber, 1)
  .option("--stretch <factor>", "times the recorded distance between rows", positiveNumber, 1)
  .option(
    "--end <time>",
    "UTC time of the last row (a lake's last hour ends there or before), like 2026-11-23T12:00:00; now when left out",
    utcTime,
  )
  .action(async (sources: string[], { folder, hosts, repeat, stretch, end }) => {
    const { replay } = await import("./replay.ts");
    await replay({ sources, folder: resolve(folder), hosts, repeat, stretch, endMs: end ?? Date.now() });
  });

program
  .command("cost")
  .description(
    "the monthly bill of a fleet on AWS, from sizes and speeds measured now, beside other ways to keep the same data",
  )
  .requiredOption("--hosts <count>", "hosts of the fleet", wholeNumber)
  .option("--processes <count>", "watched processes on each", wholeNumber, 30)
  .option("--json", "all figures as one JSON object", false)
  .action(async ({ hosts, processes, json }) => {
    const { cost } = await import("./cost.ts");
    await cost({ hosts, processes, json });
  });

program
  .command("evaluate")
  .description("judge labelled traces by the same queries as live rows, beside other rules; writes evaluation.json here")
  .argument("[folder]", "folder of traces, as test/traces/README.md describes them; the project's own when left out")
  .option("--docs <file>", "write the tables into this Markdown file as well")
  .option("--variants", "judge the traces again with less known of them", false)
  .option("--sensitivity", "judge them again with every threshold a fifth higher and lower", false)
  .action(async (folder: string | undefined, { docs, variants, sensitivity }) => {
    const { evaluate, ownTraces } = await import("./evaluate.ts");
    await evaluate({
      folder: resolve(folder ?? ownTraces()),
      resultPath: resolve("evaluation.json"),
      docsPath: docs === undefined ? null : resolve(docs),
      variants,
      sensitivity,
    });
  });

program
  .command("record")
  .description("run a command, or watch a process, and write its memory as a trace for evaluate and replay")
  .argument("[command...]", "what to run, after --")
  .option("--pid <pid>", "watch this process instead", wholeNumber)
  .option("--id <name>", "name of the trace (default: program and pid)", fileName)
  .option("--cause <cause>", "what is known of it: a cause, none, or unknown", "unknown")
  .option("--interval <duration>", "between rows", duration)
  .option("--compress", "a row every half second, each standing for a minute", false)
  .option("--duration <duration>", "stop after this time", duration)
  .option("--out <file>", "where the trace goes (default: <name>.ndjson); never overwritten")
  .action(async (command: string[], { pid, id, cause, interval, compress, duration, out }, self: Command) => {
    const { record, recordableCauses } = await import("./record.ts");
    const [first, ...rest] = command;
    if ((first === undefined) === (pid === undefined)) self.error("error: give a command after --, or --pid");
    if (!recordableCauses().includes(cause)) self.error(`error: --cause is one of ${recordableCauses().join(", ")}`);
    process.exitCode = await record({
      target: first === undefined ? { kind: "pid", pid } : { kind: "command", command: [first, ...rest] },
      id: id ?? null,
      cause,
      intervalMs: interval ?? (compress ? 500 : 60_000),
      compress,
      durationMs: duration ?? null,
      path: out === undefined ? null : resolve(out),
    });
  });

await runProgram(program);
