// An object of twenty members, harmed at one place after another: a bit flipped, a byte lost, the end cut off.
// Each time the handler must acknowledge, keep every row that is whole, and say what it could not. TIDEMARK_THOROUGH=1: every place.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import type { Context, SQSEvent } from "aws-lambda";
import { type ConvertReport, createConvertHandler } from "../../functions/convert.ts";
import { noSamples, type SampleKind, type Samples, sampleKinds, tables } from "../../schema/columns.ts";
import { LAKE_PREFIX, REJECTS_PREFIX, rawKey } from "../../schema/keys.ts";
import { memoryStore } from "../support/memory-store.ts";
import { collectorSample, hostSample } from "../support/samples.ts";
import { queryWithDuckdb } from "./core/parquet/readers.ts";
import { gzipMember, hostOf, processSample } from "./process-samples.ts";

const ARRIVED_AT_MS = Date.UTC(2026, 10, 23, 12);
const KEY = rawKey(ARRIVED_AT_MS, "harmed");
const MEMBERS = 20;
const isThorough = process.env["TIDEMARK_THOROUGH"] === "1";
/** Coprime to 8, so that in the course of an object every bit of a byte has its turn. */
const PLACES_BETWEEN = isThorough ? 1 : 61;

/** Mostly small members of one kind, so that headers and trailers have their share; every fifth has all kinds. */
function samplesOf(member: number): Samples {
  const time = { sampled_at: ARRIVED_AT_MS + member * 1_000, sequence: 1_000 + member };
  const hasAll = member % 5 === 0;
  return {
    ...noSamples,
    process: hasAll ? [0, 1].map((process) => processSample(member, process, 1, ARRIVED_AT_MS)) : [],
    host: hasAll || member % 2 === 1 ? [hostSample({ ...time, mem_total_bytes: 2 ** 34 + member })] : [],
    collector: hasAll || member % 2 === 0 ? [collectorSample({ ...time, row_count: member })] : [],
  };
}

const everyMember = Array.from({ length: MEMBERS }, (_, member) => member);
const members = everyMember.map((member) => gzipMember(hostOf(member), samplesOf(member)));
const starts = everyMember.map((member) => Buffer.concat(members.slice(0, member)).length);
const whole = Buffer.concat(members);
const memberAt = (place: number) => starts.findLastIndex((start) => start <= place);

interface Outcome {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly rejects: readonly Readonly<Record<string, unknown>>[];
  readonly report: Extract<ConvertReport, { kind: "converted" }>;
}

async function convert(object: Uint8Array): Promise<Outcome> {
  const store = memoryStore();
  const reports: ConvertReport[] = [];
  store.objects.set(KEY, object);
  const handler = createConvertHandler({
    raw: store,
    rawBucket: "b",
    lake: store,
    log: { info: () => {}, warn: () => {}, error: (message, fields) => ok(false, `${message}: ${String(fields?.["error"])}`) },
    nowMs: () => ARRIVED_AT_MS,
    report: (report) => reports.push(report),
  });
  const body = JSON.stringify({ detail: { bucket: { name: "b" }, object: { key: KEY, size: object.length } } });
  const attributes = { SentTimestamp: String(ARRIVED_AT_MS) };
  const event = { Records: [{ messageId: "one", body, attributes }] } as unknown as SQSEvent;
  deepEqual(await handler(event, {} as Context), { batchItemFailures: [] });
  const [report] = reports;
  ok(report?.kind === "converted");
  const under = (prefix: string) => [...store.objects].filter(([key]) => key.startsWith(prefix));
  const rejects = under(REJECTS_PREFIX).flatMap(([, bytes]) => Buffer.from(bytes).toString().trimEnd().split("\n"));
  return { files: new Map(under(LAKE_PREFIX)), rejects: rejects.map((line) => JSON.parse(line)), report };
}

/** The lake that these members alone would give; the writer is deterministic, so the bytes stand for the rows. */
const lakeOf = async (kept: readonly number[]) =>
  (await convert(Buffer.concat(kept.map((member) => members[member] ?? Buffer.alloc(0))))).files;
const all = await lakeOf(everyMember);
const without = await Promise.all(everyMember.map((lost) => lakeOf(everyMember.filter((member) => member !== lost))));

const isSame = (one: ReadonlyMap<string, Uint8Array>, other: ReadonlyMap<string, Uint8Array>): boolean =>
  one.size === other.size && [...one].every(([key, bytes]) => Buffer.from(bytes).equals(other.get(key) ?? Buffer.alloc(0)));

/** The one that was harmed is named with all that a person needs to find it; harm can make it look like two. */
function namesDamage({ rejects, report }: Outcome, member: number, about: string): void {
  ok(rejects.length >= 1, about);
  equal(report.rejects, rejects.length, about);
  equal(report.damagedMembers, rejects.length, about);
  for (const [at, line] of rejects.entries()) {
    deepEqual([line["object_key"], line["member"], line["line"]], [KEY, member + at, null], about);
    ok(String(line["reason"]).startsWith("gzip_") && line["value"] !== "" && line["limit"] !== "", JSON.stringify(line));
    const place = Number(/at byte (\d+)$/.exec(String(line["value"]))?.[1]);
    ok(memberAt(place) === member, `${about}: ${JSON.stringify(line)}`);
  }
}

test("the lakes that harmed objects are compared with hold exactly the rows of their members, read back by DuckDB", async () => {
  for (const [lost, files] of [[null, all] as const, ...without.entries()]) {
    for (const kind of sampleKinds) {
      const kept = everyMember.filter((member) => member !== lost).flatMap((member) => rowsOf(kind, member));
      const read = [...files].filter(([key]) => key.startsWith(`${LAKE_PREFIX}${kind}/`));
      const rows = (await Promise.all(read.map(([, bytes]) => queryWithDuckdb(bytes)))).flat();
      const byIdentity = (row: Readonly<Record<string, unknown>>) => `${row["host_id"]} ${row["sequence"]}`;
      const sorted = <T extends Readonly<Record<string, unknown>>>(of: readonly T[]) =>
        [...of].sort((a, b) => (byIdentity(a) < byIdentity(b) ? -1 : 1));
      deepEqual(sorted(rows), sorted(kept), `${kind} without member ${lost}`);
    }
  }
});

function rowsOf(kind: SampleKind, member: number): readonly Readonly<Record<string, unknown>>[] {
  return samplesOf(member)[kind].map((row) => {
    const values: Readonly<Record<string, unknown>> = { ...hostOf(member), ...row };
    return Object.fromEntries(Object.keys(tables[kind]).map((name) => [name, values[name] ?? null]));
  });
}

const places = (length: number): number[] =>
  Array.from({ length: Math.ceil(length / PLACES_BETWEEN) }, (_, at) => at * PLACES_BETWEEN);

test("whichever bit is flipped, only the member that it is in is lost, and is named", async () => {
  let harmless = 0;
  for (const place of places(whole.length)) {
    const object = Buffer.from(whole);
    object.writeUInt8(object.readUInt8(place) ^ (1 << (place % 8)), place);
    const member = memberAt(place);
    const about = `bit ${place % 8} of byte ${place}, in member ${member}`;
    const outcome = await convert(object);
    // Some bits nobody reads (time and system in the header, the fill of deflate's last byte), and some say the same in
    // other words: a match with an earlier like, the length of a code that is not used. The CRC vouches for the content.
    if (outcome.rejects.length === 0) {
      ok(isSame(outcome.files, all), about);
      harmless++;
    } else {
      ok(isSame(outcome.files, without[member] ?? all), about);
      namesDamage(outcome, member, about);
    }
  }
  ok(harmless < places(whole.length).length / 10, `${harmless} of ${places(whole.length).length} flips did no harm`);
});

test("whichever byte is missing, only the member that it was in is lost, and is named", async () => {
  for (const place of places(whole.length)) {
    const member = memberAt(place);
    const about = `byte ${place} missing, in member ${member}`;
    const outcome = await convert(Buffer.concat([whole.subarray(0, place), whole.subarray(place + 1)]));
    ok(isSame(outcome.files, without[member] ?? all), about);
    ok(outcome.rejects.length >= 1 && outcome.report.rejects === outcome.rejects.length, about);
    equal(outcome.rejects[0]?.["member"], member, about);
  }
});

test("wherever the object is cut off, the members before the cut are kept, and the one that it went through is named", async () => {
  const before = await Promise.all(everyMember.map((count) => lakeOf(everyMember.slice(0, count))));
  for (const place of [...places(whole.length), ...starts]) {
    const member = memberAt(place);
    const about = `cut at byte ${place}, in member ${member}`;
    const outcome = await convert(whole.subarray(0, place));
    ok(isSame(outcome.files, before[member] ?? all), about);
    if (starts.includes(place)) deepEqual(outcome.rejects, [], about);
    else namesDamage(outcome, member, about);
  }
});
