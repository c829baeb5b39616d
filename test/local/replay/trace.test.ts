// A recorded trace as text: what becomes a row of a process, and which line is to blame when nothing does.
// Where the rows go is replay-traces.test.ts's.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { parseTrace } from "../../../local/replay/trace.ts";
import { minuteRows, traceText } from "./made-traces.ts";

const HEADER = '{"id":"a","cause":"leak"}';
const ROW = '{"offset_ms":0,"rss_bytes":1}';

const parsed = (text: string, path = "/traces/file-name.ndjson") => {
  const trace = parseTrace(text, path);
  ok(trace.ok, trace.ok ? "" : trace.error);
  return trace.value;
};

test("rows have what was measured; phase, cause and whatever else a trace knows about itself stay outside", () => {
  deepEqual(parsed(traceText({ rows: minuteRows(2) })), {
    name: "leaky",
    rows: [0, 1].map((at) => ({
      offsetMs: at * 60_000,
      measured: { rss_bytes: 1_000 + at, live_bytes: 500 + at, allocator: "glibc", reclaimable_bytes: 7 },
    })),
  });
});

test("a trace cannot say who or when it is: identity, times, texts and lists of a row are not taken", () => {
  const row = {
    offset_ms: 0,
    pid: 1,
    sequence: 9,
    sampled_at: 5,
    process_started_at: 5,
    host_id: "i-1",
    service: "x",
    environment: "production",
    tunables: "y",
    collector_version: "9",
    free_bytes_by_size: [1],
    rss_bytes: 3,
  };
  deepEqual(parsed(traceText({ rows: [row] })).rows[0]?.measured, { rss_bytes: 3 });
});

test("what is no count is not taken, and is absent, not 0", () => {
  const row = {
    offset_ms: 0,
    rss_bytes: -1,
    pss_bytes: 0.5,
    anon_bytes: null,
    file_bytes: "7",
    vma_count: 2 ** 53,
    swap_bytes: 0,
  };
  deepEqual(parsed(traceText({ rows: [{ ...row, allocator: "novel" }] })).rows[0]?.measured, { swap_bytes: 0 });
});

test("an exact figure counts more than the estimate of it, in whichever order they stand", () => {
  const rows = [
    { offset_ms: 0, reclaimable_bytes: 5, reclaimable_bytes_estimate: 7 },
    { offset_ms: 1, reclaimable_bytes_estimate: 7, reclaimable_bytes: 5 },
  ];
  deepEqual(
    parsed(traceText({ rows })).rows.map(({ measured }) => measured),
    [{ reclaimable_bytes: 5 }, { reclaimable_bytes: 5 }],
  );
});

test("rows come in the order of their time; blank lines and line ends of other systems do no harm", () => {
  const text = `\n${HEADER}\r\n\n{"offset_ms":9,"rss_bytes":2}\r\n${ROW}\n\n`;
  deepEqual(
    parsed(text).rows.map(({ offsetMs }) => offsetMs),
    [0, 9],
  );
});

test("a trace without a name of its own has that of its file", () => {
  for (const header of ["{}", '{"id":""}', '{"id":7}']) equal(parsed(`${header}\n${ROW}`).name, "file-name");
});

const wrong: { name: string; text: string; error: RegExp }[] = [
  { name: "nothing", text: "", error: /^line 1 is not a header/ },
  { name: "blank lines", text: "\n \n", error: /^line 1 is not a header/ },
  { name: "no JSON", text: "hello", error: /^line 1 is not a header/ },
  { name: "a list as header", text: `[1]\n${ROW}`, error: /^line 1 is not a header/ },
  { name: "a row in the place of the header", text: `${ROW}\n${ROW}`, error: /^line 1 is not a header.*without offset_ms/ },
  { name: "a header alone", text: HEADER, error: /^it has no rows$/ },
  { name: "a row that is cut off", text: `${HEADER}\n${ROW}\n{"offset_ms":`, error: /^line 3 is not a row/ },
  { name: "a bad row behind blank lines", text: `\n${HEADER}\n\n\n${ROW}\nbad`, error: /^line 6 is not a row/ },
  { name: "a row without a time", text: `${HEADER}\n{"rss_bytes":1}`, error: /^line 2 is not a row with offset_ms/ },
  { name: "a row before the beginning", text: `${HEADER}\n{"offset_ms":-1}`, error: /^line 2 is not a row/ },
  { name: "a time as text", text: `${HEADER}\n{"offset_ms":"0"}`, error: /^line 2 is not a row/ },
  { name: "a time beyond all numbers", text: `${HEADER}\n{"offset_ms":1e999}`, error: /^line 2 is not a row/ },
];

for (const { name, text, error } of wrong) {
  test(`a trace of ${name} is refused, and the line is named`, () => {
    const trace = parseTrace(text, "x.ndjson");
    ok(!trace.ok);
    match(trace.error, error);
  });
}
