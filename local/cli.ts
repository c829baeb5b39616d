// The `tidemark` command: verbs, options and exit codes. What each verb does is in the file of its name.
// Exit codes: 0 done, 1 failed or judged wrongly, 2 bad usage, 3 the answer is unknown, 130 interrupted.
import { existsSync, readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const manifest: { version: string; description: string } = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
);

const folderOption = () =>
  new Option("--folder <path>", "folder of the lake, laid out like the bucket")
    .default("tidemark-data")
    .argParser((path: string) => {
      if (existsSync(path) && !statSync(path).isDirectory()) throw new InvalidArgumentError("It is not a folder.");
      return resolve(path);
    });

/** `90s`, `15m`, `1h`, `7d` as milliseconds. */
function duration(text: string): number {
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const ms = Number(amount) * ({ s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit ?? ""] ?? Number.NaN);
  if (!Number.isSafeInteger(ms) || ms === 0) throw new InvalidArgumentError("Write it like 30s, 15m, 1h or 7d.");
  return ms;
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError("It must be a whole number from 1 on.");
  return number;
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

const program = new Command("tidemark")
  .description(`${manifest.description}.`)
  .version(manifest.version)
  .showHelpAfterError("(--help shows what there is)")
  .exitOverride();

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

program
  .command("inspect")
  .description("one process, now: is its heap fragmented, how much would come back, what pins it")
  .argument("<pid>", "process id", wholeNumber)
  .option("--json", "the figures, under the column names of docs/metrics.md", false)
  .option("--relief", "say as well what tidemark relief would return, and what it would take; changes nothing", false)
  .action(async (pid: number, { json, relief }) => {
    const { inspect } = await import("./inspect.ts");
    process.exitCode = await inspect({ pid, json, relief });
  });

program
  .command("relief")
  .description("ask one process, started with the shim and TIDEMARK_RELIEF=1, to give its free memory back to the kernel")
  .argument("<pid>", "process id", wholeNumber)
  .option("--timeout <duration>", "how long to wait for a quiet moment of the process", duration, 60_000)
  .option("--json", "what was asked, returned and seen, as one JSON object", false)
  .action(async (pid: number, { timeout, json }) => {
    const { relief } = await import("./relief.ts");
    process.exitCode = await relief({ pid, timeoutMs: timeout, json });
  });

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

// A reader that has seen enough (| head) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
  } else {
    process.stderr.write(`tidemark: ${messages(error).join(": ")}\n`);
    process.exitCode = EXIT_FAILED;
  }
}

/** A message and those of its causes; the stack helps nobody on a terminal. */
function messages(error: unknown): readonly string[] {
  return error instanceof Error
    ? [error.message, ...(error.cause === undefined ? [] : messages(error.cause))]
    : [String(error)];
}
