// Living JVMs of every JDK and collector of this machine: their rows against the JDK's own jstat, and what collections leave.
import { deepEqual, equal, ok } from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { readConfig } from "../../../collector/config.ts";
import { readAndParse } from "../../../collector/proc/read.ts";
import { parseStatus } from "../../../collector/proc/status.ts";
import { type Jvm, lookAtJvm, noteCollections } from "../../../collector/runtime/jvm.ts";
import { identify } from "../../../collector/watch/identify.ts";
import { lookAtAll } from "../../../collector/watch/look.ts";
import { measureRuntime } from "../../../collector/watch/measure-runtime.ts";
import { type Measured, startWatching, type Watched } from "../../../collector/watch/watched.ts";
import { type Churn, COLLECTORS, hasCollector, jdks, startChurn } from "../../support/jvms.ts";
import { skipReason } from "../../support/need.ts";

const MIB = 1_024 * 1_024;
const read = readConfig({ TIDEMARK_DELIVERY_FOLDER: "." });
if (!read.ok) throw new Error(read.error.join());
const edge = { config: read.value, cpuUs: () => 0, mayLook: () => true, onLook: () => undefined };
const onFault = (_pid: number, error: unknown) => {
  throw error;
};

const started: Churn[] = [];
after(async () => {
  for (const churn of started) await churn.stop();
});

async function start(
  ...given: Parameters<typeof startChurn>
): Promise<Churn & { watched: Watched; row: () => Partial<Measured> }> {
  const churn = await startChurn(...given);
  started.push(churn);
  const { pid } = churn;
  const identity = identify(pid, { boot_id: "11111111-2222", bootedAtMs: 0, ticksPerSecond: 100 });
  if (!identity.ok || identity.value === null) throw new Error(`no identity of ${pid}`);
  const watched = startWatching(identity.value);
  const row = () => {
    lookAtAll([watched], Date.now(), edge, onFault);
    const status = readAndParse(`/proc/${pid}/status`, parseStatus);
    if (!status.ok) throw new Error(status.error.kind);
    return measureRuntime(watched, { pid, uids: status.value.uids, virtualBytesMax: status.value.virtualBytesMax });
  };
  return { ...churn, watched, row };
}

/** Committed and used KiB, collections, and milliseconds in them. */
type Shown = readonly [number, number, number, number];

const shownByUs = (row: Partial<Measured>): Shown => [
  (row.runtime_heap_bytes ?? Number.NaN) / 1_024,
  (row.runtime_heap_used_bytes ?? Number.NaN) / 1_024,
  row.gc_count ?? Number.NaN,
  row.gc_pause_ms ?? Number.NaN,
];

/** Committed is the generations', which may be more than their spaces'. */
function shownByJstat(jstat: Churn["jstat"]): Shown {
  const columns = { ...jstat("-gccapacity"), ...jstat("-gc") };
  const sum = (...names: readonly string[]) => names.reduce((total, name) => total + (columns[name] ?? 0), 0);
  return [sum("NGC", "OGC"), sum("S0U", "S1U", "EU", "OU"), sum("YGC", "FGC", "CGC"), sum("GCT") * 1_000];
}

/** jstat rounds each of its columns. */
const agree = (ours: Shown, theirs: Shown): boolean => ours.every((figure, at) => Math.abs(figure - (theirs[at] ?? 0)) <= 1);

const anyJdk = jdks();
const noJdk = anyJdk.length > 0 ? false : skipReason("this machine has no JDK in /usr/lib/jvm");
const withoutRoot = process.getuid?.() === 0 ? false : skipReason("only root makes namespaces of mounts and pids");

for (const jdk of anyJdk) {
  for (const collector of COLLECTORS.filter((name) => hasCollector(jdk, name))) {
    const name = `${jdk.split("/").at(-1)} with ${collector}`;

    test(`${name}: the row says what jstat says`, async () => {
      const { tell, jstat, row } = await start(jdk, [`-XX:+Use${collector}GC`]);
      await tell("keep 20", "waste 300", "collect 0", "waste 10");
      // Concurrent collectors go on for a while, so both are asked until nothing changes between them.
      let [ours, theirs]: [Shown, Shown] = [shownByUs(row()), shownByJstat(jstat)];
      for (let tries = 0; tries < 50 && !agree(ours, theirs); tries++) {
        await sleep(100);
        [ours, theirs] = [shownByUs(row()), shownByJstat(jstat)];
      }
      ok(agree(ours, theirs), `${ours} is not ${theirs}`);
      ok(ours[1] >= 20 * 1_024 && ours[2] > 0);
      const { runtime, runtime_version, runtime_heap_limit_bytes } = row();
      equal(runtime, "jvm");
      equal(runtime_version?.split(".")[0], /\d+/.exec(jdk.split("/").at(-1) ?? "")?.[0]);
      ok(Math.abs((runtime_heap_limit_bytes ?? 0) - 200 * MIB) < 1_024, `${runtime_heap_limit_bytes} is not -Xmx200m`);
    });

    test(`${name}: what a collection leaves is told apart from what came since`, async () => {
      const { tell, watched, row } = await start(jdk, [`-XX:+Use${collector}GC`]);
      const left = async (...lines: readonly string[]): Promise<number | null> => {
        await tell(...lines);
        // As ticks do; Serial and Parallel of JDK 17 write some of it down up to 50 ms later.
        await sleep(100);
        if (watched.jvm !== null) lookAtJvm(watched.jvm);
        return row().runtime_heap_used_after_gc_bytes ?? null;
      };
      equal(await left("keep 10", "collect 0"), null, "what was there before the first row is of unknown age");
      const [kept, more, dropped] = [
        await left("keep 20", "collect 0", "waste 20"),
        await left("keep 30", "collect 0", "waste 20"),
        await left("drop 0", "collect 0", "waste 20"),
      ];
      if (collector === "Z" || collector === "Shenandoah") {
        deepEqual([kept, more, dropped], [null, null, null]);
        return;
      }
      // Of G1's regions of 1 MiB the last one may be left half empty.
      for (const [figure, mebibytes] of [
        [kept, 30],
        [more, 60],
        [dropped, 0],
      ] as const) {
        ok(figure !== null && Math.abs(figure - mebibytes * MIB) < 4 * MIB, `${figure} is not about ${mebibytes} MiB`);
      }
      equal(await left(), null, "no collection, no figure");
    });
  }
}

test("a JVM that writes no figures, or where nobody finds them, is still known as one", { skip: noJdk }, async () => {
  for (const flag of ["-XX:-UsePerfData", "-XX:+PerfDisableSharedMem"]) {
    const { row } = await start(anyJdk[0] ?? "", [flag]);
    deepEqual(row(), { runtime: "jvm", runtime_version: null }, flag);
  }
});

test("a JVM in a container of its own, as pid 1 and with its own /tmp, is read there", {
  skip: noJdk || withoutRoot,
}, async () => {
  const inner = `mount -t tmpfs none /tmp && cp Churn.class /tmp && cd /tmp && exec "$@"`;
  const wrapper = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", inner, "sh"];
  const { watched, row, tell } = await start(anyJdk[0] ?? "", ["-XX:+UseSerialGC"], wrapper);
  await tell("keep 20", "collect 0");
  ok((row().runtime_heap_used_bytes ?? 0) > 20 * MIB);
  equal(watched.perfData?.path.endsWith("/1"), true);
});

test("figures beyond the address space that a process ever had are not believed", { skip: noJdk }, async () => {
  const { pid, watched, row } = await start(anyJdk[0] ?? "", ["-XX:+UseSerialGC"]);
  ok((row().runtime_heap_bytes ?? 0) > 0);
  const { runtime, runtime_heap_bytes, runtime_heap_limit_bytes } = measureRuntime(watched, {
    pid,
    uids: [process.getuid?.() ?? 0],
    virtualBytesMax: MIB,
  });
  deepEqual([runtime, runtime_heap_bytes, runtime_heap_limit_bytes], ["jvm", null, null]);
});

const figures = (gcCount: number, usedAfterGcBytes: number | null, isCollecting = false) => ({
  version: null,
  heapBytes: 0,
  heapUsedBytes: 0,
  heapLimitBytes: null,
  gcCount,
  gcPauseMs: null,
  usedAfterGcBytes,
  isCollecting,
});

test("the least use after a collection is kept; one under way, one seen before, and the first look give none", () => {
  const jvm: Jvm = {
    file: { path: "", device: "", inode: "", isDeleted: false },
    owner: { pid: 1, uids: [] },
    gcCount: null,
    usedAfterGcBytesMin: null,
  };
  const looks: readonly [ReturnType<typeof figures>, number | null][] = [
    [figures(3, 700), null],
    [figures(3, 650), null],
    [figures(4, 600, true), null],
    [figures(4, 500), 500],
    [figures(4, 400), 500],
    [figures(6, 550), 500],
    [figures(7, 450), 450],
    [figures(8, null), 450],
  ];
  for (const [look, least] of looks) {
    noteCollections(jvm, look);
    equal(jvm.usedAfterGcBytesMin, least, JSON.stringify(look));
  }
});
