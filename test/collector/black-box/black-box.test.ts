// What the black box keeps and ships, with looks, clocks and deaths from the test. Real processes are killed.test.ts's.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type BlackBoxEdge, createBlackBox, DETAIL_ROWS_MAX, PROCESSES_MAX } from "../../../collector/black-box/black-box.ts";
import { openBlackBoxFolder } from "../../../collector/black-box/folder.ts";
import { createOomWatch } from "../../../collector/black-box/oom.ts";
import { openRing } from "../../../collector/black-box/ring.ts";
import type { ProcessIdentity } from "../../../collector/watch/identify.ts";
import { identityOf, MIB } from "../../support/black-box.ts";

const TICK_MS = 10_000;
const WALL_MS = 1_790_000_000_000;
const figures = (rssBytes: number) => ({
  rss_bytes: rssBytes,
  shared_bytes: 4_096,
  virtual_bytes: 2 * rssBytes,
  major_fault_count: 1,
  thread_count: 2,
});

/** A host whose processes live and die as the test says. */
function newHost(folder: string | null = null) {
  const living = new Map<number, { readonly identity: ProcessIdentity; rssBytes: number }>();
  const told: string[] = [];
  let upMs = 5_000_000;
  let kills = 0;
  const open = (over: Partial<BlackBoxEdge> = {}) => {
    const log = (message: string, fields?: object) => told.push(`${message} ${JSON.stringify(fields)}`);
    const openFolder = folder === null ? null : () => openBlackBoxFolder(folder);
    // Looks take time: the clock goes on with each question.
    const clock = () => upMs++;
    return createBlackBox({
      ring: openRing({ openFolder, bytesMax: 16 * MIB, tickMs: () => TICK_MS, boot_id: "boot", upMs: clock, log }),
      tickMs: () => TICK_MS,
      rssBytesMin: () => 16 * MIB,
      nowMs: () => WALL_MS + upMs,
      upMs: clock,
      oom: createOomWatch((path) => (path === "/proc/vmstat" ? `oom_kill ${kills}\n` : null)),
      isAlive: ({ pid, startTicks }) => living.get(pid)?.identity.startTicks === startTicks,
      log,
      ...over,
    });
  };
  const live = (pid: number, rssBytes: number, over: Partial<ProcessIdentity> = {}) =>
    living.set(pid, { identity: identityOf(pid, over), rssBytes });
  const tick = (box: ReturnType<typeof createBlackBox>, count = 1) => {
    for (let looks = 0; looks < count; looks++) {
      for (const { identity, rssBytes } of living.values()) {
        if (box.wants(identity.pid, rssBytes)) box.note(identity, figures(rssBytes));
      }
      box.endTick();
      upMs += TICK_MS;
    }
  };
  const close = (box: ReturnType<typeof createBlackBox>) => {
    const rows = box.takeRows();
    box.shipped();
    return rows;
  };
  return { living, told, open, live, tick, close, die: (pid: number) => living.delete(pid), oomKill: () => kills++ };
}

test("a death ships every look of its last ten minutes, the last one included, under its own name", () => {
  const { open, live, tick, close, die } = newHost();
  const box = open();
  live(7, 100 * MIB, { service: "checkout" });
  live(8, 100 * MIB);
  tick(box, 59);
  live(7, 120 * MIB, { service: "checkout" });
  tick(box);
  deepEqual(close(box), []);
  die(7);
  tick(box);
  const rows = close(box);
  equal(rows.length, 60);
  const last = rows.at(-1);
  deepEqual([last?.rss_bytes, last?.virtual_bytes, last?.shared_bytes], [120 * MIB, 240 * MIB, 4_096]);
  deepEqual([last?.pid, last?.service, last?.comm, last?.event], [7, "checkout", "comm-7", "death"]);
  ok(rows.every((row, index) => row.sampled_at > (rows[index - 1]?.sampled_at ?? 0) && row.event_at > row.sampled_at));
  tick(box, 5);
  deepEqual(close(box), [], "it dies once");
});

test("who never was large ships nothing; who was large once ships also what came after", () => {
  const { open, live, tick, close, die } = newHost();
  const box = open();
  live(7, 15 * MIB);
  live(8, 17 * MIB);
  tick(box);
  live(8, 1 * MIB);
  tick(box, 3);
  die(7);
  die(8);
  tick(box);
  const rows = close(box);
  deepEqual(
    rows.map(({ pid, rss_bytes }) => [pid, (rss_bytes ?? 0) / MIB]),
    [17, 1, 1, 1].map((size) => [8, size]),
  );
});

test("a process without memory is not looked at, and ends when it is reported gone", () => {
  const { living, open, live, tick, close, die } = newHost();
  const box = open({ rssBytesMin: () => 0 });
  live(7, 20 * MIB);
  tick(box, 2);
  const dying = living.get(7);
  if (dying) dying.rssBytes = 0;
  tick(box, 2);
  deepEqual(close(box), [], "it is still there");
  die(7);
  tick(box);
  equal(close(box).length, 2);
});

test("a pid that is another's by now: the first one's death is found, and the two histories are apart", () => {
  const { open, live, tick, close, die } = newHost();
  const box = open();
  live(7, 20 * MIB, { startTicks: 1, service: "first", process_key: "boot-7-1" });
  tick(box, 3);
  live(7, 30 * MIB, { startTicks: 2, service: "second", process_key: "boot-7-2" });
  tick(box, 2);
  const rows = close(box);
  deepEqual(
    rows.map(({ service, rss_bytes }) => [service, (rss_bytes ?? 0) / MIB]),
    [20, 20, 20].map((size) => ["first", size]),
  );
  die(7);
  tick(box);
  deepEqual(new Set(close(box).map(({ process_key }) => process_key)), new Set(["boot-7-2"]));
});

test("the host counts an OOM kill with the only death: oom_kill", () => {
  const { open, live, tick, close, die, oomKill } = newHost();
  const box = open();
  live(7, 20 * MIB);
  tick(box, 3);
  die(7);
  oomKill();
  tick(box);
  deepEqual(new Set(close(box).map(({ event }) => event)), new Set(["oom_kill"]));
});

test("a burst ships the history at once, and not again within an hour; the death that follows ships it too", () => {
  const { open, live, tick, close, die } = newHost();
  const box = open();
  live(7, 1_000 * MIB);
  tick(box, 30);
  live(7, 2_000 * MIB);
  tick(box);
  const rows = close(box);
  deepEqual([rows.length, rows.at(-1)?.event, rows.at(-1)?.rss_bytes], [31, "burst", 2_000 * MIB]);
  for (const size of [1_000, 2_000]) {
    live(7, size * MIB);
    tick(box, 20);
  }
  deepEqual(close(box), []);
  tick(box, 360);
  live(7, 4_000 * MIB);
  tick(box);
  equal(close(box)[0]?.event, "burst");
  die(7);
  tick(box);
  equal(close(box)[0]?.event, "death");
});

test("failed allocations ship the history, again after an hour; and the file's last word, although the process is gone", () => {
  const { open, live, tick, close, die } = newHost();
  const box = open();
  const identity = identityOf(7);
  live(7, 20 * MIB);
  tick(box, 3);
  const count = (number: number) => box.noteFailures({ identity, family: "fd:01 5", fileName: "7-1.failures", count: number });
  count(0);
  deepEqual(close(box), []);
  count(2);
  equal(close(box).at(-1)?.event, "alloc_failure");
  count(3);
  deepEqual(close(box), []);
  tick(box, 360);
  count(4);
  equal(close(box)[0]?.event, "alloc_failure");
  die(7);
  tick(box);
  equal(close(box)[0]?.event, "death");
  const failures = { failure_count: 9, failedAtMs: 5, failedBytes: 1, countBySize: null, header: {} as never };
  box.noteDead({ name: "7-1.failures", kind: "failures", failures });
  const [row] = close(box);
  deepEqual([row?.event, row?.pid, (row?.event_at ?? 0) > WALL_MS], ["alloc_failure", 7, true], "not in 1970, as it says");
});

test("a storm of deaths of one service ships no more than an interval's rows, leaves the others theirs, and counts the rest", () => {
  const { open, live, tick, close, die } = newHost();
  const box = open();
  for (let pid = 1; pid <= 600; pid++) live(pid, 20 * MIB, { service: "storm" });
  live(1_000, 20 * MIB, { service: "quiet" });
  tick(box, 30);
  for (let pid = 1; pid <= 600; pid++) die(pid);
  die(1_000);
  tick(box);
  const rows = close(box);
  equal(rows.length, DETAIL_ROWS_MAX);
  equal(rows.filter(({ service }) => service === "quiet").length, 30);
  equal(box.takeDroppedCount(), 601 * 30 - DETAIL_ROWS_MAX);
  equal(box.takeDroppedCount(), 0);
});

test("beyond the most processes that it keeps the others are left out, and that is told once", () => {
  const { told, open, live, tick, close, die } = newHost();
  const box = open();
  for (let pid = 1; pid <= PROCESSES_MAX + 5; pid++) live(pid, 20 * MIB);
  tick(box, 2);
  equal(told.filter((line) => line.includes("keeps no more processes")).length, 1);
  die(PROCESSES_MAX + 1);
  tick(box);
  deepEqual(close(box), []);
  die(1);
  tick(box);
  equal(close(box).length, 3);
});

const newFolder = () => join(mkdtempSync(join(tmpdir(), "tidemark-")), "black-box");

test("the next collector ships who died meanwhile, once; who was renamed has the last name, who lives goes on", () => {
  const { open, live, tick, close, die } = newHost(newFolder());
  const first = open();
  live(7, 20 * MIB, { service: "before" });
  live(8, 20 * MIB);
  tick(first, 50);
  live(7, 20 * MIB, { service: "after" });
  tick(first, 50);
  first.close();
  die(7);
  const second = open();
  const rows = close(second);
  deepEqual([new Set(rows.map(({ service }) => service)), rows[0]?.event], [new Set(["after"]), "death"]);
  // Ten minutes of every look; of the 39 before, one a minute.
  ok(rows.length >= 61 + 6 && rows.length <= 61 + 8, `${rows.length} rows`);
  tick(second, 3);
  second.close();
  const third = open();
  deepEqual(close(third), [], "its tombstone was written");
  die(8);
  tick(third);
  const history = close(third);
  const [oldest, newest] = [history[0]?.sampled_at ?? 0, history.at(-1)?.sampled_at ?? 0];
  ok(newest - oldest > 100 * TICK_MS, "looks of the first collector and of the second");
  third.close();
});

test("killed between the death and its rows, or between the rows and the tombstone: the next collector ships them", () => {
  const { open, live, tick, die } = newHost(newFolder());
  live(7, 20 * MIB);
  for (const isTaken of [false, true]) {
    const box = open();
    tick(box, 3);
    die(7);
    tick(box);
    if (isTaken) equal(box.takeRows().length > 0, true);
    box.close();
  }
  const last = open();
  equal(last.takeRows().length, 3);
  last.close();
});

test("damaged files cost what they held, are told, and nothing throws", () => {
  const folder = newFolder();
  const { told, open, live, tick, close, die } = newHost(folder);
  const first = open();
  live(7, 20 * MIB);
  tick(first, 200);
  first.close();
  const boxes = readdirSync(folder).filter((name) => name.endsWith(".box"));
  ok(boxes.length >= 4);
  const [one = "", two = "", three = ""] = boxes.sort();
  const spoil = (name: string, change: (bytes: Buffer) => Buffer) =>
    writeFileSync(join(folder, name), change(readFileSync(join(folder, name))));
  spoil(one, () => Buffer.from("TMR1".repeat(5_000)));
  spoil(two, (bytes) => bytes.fill(0xff, 200, 201));
  spoil(three, (bytes) => bytes.subarray(0, bytes.length - 11));
  die(7);
  const second = open();
  match(told.join("\n"), /parts of the black box cannot be read .*"damaged_blocks":3/);
  ok(close(second).length > 60);
  second.close();
});
