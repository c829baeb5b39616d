// The collector's command line: flags are the settings' names, and everything that is wrong is told at once.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { parseCommandLine } from "../../collector/command-line.ts";
import { flagOf, settingNames } from "../../collector/settings.ts";

test("every setting but those of the SDK has a flag, which takes its value behind a space or an equals sign", () => {
  const flags = settingNames.flatMap((name) => flagOf(name) ?? []);
  equal(flags.length, settingNames.filter((name) => !name.startsWith("AWS_")).length);
  for (const args of [flags.flatMap((flag) => [flag, "7"]), flags.map((flag) => `${flag}=7`)]) {
    const parsed = parseCommandLine(args);
    deepEqual([parsed.problems, parsed.flags.size], [[], flags.length]);
  }
});

test("--config names the file; of two of the same the last counts", () => {
  const { filePath, flags, action } = parseCommandLine(["--config", "/a", "--tick-ms=1", "--config=/b", "--tick-ms=2"]);
  deepEqual([filePath, flags.get("TIDEMARK_TICK_MS"), action], ["/b", "2", "run"]);
});

test("all that is wrong is told at once, with what was probably meant", () => {
  const { problems } = parseCommandLine([
    "--tik-ms",
    "4",
    "--row-ms",
    "--print-config=yes",
    "-x",
    "--json",
    "stray",
    "--walker=",
  ]);
  deepEqual(problems, [
    "--tik-ms is no option: did you mean --tick-ms?",
    "--row-ms has no value",
    "-x is no option (--help shows what there is)",
    "stray is no option",
    "--walker has no value",
    "--json goes with --print-config",
  ]);
});

test("what it is asked for instead of running", () => {
  equal(parseCommandLine(["--help", "--print-config"]).action, "help");
  equal(parseCommandLine(["--print-config"]).action, "print");
  equal(parseCommandLine(["--print-config", "--json"]).action, "print-json");
});
