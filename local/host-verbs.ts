// The verbs of `tidemark` that look at this host and need no lake: the host package has them, and a clone.
// What each verb does is in the file of its name.
import { resolve } from "node:path";
import type { Command } from "commander";
import { duration, fileName, wholeNumber } from "./arguments.ts";

export function addHostVerbs(program: Command): void {
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
    .command("profile")
    .description("which code holds the memory of one process: live bytes by stack, for pprof and as a flame graph page")
    .argument("<pid>", "process id", wholeNumber)
    .option("--seconds <count>", "what is allocated from now on and still there after so many seconds", wholeNumber)
    .option("--finding <id>", "the finding that it is to explain: a part of the files' names", fileName)
    .option("--folder <path>", "folder of the lake; the files go under its profiles/", "tidemark-data")
    .option("--json", "the files and the largest stacks as one JSON object", false)
    .action(async (pid: number, { seconds, finding, folder, json }) => {
      const { profile } = await import("./profile.ts");
      process.exitCode = await profile({
        pid,
        durationMs: seconds === undefined ? null : seconds * 1_000,
        findingId: finding ?? null,
        folder: resolve(folder),
        json,
      });
    });

  program
    .command("doctor")
    .description("what the collector can and cannot see on this host, why, and what to do; exit code 1 when it cannot measure")
    .option("--config <path>", "the collector's file of settings; /etc/tidemark/collector.conf where that is there")
    .option("--json", "level, what, found, why and todo of each check, as one JSON object", false)
    .action(async ({ config, json }) => {
      const { doctor } = await import("./doctor.ts");
      process.exitCode = await doctor({ configPath: config === undefined ? null : resolve(config), json });
    });
}
