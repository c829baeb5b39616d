// tidemark replay as a user types it: what it takes, what it refuses and how it ends.
// Marks and arithmetic are replay/*.test.ts's.
import { deepEqual, equal, match } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openLake } from "../../local/duckdb.ts";
import { replay } from "../../local/replay.ts";
import { minuteRows, traceText } from "./replay/made-traces.ts";

const cli = fileURLToPath(new URL("../../local/cli.ts", import.meta.url));
const tidemark = (...args: string[]) => spawnSync(process.execPath, [cli, "replay", ...args], { encoding: "utf8" });
const END_MS = Date.UTC(2026, 10, 23, 12);

const emptyFolder = () => mkdtempSync(join(tmpdir(), "tidemark-replay-"));

function traceFolder(...ids: string[]): string {
  const folder = emptyFolder();
  for (const id of ids) writeFileSync(join(folder, `${id}.ndjson`), traceText({ id, rows: minuteRows(3) }));
  writeFileSync(join(folder, "README.md"), "not a trace");
  return folder;
}

const verb = { folder: "", hosts: 1, repeat: 1, stretch: 1, endMs: END_MS };

async function ask(folder: string, sql: string) {
  const lake = await openLake(folder);
  try {
    return (await lake.query(sql)).rows;
  } finally {
    lake.close();
  }
}

test("a folder of traces, then the lake that it became: options as documented, what was done on stderr, and 0", async () => {
  const [traces, lake, larger] = [traceFolder("one", "two"), emptyFolder(), emptyFolder()];
  const first = tidemark(
    traces,
    "--folder",
    lake,
    "--hosts",
    "2",
    "--repeat",
    "2",
    "--stretch",
    "2",
    "--end",
    "2026-11-23 12:00",
  );
  equal(first.status, 0, first.stderr);
  equal(first.stdout, "");
  match(first.stderr, /^2 traces on 2 hosts: 24 rows in 2 objects \(.*\), 0 rejects\nnext: tidemark report --folder /);
  deepEqual(await ask(lake, "SELECT count(*), min(sampled_at), max(sampled_at) FROM process_samples"), [
    [24, "2026-11-23 11:50:00", "2026-11-23 12:00:00"],
  ]);

  const second = tidemark(lake, "--folder", larger, "--hosts", "5", "--end", "2026-11-24T00:30:00Z");
  equal(second.status, 0, second.stderr);
  match(second.stderr, /^120 rows of 2 hours, every host 5 times\n$/);
  deepEqual(await ask(larger, "SELECT count(*), max(sampled_at) FROM process_samples"), [[120, "2026-11-23 23:00:00"]]);
});

test("bad usage ends with 2 and says what is wrong", () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /missing required argument 'source'/],
    [["x", "--hosts", "0"], /whole number from 1 on/],
    [["x", "--repeat", "1.5"], /whole number from 1 on/],
    [["x", "--stretch", "-1"], /number above 0/],
    [["x", "--end", "soon"], /Write it like 2026-11-23T12:00:00/],
    [["x", "--end", "5"], /Write it like 2026-11-23T12:00:00/],
    [["x", "--end", "2026-13-01"], /Write it like 2026-11-23T12:00:00/],
  ];
  for (const [args, problem] of cases) {
    const { status, stderr } = tidemark(...args);
    equal(status, 2, args.join(" "));
    match(stderr, problem);
  }
});

test("what cannot be replayed ends with 1, one line and no stack", () => {
  const { status, stderr } = tidemark("/does/not/exist", "--folder", emptyFolder());
  equal(status, 1);
  equal(stderr, "tidemark: /does/not/exist does not exist\n");
});

async function refused(sources: readonly string[], given: Partial<typeof verb>): Promise<string> {
  try {
    await replay({ ...verb, folder: join(emptyFolder(), "none"), ...given, sources });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "it was taken";
}

/** A folder that is a lake by its looks. */
function lakeLike(): string {
  const folder = emptyFolder();
  mkdirSync(join(folder, "lake"));
  return folder;
}

test("a folder without a trace is named, also beside one that has some", async () => {
  const [traces, empty] = [traceFolder("one"), emptyFolder()];
  equal(await refused([traces, empty], {}), `no trace (*.ndjson, *.ndjson.gz, *.ndjson.zst) and no lake in ${empty}`);
});

test("a file that is no trace is named with its line, and nothing is written", async () => {
  const traces = traceFolder("one");
  const bad = join(traces, "bad.ndjson");
  writeFileSync(bad, '{"id":"bad"}\n{"offset_ms":0}\n{"offset_ms":');
  const folder = join(emptyFolder(), "lake");
  equal(await refused([traces], { folder }), `${bad}: line 3 is not a row with offset_ms, milliseconds from 0 on`);
  equal(existsSync(folder), false);
});

test("a lake is not replayed into itself, under whichever of its names", async () => {
  const lake = lakeLike();
  const alias = join(emptyFolder(), "alias");
  symlinkSync(lake, alias);
  for (const folder of [lake, `${lake}/.`, alias]) {
    equal(await refused([lake], { folder }), `${lake} cannot be replayed into itself: choose another --folder`);
  }
});

test("a lake is replayed alone and as a whole", async () => {
  const lake = lakeLike();
  equal(await refused([traceFolder("one"), lake], {}), `${lake} is a lake: it is replayed alone, not together with traces`);
  const whole = "--repeat and --stretch go with traces; a lake is shifted as a whole";
  equal(await refused([lake], { repeat: 2 }), whole);
  equal(await refused([lake], { stretch: 0.5 }), whole);
});

test("a span that the converter would not take is refused with the limit", async () => {
  match(await refused([traceFolder("one")], { stretch: 30_000 }), /^the replay spans 41\.7 days, .* up to 30\.0 days old$/);
});
