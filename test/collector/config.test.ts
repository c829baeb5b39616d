// Settings from flags, environment, file and defaults: which one counts, and what is said about those that are wrong.
// What may be in the file is config-file.test.ts's.
import { deepEqual, equal, match } from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readConfig, resolveConfig } from "../../collector/config.ts";

/** A file of these lines, as root or its user would write it. */
function fileOf(...lines: readonly string[]): string {
  const path = join(mkdtempSync(join(tmpdir(), "tidemark-")), "collector.conf");
  writeFileSync(path, lines.join("\n"), { mode: 0o644 });
  return path;
}

test("with the folder alone, production's defaults hold", () => {
  const config = readConfig({ TIDEMARK_DELIVERY_FOLDER: "/var/lib/tidemark" });
  if (!config.ok) throw new Error(config.error.join());
  const { tickMs, rowMs, flushMs, walkCostShareMax, allWalksCostShareMax, stopOnStdinEnd } = config.value;
  deepEqual([tickMs, rowMs, flushMs], [10_000, 60_000, 300_000]);
  deepEqual([walkCostShareMax, allWalksCostShareMax, stopOnStdinEnd], [0.002, 0.001, false]);
});

test("every bad setting is named with its value, all at once", () => {
  const config = readConfig({ TIDEMARK_TICK_MS: "soon", TIDEMARK_WALK_COST_SHARE_MAX: "7" });
  const problems = config.ok ? [] : config.error;
  equal(problems.length, 3);
  match(problems.join("\n"), /TIDEMARK_DELIVERY_FOLDER is not set/);
  match(problems.join("\n"), /TIDEMARK_TICK_MS is soon/);
  match(problems.join("\n"), /TIDEMARK_WALK_COST_SHARE_MAX is 7/);
});

test("records go to a folder or to a stream: neither and both are refused, with both values", () => {
  const stream = readConfig({ TIDEMARK_FIREHOSE_STREAM: "tidemark-samples" });
  deepEqual(stream.ok && stream.value.destination, { kind: "firehose", stream: "tidemark-samples" });
  const table = [
    [{}, "TIDEMARK_DELIVERY_FOLDER is not set, TIDEMARK_FIREHOSE_STREAM is not set"],
    [
      { TIDEMARK_DELIVERY_FOLDER: "f", TIDEMARK_FIREHOSE_STREAM: "s" },
      "TIDEMARK_DELIVERY_FOLDER is f, TIDEMARK_FIREHOSE_STREAM is s",
    ],
  ] as const;
  for (const [env, problem] of table) {
    deepEqual(readConfig(env), { ok: false, error: [`${problem}: exactly one of them says where records go`] });
  }
});

test("a stream's name is not an ARN", () => {
  const config = readConfig({ TIDEMARK_FIREHOSE_STREAM: "arn:aws:firehose:us-east-1:123456789012:deliverystream/x" });
  match(config.ok ? "" : config.error.join(), /TIDEMARK_FIREHOSE_STREAM is arn:.*: expected the name of a Firehose stream/);
});

test("a row shorter than a tick is refused with both values", () => {
  const config = readConfig({ TIDEMARK_DELIVERY_FOLDER: "x", TIDEMARK_TICK_MS: "2000", TIDEMARK_ROW_MS: "1000" });
  deepEqual(config, {
    ok: false,
    error: ["TIDEMARK_ROW_MS is 1000 (the environment): expected at least TIDEMARK_TICK_MS, 2000"],
  });
});

test("the metadata service is asked at its own address or on loopback, and not at all where it is turned off", () => {
  const endpoint = (env: Readonly<Record<string, string>>) => {
    const config = readConfig({ TIDEMARK_DELIVERY_FOLDER: "x", ...env });
    return config.ok ? config.value.imdsEndpoint : config.error.join();
  };
  equal(endpoint({}), "http://169.254.169.254");
  equal(endpoint({ AWS_EC2_METADATA_SERVICE_ENDPOINT: "http://127.0.0.1:1338/" }), "http://127.0.0.1:1338");
  equal(endpoint({ AWS_EC2_METADATA_SERVICE_ENDPOINT: "http://[fd00:ec2::254]" }), "http://[fd00:ec2::254]");
  equal(endpoint({ TIDEMARK_IMDS: "off" }), null);
  equal(endpoint({ AWS_EC2_METADATA_DISABLED: "TRUE" }), null);
  match(endpoint({ TIDEMARK_IMDS: "on" }) ?? "", /TIDEMARK_IMDS is on/);
  for (const elsewhere of [
    "https://169.254.169.254",
    "http://169.254.169.254.evil.example",
    "http://10.0.0.1",
    "http://127.0.0.1@evil",
  ])
    match(endpoint({ AWS_EC2_METADATA_SERVICE_ENDPOINT: elsewhere }) ?? "", /^AWS_EC2_METADATA_SERVICE_ENDPOINT is http/);
});

test("a flag counts before the environment, that before the file, that before the default; empty is not set", () => {
  const filePath = fileOf(
    "TIDEMARK_DELIVERY_FOLDER=/f",
    "TIDEMARK_TICK_MS=1000",
    "TIDEMARK_ROW_MS=2000",
    "TIDEMARK_FLUSH_MS=3000",
  );
  const env = { TIDEMARK_TICK_MS: "1001", TIDEMARK_ROW_MS: "2001", TIDEMARK_FLUSH_MS: "" };
  const resolved = resolveConfig({ flags: new Map([["TIDEMARK_TICK_MS", "1002"]]), env, filePath });
  const { tickMs, rowMs, flushMs, histogramMs } = resolved.config;
  deepEqual([tickMs, rowMs, flushMs, histogramMs], [1002, 2001, 3000, 480_000]);
  const sources = (["TIDEMARK_TICK_MS", "TIDEMARK_ROW_MS", "TIDEMARK_FLUSH_MS", "TIDEMARK_HISTOGRAM_MS"] as const).map(
    (name) => resolved.sources.get(name)?.text,
  );
  deepEqual(sources, ["--tick-ms", "the environment", `${filePath} line 4`, "default"]);
  deepEqual(resolved.problems, []);
});

test("a destination that a stronger source names replaces the other kind of a weaker one", () => {
  const filePath = fileOf("TIDEMARK_FIREHOSE_STREAM=fleet");
  const resolved = resolveConfig({ flags: new Map(), env: { TIDEMARK_DELIVERY_FOLDER: "here" }, filePath });
  deepEqual([resolved.problems, resolved.config.destination], [[], { kind: "folder", folder: "here" }]);
});

test("problems of flags, environment and file are told together, each with where it is from", () => {
  const filePath = fileOf(
    "TIDEMARK_TICK_MS=x",
    "TIDEMARK_SPOOL_FOLDER=var",
    "# fine",
    "TIDEMARK_TIK_MS=5",
    "AWS_REGION=eu-west-1",
  );
  const { problems } = resolveConfig({
    flags: new Map([["TIDEMARK_STALL_MS_MAX", "0"]]),
    env: { TIDEMARK_IMDS: "maybe" },
    filePath,
  });
  deepEqual(problems, [
    `TIDEMARK_TIK_MS in ${filePath} line 4 is no setting: did you mean TIDEMARK_TICK_MS?`,
    `AWS_REGION in ${filePath} line 5 belongs in the environment: the SDK reads nothing else`,
    `TIDEMARK_TICK_MS is x (${filePath} line 1): expected a whole number of ms from 100 to 3600000`,
    "TIDEMARK_STALL_MS_MAX is 0 (--stall-ms-max): expected a whole number of ms from 1 to 60000",
    `TIDEMARK_SPOOL_FOLDER is var (${filePath} line 2): expected an absolute path`,
    "TIDEMARK_IMDS is maybe (the environment): expected auto or off",
    "TIDEMARK_DELIVERY_FOLDER is not set, TIDEMARK_FIREHOSE_STREAM is not set: exactly one of them says where records go",
  ]);
});

test("a file that is not there is one problem, and nothing is guessed about what it would have said", () => {
  const { problems } = resolveConfig({ flags: new Map(), env: {}, filePath: "/nonexistent/collector.conf" });
  equal(problems.length, 1);
  match(problems[0] ?? "", /^\/nonexistent\/collector.conf is refused: ENOENT/);
});

test("numbers are what they look like: no sign, no exponent, no hexadecimal, no blank, no unit", () => {
  for (const value of ["-1", "1e4", "0x3e8", " ", "10s", "1000.5", "99999999999999999999", "NaN", "Infinity", "१०००"]) {
    const config = readConfig({ TIDEMARK_DELIVERY_FOLDER: "x", TIDEMARK_TICK_MS: value });
    match(config.ok ? "" : config.error.join(), /^TIDEMARK_TICK_MS is /, value);
  }
  for (const value of ["0", "0.0", "0.500001", ".", "-0.1", "1e-3"]) {
    const config = readConfig({ TIDEMARK_DELIVERY_FOLDER: "x", TIDEMARK_WALK_COST_SHARE_MAX: value });
    match(config.ok ? "" : config.error.join(), /^TIDEMARK_WALK_COST_SHARE_MAX is .*above 0, at most 0.5$/, value);
  }
});

test("a variable a letter beside a setting is pointed out; others' variables are not", () => {
  const env = {
    TIDEMARK_DELIVERY_FOLDER: "x",
    TIDEMARK_TICK_SM: "5",
    TIDEMARK_SERVICE: "a",
    TIDEMARK_RELIEF: "1",
    TIDEMARK_WORKGROUP: "w",
  };
  deepEqual(resolveConfig({ flags: new Map(), env, filePath: null }).warnings, [
    "TIDEMARK_TICK_SM in the environment is no setting: did you mean TIDEMARK_TICK_MS?",
  ]);
});
