// The blocks of the black box: what is written is read again, and what is damaged costs itself.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import {
  type Entry,
  looksBlocks,
  type Named,
  namesBlocks,
  type ProcessId,
  shippedBlocks,
  visitBlocks,
} from "../../../collector/black-box/blocks.ts";
import { recordBytes } from "../../../collector/ship/spool-record.ts";

const GIB = 1_024 ** 3;
const moment = { atMs: 1_790_000_000_123, upMs: 86_400_007 };

const entry = (pid: number, over: Partial<Entry> = {}): Entry => ({
  pid,
  startTicks: 1_000 + pid,
  rss_bytes: 40_960,
  shared_bytes: 4_096,
  virtual_bytes: 81_920,
  major_fault_count: 3,
  thread_count: 2,
  ...over,
});

function read(bytes: Buffer) {
  const looks: { atMs: number; upMs: number; entries: Entry[] }[] = [];
  const names: Named[] = [];
  const shipped: ProcessId[] = [];
  const damaged = visitBlocks(bytes, {
    looks: ({ atMs, upMs, count, pidAt, entryAt }) => {
      const entries = Array.from({ length: count }, (_, place) => entryAt(place));
      deepEqual(
        entries.map(({ pid }) => pid),
        entries.map((_, place) => pidAt(place)),
      );
      looks.push({ atMs, upMs, entries });
    },
    names: (found) => names.push(...found),
    shipped: (found) => shipped.push(...found),
  });
  return { looks, names, shipped, damaged };
}

test("looks come back as they were, also the largest that there can be; absent figures stay absent", () => {
  const largest = {
    startTicks: 2 ** 40,
    rss_bytes: 24_576 * GIB,
    shared_bytes: 24_576 * GIB,
    virtual_bytes: 2 ** 47,
    major_fault_count: 2 ** 40,
    thread_count: 4_194_304,
  };
  const entries = [entry(1), entry(4_194_304, largest), entry(7, { major_fault_count: null, thread_count: null })];
  deepEqual(read(Buffer.concat(looksBlocks(moment, entries))), {
    looks: [{ ...moment, entries }],
    names: [],
    shipped: [],
    damaged: 0,
  });
});

test("figures beyond the word throw nothing", () => {
  const wild = entry(1, { virtual_bytes: Number.MAX_VALUE, rss_bytes: -1, major_fault_count: 2 ** 60 });
  const [looks] = read(Buffer.concat(looksBlocks({ atMs: -5, upMs: Number.NaN }, [wild]))).looks;
  equal(looks?.entries[0]?.major_fault_count, null);
  equal(looks?.entries[0]?.rss_bytes, 0);
});

test("names and processes whose rows are shipped come back, in words of any script", () => {
  const names = [
    { pid: 1, startTicks: 5, process_key: "abc-1-5", service: "Bestellung «ä» 注文", comm: 'worker " 1' },
    { pid: 2, startTicks: 6, process_key: "abc-2-6", service: "s", comm: null },
  ];
  const ids = names.map(({ pid, startTicks }) => ({ pid, startTicks }));
  const found = read(Buffer.concat([...namesBlocks(names), ...shippedBlocks(ids)]));
  deepEqual([found.names, found.shipped, found.damaged], [names, ids, 0]);
});

test("a tick of thousands is several blocks, so that a damaged byte costs a part of it", () => {
  const entries = Array.from({ length: 2_500 }, (_, index) => entry(index + 1));
  const blocks = looksBlocks(moment, entries);
  equal(blocks.length, 3);
  const bytes = Buffer.concat(blocks);
  bytes[5_000] = (bytes[5_000] ?? 0) ^ 1;
  const { looks, damaged } = read(bytes);
  deepEqual([looks.flatMap((one) => one.entries).length, damaged], [1_500, 1]);
});

test("whatever byte is damaged and wherever the segment is torn, the other blocks are read and nothing throws", () => {
  const blocks = [1, 2, 3].flatMap((pid) => looksBlocks(moment, [entry(pid)]));
  const whole = Buffer.concat(blocks);
  for (let at = 0; at < whole.length; at++) {
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] ?? 0) ^ 0x40;
    const { looks, damaged } = read(bytes);
    // The state of a spool's record is no part of what a block says.
    const isState = at % (whole.length / 3) >= 4 && at % (whole.length / 3) < 8;
    deepEqual([looks.length, damaged], isState ? [3, 0] : [2, 1], `byte ${at}`);
    const torn = read(whole.subarray(0, at));
    equal(torn.looks.length, Math.floor((at * 3) / whole.length));
    ok(torn.damaged <= 1);
  }
});

test("blocks with a true checksum and a false content are damage", () => {
  const looks = looksBlocks(moment, [entry(1)])[0]?.subarray(24) ?? Buffer.alloc(0);
  const text = (kind: number, words: string) => Buffer.concat([Buffer.from([kind]), Buffer.from(words)]);
  const contents = [
    Buffer.alloc(0),
    Buffer.from([9, 9, 9]),
    looks.subarray(0, 10),
    looks.subarray(0, looks.length - 1),
    text(2, "not json"),
    text(2, "{}"),
    text(2, "[[1,2,3,4,5]]"),
    text(2, '[[-1,2,"k","s","c"]]'),
    text(2, '[[1,2,"k","s"]]'),
    text(3, "[1]"),
    text(3, '[["1",2]]'),
    text(3, "[[1.5,2]]"),
    text(3, "[null]"),
  ];
  for (const content of contents) {
    const bytes = Buffer.concat([recordBytes(content, 1), ...looksBlocks(moment, [entry(4)])]);
    const found = read(bytes);
    deepEqual([found.damaged, found.names, found.shipped, found.looks.length], [1, [], [], 1], content.toString());
  }
});
