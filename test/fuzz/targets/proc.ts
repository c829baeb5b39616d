// Everything that is read about processes: kernel files, which are partly a process's own words, and names in them.
// All parsers see every input: each must take what is meant for another.
import { equal, ok } from "node:assert/strict";
import { allocatorOf } from "../../../collector/heap/allocator.ts";
import { findVersion } from "../../../collector/heap/glibc-version.ts";
import { parseWalkLine } from "../../../collector/heap/walk-line.ts";
import { namesInCgroup } from "../../../collector/identity/cgroup-names.ts";
import { containerOf, ECS_ORIGIN, isContainerUri } from "../../../collector/identity/ecs.ts";
import { isWantedVariable, serviceOf, tunablesInEffect, tunablesOf } from "../../../collector/identity/service.ts";
import { parseAuxv } from "../../../collector/proc/auxv.ts";
import { parseBuddyinfo } from "../../../collector/proc/buddyinfo.ts";
import { parseCgroup } from "../../../collector/proc/cgroup.ts";
import { parseByteCount, parseCounts, parseMemoryMax } from "../../../collector/proc/cgroup-memory.ts";
import { parseEnviron } from "../../../collector/proc/environ.ts";
import { parseMaps } from "../../../collector/proc/maps.ts";
import { parseMeminfo } from "../../../collector/proc/meminfo.ts";
import { parsePressure } from "../../../collector/proc/pressure.ts";
import type { ProcError } from "../../../collector/proc/read.ts";
import { parseSmapsRollup } from "../../../collector/proc/smaps-rollup.ts";
import { parseStat } from "../../../collector/proc/stat.ts";
import { parseStatm } from "../../../collector/proc/statm.ts";
import { parseStatus } from "../../../collector/proc/status.ts";
import { parseSwaps } from "../../../collector/proc/swaps.ts";
import { parseVmstat } from "../../../collector/proc/vmstat.ts";
import { parseLargestZone } from "../../../collector/proc/zoneinfo.ts";
import { recogniseRuntime } from "../../../collector/runtime/recognise.ts";
import type { Result } from "../../../schema/result.ts";
import { fixtureBytes } from "../../support/fixtures.ts";
import { assertNoOrders, type FuzzTarget } from "../target.ts";

const PAGE = 4_096;
type Parser = (text: string, path: string) => Result<unknown, ProcError>;

const parsers: Readonly<Record<string, Parser>> = {
  buddyinfo: parseBuddyinfo,
  memoryMax: parseMemoryMax,
  byteCount: parseByteCount,
  counts: parseCounts("oom_kill", "high", "anon"),
  cgroup: parseCgroup,
  maps: parseMaps,
  meminfo: parseMeminfo,
  pressure: parsePressure,
  smapsRollup: parseSmapsRollup,
  stat: parseStat,
  statm: (text, path) => parseStatm(text, path, PAGE),
  status: parseStatus,
  swaps: parseSwaps,
  vmstat: (text, path) => parseVmstat(text, path, PAGE),
  zoneinfo: parseLargestZone,
};

const files = [
  ...[
    "buddyinfo",
    "cgroup",
    "environ",
    "maps",
    "maps-with-shim",
    "meminfo",
    "pressure-memory",
    "smaps_rollup",
    "stat",
    "statm",
  ],
  ...["status", "status-kernel-thread", "vmstat", "zoneinfo", "auxv-x86-64"],
];

/** A number in a row is none at all, or not negative: digits without end are the kernel's to refuse, and become JSON's null. */
function assertNoNonsense(value: unknown, where: string): void {
  if (typeof value === "number") ok(value >= 0, `${where} gave ${value}`);
  else if (typeof value === "object" && value !== null) for (const part of Object.values(value)) assertNoNonsense(part, where);
}

export const proc: FuzzTarget = {
  name: "proc",
  seeds: () =>
    files.map((file) => fixtureBytes(`proc/${file}`)).concat(fixtureBytes("walk-line"), fixtureBytes("walk-line-with-tcache")),
  words: [
    ...[
      " kB\n",
      "VmRSS:",
      "Threads:\t1\n",
      "NSpid:\t1\t2",
      "MemTotal: ",
      "Node 0, zone   Normal",
      "some avg10=0 total=",
      "max\n",
    ],
    ...["7f0000000000-7f0000001000 rw-s 00000000 00:01 77 ", "/run/tidemark/rings/1-a.ring", " (deleted)", "/hsperfdata_a/1"],
    ...[
      "OTEL_SERVICE_NAME=",
      "OTEL_RESOURCE_ATTRIBUTES=service.name=",
      "%",
      "%E2%80%AE",
      "MALLOC_ARENA_MAX=",
      "\0",
      ") S 1 ",
      "((",
    ],
    ...[
      "0::/",
      "/kubepods/pod",
      "/../",
      "\u001b[31m",
      "\u202e",
      "\ud800",
      "ECS_CONTAINER_METADATA_URI_V4=http://169.254.170.2/v4/",
    ],
    ...[
      "../../etc",
      "GNU C Library (",
      "release version 2.36",
      "pid=1 status=ok heap_bytes=",
      "/proc/1/root",
      "/libjemalloc.so",
    ],
  ],
  run(input) {
    const text = input.toString("latin1");
    const taken: string[] = [];
    for (const [name, parse] of Object.entries(parsers)) {
      const parsed = parse(text, "/proc/1/file");
      if (parsed.ok) {
        taken.push(name);
        assertNoNonsense(parsed.value, name);
      } else {
        equal(parsed.error.kind, "malformed", name);
        ok(parsed.error.kind !== "malformed" || parsed.error.line.length <= 120, name);
      }
    }
    return `${taken.join()} ${identityOutcome(text)} ${bytesOutcome(input)}`;
  },
};

function identityOutcome(text: string): string {
  const environ = parseEnviron(text, isWantedVariable);
  if (!environ.ok) throw new Error("an environment has no form that could be wrong");
  for (const name of environ.value.keys()) ok(isWantedVariable(name), name);
  const uri = environ.value.get("ECS_CONTAINER_METADATA_URI_V4") ?? text;
  // What passes is asked by us, who may reach what the process may not.
  if (isContainerUri(uri, ECS_ORIGIN)) {
    const { origin, username, pathname } = new URL(uri);
    equal(`${origin} ${username}`, `${ECS_ORIGIN} `);
    ok(pathname.startsWith("/v") && !pathname.includes(".."), pathname);
  }
  const { pod_uid, unit, container_id } = namesInCgroup(text);
  ok(container_id === null || /^[0-9a-f]{32}([0-9a-f]{32}|-\d{8,12})$/.test(container_id));
  ok(pod_uid === null || /^[0-9a-f-]{32,36}$/.test(pod_uid));
  const stat = parseStat(text, "stat");
  const comm = stat.ok ? stat.value.comm : text;
  const identity = serviceOf({ environ: environ.value, ecs: containerOf(text), pod_uid, unit, executable: text, comm });
  for (const name of [identity.service, identity.service_version, identity.environment, tunablesOf(environ.value)]) {
    if (name === null) continue;
    ok(name !== "" && name.length <= 1_024);
    assertNoOrders(name);
    ok(!/[\n\t]/.test(name), "a name is one line");
  }
  ok((tunablesInEffect(text, text) ?? "").length <= 1_024);
  return `${identity.service_source} ${environ.value.size > 0} ${container_id !== null} ${pod_uid !== null}`;
}

function bytesOutcome(input: Buffer): string {
  const paths = input.toString("utf8").split("\n");
  const version = findVersion(input);
  ok(version === null || /^\d+\.\d+$/.test(version));
  const walk = parseWalkLine(input.toString("utf8"));
  if (walk.ok) assertNoNonsense(walk.value, "walk line");
  try {
    parseAuxv(input);
  } catch (error) {
    ok(/^auxv of \d+ bytes has no page size or clock tick$/.test((error as Error).message), String(error));
  }
  const { allocator } = allocatorOf(paths);
  return `${version !== null} ${walk.ok ? walk.value.kind : "no walk"} ${allocator} ${recogniseRuntime(paths[0] ?? null, paths)?.runtime}`;
}
