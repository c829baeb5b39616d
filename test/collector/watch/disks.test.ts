// Disks of hosts as /sys shows them: Nitro instances, Xen instances, mapped devices, and what must not be taken for a disk.
import { deepEqual } from "node:assert/strict";
import { statSync } from "node:fs";
import { test } from "node:test";
import { readAndParse } from "../../../collector/proc/read.ts";
import { diskColumns } from "../../../collector/watch/disks.ts";
import { fileTree } from "../../support/file-tree.ts";

const EBS = "Amazon Elastic Block Store              \n";
const INSTANCE_STORE = "Amazon EC2 NVMe Instance Storage        \n";
const SWAPS = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";

/** As the kernel lays them out: /sys/block and /sys/class/block hold links into /sys/devices. */
const disk = (name: string, model: string | null, partitions: readonly string[] = []) => ({
  [`sys/block/${name}`]: `->../devices/pci/${name}`,
  [`sys/class/block/${name}`]: `->../../devices/pci/${name}`,
  [`sys/devices/pci/${name}/device/vendor`]: "0x1d0f\n",
  ...(model === null ? {} : { [`sys/devices/pci/${name}/device/model`]: model }),
  ...Object.fromEntries(
    partitions.flatMap((partition) => [
      [`sys/class/block/${partition}`, `->../../devices/pci/${name}/${partition}`],
      [`sys/devices/pci/${name}/${partition}/partition`, "1\n"],
    ]),
  ),
});
const virtual = (name: string, slaves: readonly string[] = []) => ({
  [`sys/block/${name}`]: `->../devices/virtual/${name}`,
  [`sys/class/block/${name}`]: `->../../devices/virtual/${name}`,
  [`sys/devices/virtual/${name}/size`]: "0\n",
  ...Object.fromEntries(slaves.map((slave) => [`sys/devices/virtual/${name}/slaves/${slave}`, `->../../../pci/${slave}`])),
});

function columnsOf(files: Readonly<Record<string, string>>, swaps: readonly string[] = []) {
  const lines = swaps.map((swap) => `${swap}\t8388604\t\t0\t\t-2\n`);
  const root = fileTree({ ...files, "proc/swaps": `${SWAPS}${lines.join("")}` });
  const read = <T>(path: string, parse: Parameters<typeof readAndParse<T>>[1]): T | null => {
    const value = readAndParse(`${root}${path}`, parse);
    return value.ok ? value.value : null;
  };
  const columns = diskColumns({ read, root });
  return [columns.ebs_device_count, columns.instance_store_device_count, columns.swap_device_kind];
}

const nitro = {
  ...disk("nvme0n1", EBS, ["nvme0n1p1", "nvme0n1p15"]),
  ...disk("nvme1n1", INSTANCE_STORE, ["nvme1n1p1"]),
  ...disk("nvme2n1", EBS),
};

test("volumes and the instance's own disks are told apart by model; loop, zram and mapped devices are no disks", () => {
  const others = { ...virtual("loop0"), ...virtual("zram0"), ...virtual("dm-0", ["nvme0n1"]) };
  deepEqual(columnsOf({ ...nitro, ...others }), [2, 1, null]);
});

test("a disk of another maker is neither, and a second path to a disk does not count", () => {
  const hidden = { ...disk("nvme2c0n1", EBS), "sys/devices/pci/nvme2c0n1/hidden": "1\n" };
  deepEqual(columnsOf({ ...nitro, ...disk("sda", "QEMU HARDDISK\n"), ...hidden }), [2, 1, null]);
});

test("where a disk shows no model, as on Xen, nothing is counted rather than none", () => {
  deepEqual(columnsOf({ ...disk("xvda", null), ...nitro }), [null, null, null]);
  deepEqual(columnsOf({}), [null, null, null]);
});

test("swap is told by the disk under its partition, by zram, and by all layers of a mapped device", () => {
  const mapped = { ...virtual("dm-0", ["nvme1n1"]), ...virtual("dm-1", ["nvme0n1", "nvme1n1"]), ...virtual("zram0") };
  const files = { ...nitro, ...mapped };
  const cases: readonly [string, string][] = [
    ["/dev/nvme1n1p1 partition", "instance_store"],
    ["/dev/nvme2n1 partition", "ebs"],
    ["/dev/zram0 partition", "zram"],
    ["/dev/dm-0 partition", "instance_store"],
    ["/dev/dm-1 partition", "other"],
    ["/dev/nothing partition", "other"],
    ["/swapfile file", "other"],
  ];
  for (const [swap, kind] of cases) deepEqual(columnsOf(files, [swap])[2], kind, swap);
  deepEqual(columnsOf(files, ["/dev/zram0 partition", "/dev/nvme2n1 partition", "/dev/nvme0n1p1 partition"])[2], "ebs,zram");
});

test("a swap file lies where its file system's device does", () => {
  const { dev } = statSync(fileTree({}));
  const numbers = `${(dev >> 8) & 0xfff}:${dev & 0xff}`;
  const device = { [`sys/dev/block/${numbers}`]: "->../../devices/pci/nvme0n1/nvme0n1p1" };
  deepEqual(columnsOf({ ...nitro, ...device, swapfile: "" }, ["/swapfile file"])[2], "ebs");
});
