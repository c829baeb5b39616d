// The table of settings, and all that is made from it: help, the printed file, its JSON, the manual.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { resolveConfig } from "../../collector/config.ts";
import { nearestName } from "../../collector/nearest-name.ts";
import { flagOf, settingNames, settingOf } from "../../collector/settings.ts";
import { settingsManSection, settingsMarkdown } from "../../collector/settings-docs.ts";
import { configAsJson, helpText, printedConfig } from "../../collector/settings-text.ts";
import { missing } from "../support/need.ts";

test("every default is within its own limits, and has a reason", () => {
  for (const name of settingNames) {
    const { usual, reason, meaning, parse } = settingOf(name);
    if (usual !== null) equal(parse(String(usual)), usual, name);
    ok(reason.length > 10 && meaning.length > 10, name);
    ok(!/[.]$/.test(reason), `${name}: the reason is part of a sentence`);
  }
});

test("help, the man page and the manual's table name every setting with its flag", () => {
  for (const name of settingNames) {
    const flag = flagOf(name);
    ok(helpText().includes(`  ${flag ?? name}`), name);
    ok(settingsMarkdown().includes(`\`${name}\``), name);
    ok(settingsManSection().includes(`.BR ${name.replaceAll("-", "\\-")}`), name);
  }
  for (const line of helpText().split("\n")) ok(line.length <= 100, line);
});

test("no line of the man page is taken for a request by what it says", () => {
  for (const line of settingsManSection().split("\n")) match(line, /^(\.SH SETTINGS|\.TP|\.BR \S+( ", " \S+)?|[^.'].*)?$/);
});

test("the man page renders without a warning", { skip: missing("groff") }, () => {
  const page = `.TH TIDEMARK 8\n${settingsManSection()}`;
  const { status, stderr } = spawnSync("groff", ["-man", "-ww", "-Tutf8", "-z"], { input: page, encoding: "utf8" });
  deepEqual([status, stderr], [0, ""]);
});

test("what --print-config prints is a file that --config takes, and comes to the same settings", () => {
  const flags = new Map([["TIDEMARK_TICK_MS", "500"]] as const);
  const given = resolveConfig({
    flags,
    env: { TIDEMARK_DELIVERY_FOLDER: "/var/x y", AWS_EC2_METADATA_DISABLED: "true" },
    filePath: null,
  });
  const path = join(mkdtempSync(join(tmpdir(), "tidemark-")), "collector.conf");
  const text = printedConfig(given);
  writeFileSync(path, text);
  const again = resolveConfig({ flags: new Map(), env: { AWS_EC2_METADATA_DISABLED: "true" }, filePath: path });
  deepEqual(again.problems, []);
  deepEqual(again.config, given.config);
  match(text, /# Default: 10000; [^\n]+\n# From --tick-ms\.\nTIDEMARK_TICK_MS=500\n/);
  match(text, /\n#TIDEMARK_ROW_MS=60000\n/);
});

test("as JSON every setting has value, source, default and the reason for it", () => {
  const given = resolveConfig({ flags: new Map(), env: { TIDEMARK_DELIVERY_FOLDER: "x" }, filePath: null });
  const listed = configAsJson(given);
  equal(listed.length, settingNames.length);
  deepEqual(
    listed.find((setting) => "name" in setting && setting.name === "TIDEMARK_TICK_MS"),
    {
      name: "TIDEMARK_TICK_MS",
      flag: "--tick-ms",
      value: 10_000,
      source: "default",
      source_text: "default",
      unit: "ms",
      limits: "a whole number of ms from 100 to 3600000",
      default: 10_000,
      reason: settingOf("TIDEMARK_TICK_MS").reason,
      meaning: "Time between looks at statm of every process.",
      when_reloaded: "applies",
    },
  );
});

test("a name two letters beside one of ours was meant as that; another word was not", () => {
  const names = ["tick-ms", "row-ms", "ring-folder"] as const;
  equal(nearestName("tick_ms", names), "tick-ms");
  equal(nearestName("TIKC-MS", names), "tick-ms");
  equal(nearestName("rng-foldr", names), "ring-folder");
  equal(nearestName("interval", names), null);
  equal(nearestName("x".repeat(1_000_000), names), null);
});
