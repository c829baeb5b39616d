// Segments of the black box and records of the spool, as a disk gives them back: torn, flipped, or written by somebody else.
// Which files are read at all is tried in test/collector/black-box.
import { deepEqual, ok } from "node:assert/strict";
import { looksBlocks, namesBlocks, shippedBlocks, visitBlocks } from "../../../collector/black-box/blocks.ts";
import { keptEarlier } from "../../../collector/black-box/earlier.ts";
import { recordBytes } from "../../../collector/ship/spool-record.ts";
import { type FuzzTarget, isHarmless } from "../target.ts";

const moment = { atMs: 1_800_000_000_000, upMs: 1_000_000 };
const id = { pid: 100, startTicks: 5 };
const entry = { ...id, rss_bytes: 8_192, shared_bytes: 4_096, virtual_bytes: 65_536, major_fault_count: 3, thread_count: 2 };
const named = { ...id, process_key: "boot-100-5", service: "checkout", comm: "node" };
const whole = Buffer.concat([
  ...looksBlocks(moment, [entry, { ...entry, pid: 101 }]),
  ...namesBlocks([named]),
  ...shippedBlocks([id]),
]);

export const blackBox: FuzzTarget = {
  name: "black-box",
  // With a first byte of 1 the rest is the payload of a block whose checksum is right: a flip alone never gets behind it.
  seeds: () => [
    Buffer.concat([Buffer.from([0]), whole]),
    Buffer.from([1, 2, ...Buffer.from('[[100,5,"boot-100-5","checkout","node"],[1,1,"","",null]]')]),
    Buffer.from([1, 3, ...Buffer.from("[[100,5]]")]),
    Buffer.from([1, 1, ...Buffer.alloc(13 + 38)]),
  ],
  words: ["[[1,2]]", "null", "[[[[", '"\\ud800"', "1e400", "-1", "9007199254740993"],
  run(input) {
    const payload = input.subarray(1);
    const segment = input[0] === 1 ? Buffer.concat([recordBytes(payload, 1), whole]) : payload;
    const seen = { looks: 0, names: 0, shipped: 0 };
    const damaged = visitBlocks(segment, {
      looks: (looks) => {
        seen.looks += looks.count;
        ok(isHarmless([looks.atMs, looks.upMs]));
        for (let at = 0; at < looks.count; at++) {
          const entry = looks.entryAt(at);
          ok(isHarmless({ ...entry, rss_bytes: 0, shared_bytes: 0, virtual_bytes: 0 }), JSON.stringify(entry));
          ok([entry.rss_bytes, entry.shared_bytes, entry.virtual_bytes].every((bytes) => bytes >= 0 && bytes <= 2 ** 60));
        }
      },
      names: (names) => {
        seen.names += names.length;
        for (const name of names) ok(isHarmless([name.pid, name.startTicks]) && typeof name.service === "string");
      },
      shipped: (processes) => {
        seen.shipped += processes.length;
        ok(isHarmless(processes));
      },
    });
    ok(damaged <= segment.length);
    // A damaged block costs itself: those behind it are seen.
    if (input[0] === 1) ok(seen.looks >= 2 && seen.names >= 1 && seen.shipped >= 1, JSON.stringify(seen));
    const visit = (visitor: Parameters<typeof visitBlocks>[1]) => void visitBlocks(segment, visitor);
    deepEqual(keptEarlier(visit), keptEarlier(visit));
    const some = (count: number) => (count > 2 ? "many" : count);
    return `${some(damaged)} ${some(seen.looks)} ${some(seen.names)} ${some(seen.shipped)}`;
  },
};
