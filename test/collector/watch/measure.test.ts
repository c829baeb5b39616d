// The columns of a row that come from the kernel and from what a program is: mappings, faults, runtime, control group.
import { deepEqual, equal, ok } from "node:assert/strict";
import { after, test } from "node:test";
import { readConfig } from "../../../collector/config.ts";
import type { Cgroup } from "../../../collector/proc/cgroup.ts";
import { identify } from "../../../collector/watch/identify.ts";
import { lookAtAll } from "../../../collector/watch/look.ts";
import { measure } from "../../../collector/watch/measure.ts";
import { startWatching, type Undated } from "../../../collector/watch/watched.ts";
import { processColumns } from "../../../schema/process-columns.ts";
import { missing } from "../../support/need.ts";
import { type Service, serviceFolder, startService, talk } from "../../support/service.ts";

const KIB = 1_024;
const read = readConfig({ TIDEMARK_DELIVERY_FOLDER: "." });
if (!read.ok) throw new Error(read.error.join());
const config = read.value;
const edge = { cpuUs: () => 0, mayLook: () => true, onLook: () => undefined };

const started: Service[] = [];
after(async () => {
  for (const service of started) await service.stop();
});

async function start(command: string, args: readonly string[]) {
  const service = startService(command, { folder: serviceFolder("measure", "us"), args, env: {}, isTalking: true });
  started.push(service);
  const ask = talk(service);
  await ask(null);
  const identity = identify(service.pid, { boot_id: "11111111-2222", bootedAtMs: 0, ticksPerSecond: 100 });
  if (!identity.ok || identity.value === null) throw new Error("no identity");
  const watched = startWatching(identity.value);
  let asked: Cgroup | null = null;
  const row = async (): Promise<Undated> => {
    lookAtAll([watched], Date.now(), { ...edge, config }, (_pid, error) => {
      throw error;
    });
    const measured = await measure(watched, Date.now(), {
      ...edge,
      config,
      walker: { walk: () => Promise.reject(new Error("no walk is due")), close: () => undefined },
      tellers: new Map(),
      cgroups: (cgroup) => {
        asked = cgroup;
        return { cgroup_limit_bytes: 7, cgroup_cache_bytes: 5 };
      },
      vmaCountLimit: 65_530,
      mayWalk: () => false,
      onWalk: () => undefined,
    });
    if (!measured.ok) throw new Error(measured.error.kind);
    return measured.value;
  };
  return { ask, row, asked: () => asked };
}

/** Neighbours with other rights stay mappings of their own. */
const SCATTER = `
import mmap
def scatter():
    rights = [mmap.PROT_READ, mmap.PROT_READ | mmap.PROT_WRITE]
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    return [mmap.mmap(-1, 65536, flags=flags, prot=rights[i % 2]) for i in range(200)]
print("ready", flush=True)
while input():
    kept = scatter()
    print("done", flush=True)
`;

test("a heap scattered over small mappings shows in their number and bytes", { skip: missing("python3") }, async () => {
  const { ask, row } = await start("python3", ["-c", SCATTER]);
  const before = await row();
  await ask("scatter");
  const now = await row();
  const more = (column: "vma_count" | "small_mapping_count" | "small_mapping_bytes") =>
    (now[column] ?? 0) - (before[column] ?? 0);
  // The first and the last may have joined a neighbour, and the list of them has grown.
  ok(Math.abs(more("small_mapping_count") - 200) <= 4, `${more("small_mapping_count")} more`);
  ok(Math.abs(more("small_mapping_bytes") - 200 * 64 * KIB) <= 1_024 * KIB, `${more("small_mapping_bytes")} bytes more`);
  ok(Math.abs(more("vma_count") - 200) <= 4);
});

test("the row names the runtime, counts major faults, and has what its control group tells", {
  skip: missing("python3"),
}, async () => {
  const { row, asked } = await start("python3", ["-c", SCATTER]);
  const { runtime, runtime_version, runtime_heap_bytes, major_fault_count, cgroup_limit_bytes, cgroup_cache_bytes, ...others } =
    await row();
  equal(runtime, "python");
  ok(/^\d\.\d+$/.test(runtime_version ?? ""));
  deepEqual([runtime_heap_bytes, cgroup_limit_bytes, cgroup_cache_bytes], [undefined, 7, 5]);
  ok((major_fault_count ?? -1) >= 0);
  ok(asked() !== null);
  deepEqual(
    Object.keys(others).filter((column) => !(column in processColumns)),
    [],
  );
});

test("a program without a runtime has none", async () => {
  const { row } = await start("sh", ["-c", "echo ready; read line"]);
  const { runtime, runtime_version } = await row();
  deepEqual([runtime, runtime_version], [undefined, undefined]);
});
