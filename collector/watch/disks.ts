// Which disks a host has, EBS volumes or the instance's own, and on which kind its swap lies: by the models in /sys/block.
// A disk's speed and use are not looked at: the pressure on it stands in /proc/pressure/io.
import { readdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { HostSample } from "../../schema/columns.ts";
import { ok, type Result } from "../../schema/result.ts";
import type { ProcError } from "../proc/read.ts";
import { parseSwaps, type Swap } from "../proc/swaps.ts";
import type { Read } from "./host-settings.ts";

type DiskKind = "ebs" | "instance_store" | "zram" | "other";

/** NVMe model names of Nitro instances, "Amazon EBS and NVMe on Linux instances". Xen instances show no model. */
const MODELS: ReadonlyMap<string, DiskKind> = new Map([
  ["Amazon Elastic Block Store", "ebs"],
  ["Amazon EC2 NVMe Instance Storage", "instance_store"],
]);

/** Device mappers lie on one another: encryption on a volume on a partition is three. */
const LAYERS_MAX = 8;

export interface DisksEdge {
  readonly read: Read;
  /** Before every path: "" but for tests. */
  readonly root: string;
}

export function diskColumns({ read, root }: DisksEdge): Partial<HostSample> {
  const names = list(`${root}/sys/block`);
  const models = names.filter((name) => isDisk(name, root, read)).map((name) => modelOf(name, read));
  // A disk without a model may be any: then nothing is said, for "none of them is EBS" would be a guess.
  const isKnown = names.length > 0 && !models.includes(null);
  const count = (kind: DiskKind) => (isKnown ? models.filter((model) => MODELS.get(model ?? "") === kind).length : null);
  const swaps = read("/proc/swaps", parseSwaps) ?? [];
  const kinds = new Set(swaps.map((swap) => kindUnder(deviceOf(swap, root), { read, root }, LAYERS_MAX)));
  return {
    ebs_device_count: count("ebs"),
    instance_store_device_count: count("instance_store"),
    swap_device_kind: kinds.size === 0 ? null : [...kinds].sort().join(","),
  };
}

/** Not loop, zram or mapped devices, which have no hardware, and not the hidden paths of a disk with several. */
const isDisk = (name: string, root: string, read: Read): boolean =>
  exists(`${root}/sys/block/${name}/device`) && read(`/sys/block/${name}/hidden`, parseLine) !== "1";

const modelOf = (name: string, read: Read): string | null => read(`/sys/block/${name}/device/model`, parseLine);

const parseLine = (text: string): Result<string, ProcError> => ok(text.trim());

/** Name of the block device that a swap is or lies on, null where that cannot be told, as with a file on btrfs. */
function deviceOf({ path, type }: Swap, root: string): string | null {
  if (type === "partition") return basename(path);
  try {
    const { dev } = statSync(`${root}${path}`);
    return basename(realpathSync(`${root}/sys/dev/block/${majorOf(dev)}:${minorOf(dev)}`));
  } catch {
    return null;
  }
}

/** As makedev(3) packs them. */
const majorOf = (device: number): number => Math.floor(device / 2 ** 8) % 2 ** 12;
const minorOf = (device: number): number => (device % 2 ** 8) + Math.floor(device / 2 ** 20) * 2 ** 8;

/** Of the disk under a partition, or under all layers of a mapped device where they agree. */
function kindUnder(name: string | null, edge: DisksEdge, layersLeft: number): DiskKind {
  if (name === null || layersLeft === 0) return "other";
  if (name.startsWith("zram")) return "zram";
  const folder = resolved(`${edge.root}/sys/class/block/${name}`);
  if (folder === null) return "other";
  if (exists(`${folder}/partition`)) return kindUnder(basename(dirname(folder)), edge, layersLeft - 1);
  const layers = list(`${folder}/slaves`);
  if (layers.length === 0) return MODELS.get(modelOf(name, edge.read) ?? "") ?? "other";
  const [first = "other", ...rest] = new Set(layers.map((layer) => kindUnder(layer, edge, layersLeft - 1)));
  return rest.length === 0 ? first : "other";
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function resolved(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;
