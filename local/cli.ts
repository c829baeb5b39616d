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
  .option("--json", "rows as JSON, one a line", false)
  .action(async (query: string | undefined, { folder, param, json }) => {
    const { sql } = await import("./sql.ts");
    await sql({ query, folder: resolve(folder), parameters: param, json });
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
  .action(async (pid: number, { json }) => {
    const { inspect } = await import("./inspect.ts");
    process.exitCode = await inspect({ pid, json });
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
    cost({ hosts, processes, json });
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
