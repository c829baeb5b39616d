// The `tidemark` command: verbs and options. What each verb does is in the file of its name, exit codes are in program.ts.
// The verbs that a host has as well, where only the collector is installed, are host-verbs.ts's.
import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Span } from "../functions/core/review/span.ts";
import { duration, fileName, wholeNumber } from "./arguments.ts";
import { addHostVerbs } from "./host-verbs.ts";
import { newProgram, runProgram } from "./program.ts";

const folderOption = () =>
  new Option("--folder <path>", "folder of the lake, laid out like the bucket")
    .default("tidemark-data")
    .argParser((path: string) => {
      if (existsSync(path) && !statSync(path).isDirectory()) throw new InvalidArgumentError("It is not a folder.");
      return resolve(path);
    });

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

/** `2026-11-20T06:00..2026-11-20T12:00`. */
function timeSpan(text: string, collected: readonly Span[]): readonly Span[] {
  const [from, to, ...more] = text.split("..");
  if (from === undefined || to === undefined || more.length > 0)
    throw new InvalidArgumentError("Write it like 2026-11-20T06:00..2026-11-20T12:00.");
  return [...collected, { fromMs: utcTime(from), toMs: utcTime(to) }];
}

function keyValue(text: string, collected: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const equals = text.indexOf("=");
  if (equals <= 0) throw new InvalidArgumentError("Write it like name=value.");
  return { ...collected, [text.slice(0, equals)]: text.slice(equals + 1) };
}

/** A port is a number, a time has a unit. */
function readyWhen(
  text: string,
): { readonly kind: "port"; readonly port: number } | { readonly kind: "wait"; readonly ms: number } {
  if (!/^\d+$/.test(text)) return { kind: "wait", ms: duration(text) };
  const port = Number(text);
  if (port < 1 || port > 65_535) throw new InvalidArgumentError("A port is 1 to 65535; a time has a unit, like 2s.");
  return { kind: "port", port };
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
  .option("--weekly", "the weekly report of a fleet instead: this week beside the one before, and its mail here", false)
  .action(async ({ folder, report, period, periods, param, weekly }) => {
    const draw = weekly ? (await import("./weekly.ts")).weekly : (await import("./report.ts")).report;
    await draw({
      folder: resolve(folder),
      reportPath: resolve(report),
      periodMs: period,
      periodCount: periods,
      parameters: param,
    });
  });

program
  .command("review")
  .description(
    "look back at a peak: what every service had before, at and after it, what failed, what to change before the next",
  )
  .requiredOption("--from <time>", "UTC time at which it began, like 2026-11-27T06:00:00", utcTime)
  .requiredOption("--to <time>", "UTC time at which it was over", utcTime)
  .option("--against <from..to>", "an earlier peak to compare with; repeatable", timeSpan, [])
  .option("--weeks <count>", "compare with the same hours of so many weeks before", wholeNumber)
  .option("--title <text>", "what people call it")
  .addOption(folderOption())
  .option("--out <file>", "where the page goes (default: reports/ in the folder)")
  .option("--json", "all figures as one JSON object instead of the text", false)
  .action(async ({ from, to, against, weeks, title, folder, out, json }) => {
    const { review } = await import("./review.ts");
    await review({
      request: { fromMs: from, toMs: to, against, weeks: weeks ?? 0, title: title ?? null },
      folder: resolve(folder),
      outPath: out === undefined ? null : resolve(out),
      json,
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

program
  .command("whatif")
  .description(
    "run a command, or a copy of a process, under one allocator and setting after another, and compare memory, CPU and time",
  )
  .argument("[command...]", "what to run, after --")
  .option(
    "--pid <pid>",
    "start a copy of this process instead: its command, folder and environment; it is not touched",
    wholeNumber,
  )
  .option("--env <name=value>", "added to the environment of every run; repeatable", keyValue, {})
  .option(
    "--load <command>",
    "shell command that works the program; it finds TIDEMARK_PID and TIDEMARK_PORT in its environment",
  )
  .option("--ready <when>", "before the load: a TCP port to wait for, or a time like 2s", readyWhen, {
    kind: "wait",
    ms: 1_000,
  })
  .option("--duration <duration>", "without a load: let the program work so long (default: until it ends)", duration)
  .option("--settle <duration>", "watch so long after the load; its last half counts as after the peak", duration, 20_000)
  .option("--timeout <duration>", "end a run that takes longer", duration, 60_000)
  .option("--runs <count>", "runs of every setting (the baseline has two at least)", wholeNumber, 1)
  .option("--only <ids>", "settings to try, with commas between them", (ids: string) => ids.split(","))
  .option("--list", "say what would be tried, and why, and run nothing", false)
  .option("--json", "all figures as one JSON object", false)
  .option("--chart <file>", "draw it: an .svg, or a page")
  .action(async (command: string[], options, self: Command) => {
    const { whatif } = await import("./whatif.ts");
    const [first, ...rest] = command;
    if ((first === undefined) === (options.pid === undefined)) self.error("error: give a command after --, or --pid");
    process.exitCode = await whatif({
      target: first === undefined ? { kind: "pid", pid: options.pid } : { kind: "command", command: [first, ...rest] },
      env: options.env,
      load: options.load ?? null,
      ready: options.ready,
      durationMs: options.duration ?? null,
      settleMs: options.settle,
      timeoutMs: options.timeout,
      runs: options.runs,
      only: options.only ?? null,
      json: options.json,
      chartPath: options.chart === undefined ? null : resolve(options.chart),
      list: options.list,
    });
  });

await runProgram(program);
