// The host row from folders that stand for /proc and /sys, and from this machine's own.
import { deepEqual, equal, ok } from "node:assert/strict";
import { unlinkSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import type { ProcError } from "../../../collector/proc/read.ts";
import { createHostMeter } from "../../../collector/watch/measure-host.ts";
import { hostColumns } from "../../../schema/host-columns.ts";
import { fileTree } from "../../support/file-tree.ts";
import { fixture } from "../../support/fixtures.ts";

const HOUR_MS = 3_600_000;

const files = {
  "proc/meminfo": fixture("proc/meminfo"),
  "proc/vmstat": fixture("proc/vmstat"),
  "proc/buddyinfo": "Node 0, zone    DMA32      0      0      9\nNode 0, zone   Normal   1000      0      0\n",
  "proc/zoneinfo": fixture("proc/zoneinfo"),
  "proc/pressure/memory": fixture("proc/pressure-memory"),
  "proc/pressure/io": "some avg10=0.00 avg60=0.00 avg300=0.00 total=70\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=60\n",
  "proc/swaps": "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n",
  "proc/sys/vm/overcommit_memory": "0\n",
  "proc/sys/vm/swappiness": "60\n",
  "proc/sys/vm/min_free_kbytes": "67584\n",
  "proc/sys/vm/compaction_proactiveness": "20\n",
  "proc/sys/vm/max_map_count": "65530\n",
  "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
  "sys/kernel/mm/transparent_hugepage/defrag": "always defer [defer+madvise] madvise never\n",
};

function meterOf(root: string) {
  const errors: ProcError[] = [];
  const measure = createHostMeter({ pageBytes: 4_096, root, onError: (error) => errors.push(error) });
  return { measure, errors };
}

test("the row has the host's memory, pressure, fragmentation of its largest zone, and settings", () => {
  const { measure, errors } = meterOf(fileTree(files));
  const row = measure(1_700_000_000_000);
  if (row === null) throw new Error("no row");
  deepEqual(
    [row.sampled_at, row.memory_some_us, row.memory_full_us, row.io_some_us, row.io_full_us],
    [1_700_000_000_000, 266_211, 159_625, 70, 60],
  );
  deepEqual(
    [row.free_blocks_by_order, row.fragmentation_index_by_order],
    [
      [1_000, 0, 9],
      [-1_000, 499, 749],
    ],
  );
  deepEqual(
    [row.overcommit_mode, row.swappiness, row.min_free_bytes, row.compaction_proactiveness],
    [0, 60, 67_584 * 1_024, 20],
  );
  deepEqual([row.vma_count_limit, row.thp_enabled, row.thp_defrag], [65_530, "madvise", "defer+madvise"]);
  deepEqual([row.ebs_device_count, row.instance_store_device_count, row.swap_device_kind], [null, null, null]);
  deepEqual(errors, []);
});

test("what this kernel does not have is null and no error", () => {
  const { measure, errors } = meterOf(fileTree({ "proc/meminfo": "MemTotal:  8 kB\n" }));
  const { sampled_at, mem_total_bytes, ...others } = measure(1) ?? {};
  deepEqual([sampled_at, mem_total_bytes], [1, 8_192]);
  deepEqual(
    Object.entries(others).filter(([, figure]) => figure !== null),
    [],
  );
  deepEqual(errors, []);
});

test("a file that says something else leaves its columns null and is told", () => {
  const { measure, errors } = meterOf(fileTree({ ...files, "proc/sys/vm/swappiness": "very\n", "proc/buddyinfo": "none\n" }));
  const row = measure(1);
  deepEqual([row?.swappiness, row?.free_blocks_by_order, row?.fragmentation_index_by_order], [null, null, null]);
  equal(row?.overcommit_mode, 0);
  deepEqual(
    errors.map(({ kind }) => kind),
    ["malformed", "malformed"],
  );
});

test("without /proc/meminfo there is no row", () => {
  equal(meterOf(fileTree({ "proc/vmstat": fixture("proc/vmstat") })).measure(1), null);
});

test("disks and zones are looked at once an hour, and again when the clock was set back; settings at every row", () => {
  const root = fileTree(files);
  const { measure } = meterOf(root);
  measure(HOUR_MS);
  unlinkSync(`${root}/proc/zoneinfo`);
  writeFileSync(`${root}/proc/sys/vm/swappiness`, "10\n");
  const soon = measure(2 * HOUR_MS - 1);
  deepEqual([soon?.fragmentation_index_by_order?.length, soon?.swappiness], [3, 10]);
  equal(measure(2 * HOUR_MS)?.fragmentation_index_by_order, null);
  writeFileSync(`${root}/proc/zoneinfo`, files["proc/zoneinfo"]);
  equal(measure(HOUR_MS)?.fragmentation_index_by_order?.length, 3);
});

test("this machine's own row has its memory, its free blocks and its settings, and every column is declared", () => {
  const { measure, errors } = meterOf("");
  const row = measure(Date.now());
  if (row === null) throw new Error("no row");
  ok((row.mem_total_bytes ?? 0) > (row.mem_available_bytes ?? 0) && (row.vma_count_limit ?? 0) > 0);
  ok((row.free_blocks_by_order?.length ?? 0) >= 8);
  equal(row.fragmentation_index_by_order?.length, row.free_blocks_by_order?.length);
  deepEqual(
    Object.keys(row).filter((column) => !(column in hostColumns)),
    [],
  );
  deepEqual(errors, []);
});
