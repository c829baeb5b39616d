// The checker itself: with real lakes and real raw objects, each kind of broken promise that is planted is seen.
// What the faults do is the other tests'.
import { deepEqual, equal } from "node:assert/strict";
import { globSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encodeRecords } from "../../collector/ship/records.ts";
import { writeParquet } from "../../functions/core/parquet/write.ts";
import { lakeKey, partitionOf } from "../../schema/keys.ts";
import { type Delivered, lakeFolder } from "../support/lake.ts";
import { collectorSample, hostIdentity, processSample, samples } from "../support/samples.ts";
import { seenRows } from "./evidence.ts";
import { type AlertEvidence, judgeAlerts, judgeRows, type RawPlace, type Rejected } from "./invariants.ts";
import { membersOf, rowId, rowsIn } from "./rows.ts";

const NOW_MS = 1_800_000_000_000;
const idOf = (sequence: number) => rowId(hostIdentity.host_id, hostIdentity.boot_id, sequence);
const delivered = (from: number, count: number): Delivered => ({
  samples: samples({
    process: Array.from({ length: count }, (_, index) => processSample({ sequence: from + index, pid: 100 + index })),
    collector: [collectorSample({ sequence: from + count })],
  }),
});
const deliveries = [delivered(0, 9), delivered(10, 9), delivered(20, 9)];
const promised = Array.from({ length: 30 }, (_, sequence) => idOf(sequence));
/** Each delivery is a raw object of one member. */
const placesOf = (id: string): readonly RawPlace[] => {
  const sequence = Number(id.split(" ")[2]);
  const kind = sequence % 10 === 9 ? "collector" : "process";
  return [{ key: `object-${Math.floor(sequence / 10)}`, member: 0, kind, line: 0, row: sequence % 10 }];
};

async function judge(folder: string, rejects: readonly Rejected[] = [], rows: readonly string[] = promised) {
  return judgeRows({ promised: rows, ...(await seenRows(folder)), placesOf, rejects });
}

const lakeFiles = (folder: string, kind: string) => globSync(join(folder, "lake", kind, "*", "*", "*.parquet")).sort();

const reject = (values: Partial<Rejected>): Rejected => ({
  object_key: "object-0",
  member: 0,
  line: null,
  kind: null,
  row: null,
  reason: "gzip_crc",
  ...values,
});

test("a whole lake is well, and a delivery that came twice is a repetition", async () => {
  const folder = await lakeFolder([...deliveries, deliveries[1] ?? delivered(10, 9)], NOW_MS);
  deepEqual(await judge(folder), { checked: 30, lost: [], doubled: [], rejected: 0, repeated: 10 });
});

test("a file that is gone from the lake is seen: its rows are lost, each by name", async () => {
  const folder = await lakeFolder(deliveries, NOW_MS);
  rmSync(lakeFiles(folder, "process")[0] ?? "");
  const { lost, rejected } = await judge(folder);
  equal(lost.length, 9);
  equal(rejected, 0);
});

test("one row that never reached the lake is seen", async () => {
  const folder = await lakeFolder(deliveries, NOW_MS);
  deepEqual((await judge(folder, [], [...promised, idOf(30)])).lost, [idOf(30)]);
});

test("a row that the base view cannot tell is the same one is seen as doubled", async () => {
  const folder = await lakeFolder(deliveries, NOW_MS);
  // The same number with another time: no redelivery does this, a restored clock or a number used twice would.
  const row = { ...hostIdentity, ...processSample({ sequence: 3, sampled_at: NOW_MS + 1 }) };
  const columns = Object.fromEntries(Object.entries(row).map(([name, value]) => [name, [value ?? null]]));
  const path = join(folder, lakeKey("process", partitionOf(NOW_MS), "planted"));
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, writeParquet("process", { rowCount: 1, columns }));
  deepEqual((await judge(folder)).doubled, [idOf(3)]);
});

test("a reason in rejects/ answers for exactly the rows that it is about", async () => {
  const folder = await lakeFolder(deliveries.slice(1), NOW_MS);
  const lostWith = async (...rejects: Rejected[]) => (await judge(folder, rejects)).lost.length;
  equal(await lostWith(), 10);
  equal(await lostWith(reject({})), 0);
  equal(await lostWith(reject({ object_key: "object-1" })), 10, "of another object");
  equal(await lostWith(reject({ member: 1 })), 10, "of another member");
  equal(await lostWith(reject({ member: 0, line: 0, kind: "process", row: 4, reason: "time" })), 9, "of one row");
  equal(await lostWith(reject({ line: 0, kind: "collector", reason: "unknown_kind" })), 9, "of one kind");
  equal(await lostWith(reject({ line: 0, reason: "unknown_column" })), 10, "an unknown column costs no row");
  equal(await lostWith(reject({ member: null, reason: "object_too_large" })), 0);
});

test("an object that was given up answers for the members behind that place, not for those before it", () => {
  const place = (member: number) => ({ key: "object-0", member, kind: "process", line: 0, row: 0 });
  const rejects = [reject({ member: 1, reason: "gzip_abandoned" })];
  const lostOf = (member: number) =>
    judgeRows({ promised: ["row"], seen: new Map(), storedCount: 0, placesOf: () => [place(member)], rejects }).lost.length;
  deepEqual([0, 1, 2].map(lostOf), [1, 0, 0]);
});

test("members and rows are read from a raw object as the converter would, without its code", () => {
  const records = deliveries.flatMap(({ samples }) => encodeRecords(hostIdentity, samples).map(({ bytes }) => bytes));
  const members = membersOf(Buffer.concat(records));
  deepEqual(
    members.map((member) => Buffer.from(member)),
    records.map((record) => Buffer.from(record)),
  );
  const rows = rowsIn(Buffer.concat(records)).map(({ id }) => id);
  deepEqual(new Set(rows), new Set(promised));
  equal(rows.length, 30);
});

const alert = { finding: "checkout leak", state: "alert" };
const well: AlertEvidence = {
  filed: [alert],
  published: [alert],
  received: [alert],
  deadLettered: [],
  failedTellings: 0,
  failedDeliveries: 0,
};
const name = "checkout leak alert";

test("an alert that was filed as told and never published is lost; so is one that was published and reached nobody", () => {
  deepEqual(judgeAlerts(well), { checked: 1, lost: [], doubled: [], repeated: 0 });
  deepEqual(judgeAlerts({ ...well, published: [], received: [] }).lost, [name]);
  deepEqual(judgeAlerts({ ...well, received: [] }).lost, [name]);
  deepEqual(judgeAlerts({ ...well, received: [], deadLettered: [alert] }).lost, [], "the dead-letter queue has it");
});

test("an alert that came twice is doubled, unless a failed run or a failed delivery explains it", () => {
  const twice = { ...well, published: [alert, alert], received: [alert, alert] };
  deepEqual(judgeAlerts(twice).doubled, [name]);
  deepEqual(judgeAlerts({ ...twice, failedTellings: 1 }), { checked: 1, lost: [], doubled: [], repeated: 1 });
  const posted = { ...well, received: [alert, alert] };
  deepEqual(judgeAlerts(posted).doubled, [name]);
  deepEqual(judgeAlerts({ ...posted, failedDeliveries: 1 }).doubled, []);
});

test("an alert that nobody filed is told again by the next run: published without a filed state, it counts as doubled", () => {
  deepEqual(judgeAlerts({ ...well, filed: [] }).doubled, [name]);
});
