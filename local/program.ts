// The frame of the `tidemark` command, in a clone and on a host: name, version, and how it ends.
// Exit codes: 0 done, 1 failed or judged wrongly, 2 bad usage, 3 the answer is unknown, 130 interrupted.
import { Command, CommanderError } from "commander";
import manifest from "../package.json" with { type: "json" };

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

export function newProgram(): Command {
  return new Command("tidemark")
    .description(`${manifest.description}.`)
    .version(manifest.version)
    .showHelpAfterError("(--help shows what there is)")
    .exitOverride();
}

export async function runProgram(program: Command): Promise<void> {
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
      // An engine repeats the values that it cannot take, and those are strangers' words.
      const text = messages(error)
        .join(": ")
        .replace(/[^\P{Cc}\n\t]/gu, "\u{fffd}");
      process.stderr.write(`tidemark: ${text}\n`);
      process.exitCode = EXIT_FAILED;
    }
  }
}

/** A message and those of its causes; the stack helps nobody on a terminal. */
function messages(error: unknown): readonly string[] {
  return error instanceof Error
    ? [error.message, ...(error.cause === undefined ? [] : messages(error.cause))]
    : [String(error)];
}
