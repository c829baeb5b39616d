// How well the queries judge the traces that the project carries, and that nothing but measured columns reaches them.
import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseLabelledTrace } from "../../local/evaluate/labelled-trace.ts";
import { causeScores, type Said, scoreOf, type Verdict, verdictOf } from "../../local/evaluate/score.ts";
import { judgeByCauses, ownTraces, readLabelledTraces } from "../../local/evaluate.ts";

const share = (part: number, whole: number): number => part / whole;
const folder = (): string => mkdtempSync(join(tmpdir(), "tidemark-evaluate-test-"));

test("of the project's own traces the causes are named rightly, early, and the healthy ones never", async () => {
  const verdicts = await judgeByCauses(readLabelledTraces(ownTraces()));
  const score = scoreOf(verdicts);
  ok(score.traceCount >= 61);
  ok(share(score.right, score.traceCount) >= 0.92, `${score.right} of ${score.traceCount}`);
  ok((score.precision ?? 0) >= 0.95 && (score.recall ?? 0) >= 0.95, `${score.precision} and ${score.recall}`);
  ok(share(score.confusions, score.traceCount) <= 0.03, `${score.confusions} confused`);
  equal(score.healthyAlerts, 0);
  ok(share(score.namedWithinOnePeak, score.problemCount) >= 0.9, `${score.namedWithinOnePeak} of ${score.problemCount}`);
  // Thresholds are not learned: what holds of each program alone is what leaving it out would give.
  for (const [program, group] of Map.groupBy(verdicts, (verdict) => verdict.program)) {
    const { right, traceCount } = scoreOf(group);
    ok(share(right, traceCount) >= 0.92, `${program}: ${right} of ${traceCount}`);
  }
});

test("what a trace knows of itself changes nothing: without its label, id, phases and events it is judged alike", async () => {
  const some = readLabelledTraces(ownTraces()).filter(({ id }) => /^(b_c_leak_1|e_toppin_1|a_redis_uniform_1)$/.test(id));
  equal(some.length, 3);
  const path = join(folder(), "blind.ndjson");
  const found = (verdicts: readonly Verdict[]) => verdicts.map((verdict) => [verdict.found, verdict.firstFindingMinute]);
  const blind = some.map(({ trace }) => {
    const rows = trace.rows.map(({ offsetMs, measured }) => JSON.stringify({ offset_ms: offsetMs, ...measured }));
    const parsed = parseLabelledTrace(["{}", ...rows].join("\n"), path);
    if (!parsed.ok) throw new Error(parsed.error);
    return parsed.value;
  });
  deepEqual(found(await judgeByCauses(blind)), found(await judgeByCauses(some)));
});

const labelled = (expected: string | null, peakEndMinutes: readonly number[] = [10, 40, 70]) =>
  ({ id: "t", program: "p", expected, peakEndMinutes, trace: { name: "t", rows: [] } }) as const;
const said = (...runs: readonly (readonly [string, number])[]): Said => {
  const causes = runs.flatMap(([cause, count]) => Array.from({ length: count }, () => cause));
  return { causes, minutes: causes.map((_, minute) => minute) };
};

test("a verdict is the last word; how soon the right one came is counted in peaks after the first", () => {
  const verdict = verdictOf(labelled("leak"), said(["none", 30], ["fragmentation", 15], ["leak", 20]));
  deepEqual([verdict.found, verdict.firstFindingMinute, verdict.peaksToName, verdict.alertCount], ["leak", 30, 1, 1]);
  equal(verdictOf(labelled("leak"), said(["none", 71], ["leak", 1])).peaksToName, 2);
  const silent = verdictOf(labelled("leak"), said(["none", 30]));
  deepEqual([silent.found, silent.firstFindingMinute, silent.peaksToName], ["none", null, null]);
  equal(verdictOf(labelled("none"), said(["leak", 1], ["none", 5], ["leak", 2], ["none", 5])).alertCount, 2);
});

test("scores count what is said against what is; a trace that nobody has labelled counts in none of them", () => {
  const verdicts = [
    verdictOf(labelled("leak"), said(["leak", 5])),
    verdictOf(labelled("leak"), said(["fragmentation", 5])),
    verdictOf(labelled("arena_bloat"), said(["none", 5])),
    verdictOf(labelled("none"), said(["none", 3], ["leak", 1], ["none", 1])),
    verdictOf(labelled("none"), said(["retention", 5])),
    verdictOf(labelled(null), said(["leak", 5])),
  ];
  const { traceCount, right, precision, recall, confusions, healthyAlerts, alertsPerThousandHours } = scoreOf(verdicts);
  deepEqual([traceCount, right, precision, recall, confusions], [5, 2, 2 / 3, 2 / 3, 1]);
  deepEqual([healthyAlerts, alertsPerThousandHours], [2, 200]);
  deepEqual(causeScores(verdicts)[2], { cause: "leak", expected: 2, found: 1, right: 1 });
  deepEqual([scoreOf([]).precision, scoreOf([]).recall, scoreOf([]).alertsPerThousandHours], [null, null, null]);
});

test("a label is a cause or is refused, and names of strangers come without control characters", () => {
  const row = '{"offset_ms":0,"rss_bytes":1}';
  const parse = (header: object) => parseLabelledTrace(`${JSON.stringify(header)}\n${row}`, "x/t.ndjson.gz");
  const refused = parse({ id: "a", cause: "gremlins" });
  match(refused.ok ? "" : refused.error, /^its cause is gremlins: expected one of leak, /);
  const odd = parse({ id: "a\u001b[31m|b", cause: "unknown", program: 7 });
  deepEqual(odd.ok && [odd.value.id, odd.value.expected, odd.value.program], ["a\ufffd[31m\ufffdb", null, "unknown"]);
  const nameless = parse({});
  equal(nameless.ok && nameless.value.id, "t");
});

test("a folder without traces, and a trace that cannot be read, are errors that name the file", () => {
  const empty = folder();
  throws(() => readLabelledTraces(empty), /no trace \(\*\.ndjson, .*\) in /);
  writeFileSync(join(empty, "a.ndjson.gz"), "not gzip");
  throws(() => readLabelledTraces(empty), /a\.ndjson\.gz cannot be read/);
});

test("tidemark evaluate prints the tables and writes what others can check into the current folder", () => {
  const cwd = folder();
  const rows = Array.from({ length: 40 }, (_, minute) =>
    JSON.stringify({ offset_ms: minute * 60_000, rss_bytes: 1e8, anon_bytes: 9e7, live_bytes: 8e7, free_bytes: 1e6 }),
  );
  writeFileSync(join(cwd, "steady.ndjson"), ['{"id":"steady","cause":"none","program":"p"}', ...rows].join("\n"));
  const cli = join(import.meta.dirname, "../../local/cli.ts");
  const { stdout, stderr, status } = spawnSync(process.execPath, [cli, "evaluate", "."], { cwd, encoding: "utf8" });
  equal(status, 0, stderr);
  match(stdout, /^1 of 1 \(100 %\) named rightly/);
  match(stdout, /\| Mann-Kendall on RSS +\|/);
  deepEqual(JSON.parse(readFileSync(join(cwd, "evaluation.json"), "utf8")), {
    traces: [{ id: "steady", expected: "none", found: "none", first_finding_minute: null }],
  });
});
