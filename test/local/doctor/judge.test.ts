// What the doctor says of hosts as they are found: one fact is wrong at a time, and the line that tells it.
// That the facts are gathered as they are is gather.test.ts's.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import type { Check } from "../../../local/doctor/check.ts";
import type { Capability, Facts, FolderFacts, KernelFacts, ProcessFacts, Tried } from "../../../local/doctor/facts.ts";
import { canMeasure, judge } from "../../../local/doctor/judge.ts";
import { doctorText } from "../../../local/doctor/screen.ts";

const MIB = 1_024 * 1_024;
const NOW_MS = Date.UTC(2026, 10, 23, 12);

const folder = (path: string, more: Partial<FolderFacts> = {}): FolderFacts => ({
  path,
  exists: true,
  isLink: false,
  uid: 990,
  mode: 0o700,
  looseAbove: null,
  freeBytes: 4_096 * MIB,
  isReadOnly: false,
  ...more,
});

const tried = (more: Partial<Tried> = {}): Tried => ({
  pid: 7,
  comm: "cart",
  isOurs: false,
  reason: null,
  cpuUs: 900,
  ...more,
});
const rights: ReadonlySet<Capability> = new Set(["CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH"]);

const kernel: KernelFacts = {
  release: "6.1.0-18-cloud-amd64",
  uid: 990,
  capabilities: rights,
  isFirstPidNamespace: true,
  hidepid: null,
  ptraceScope: 1,
  lockdown: "integrity",
  seccomp: 2,
  hasSmapsRollup: true,
  hasPagemap: true,
  hasPressure: true,
  hasBuddyinfo: true,
  cgroup: { version: 2, hasMemory: true },
  mapCountLimit: 65_530,
  nowMs: NOW_MS,
};

const glibc = { allocator: "glibc", version: "2.36", count: 30, ringCount: 0, examples: [], tried: [tried()] } as const;
const jemalloc = { allocator: "jemalloc", version: null, count: 12, ringCount: 12, examples: [], tried: [] } as const;

const processes: ProcessFacts = {
  count: 120,
  deniedCount: 0,
  deniedExamples: [],
  smallCount: 78,
  rssBytesMin: 16 * MIB,
  groups: [glibc],
  mostMappings: { pid: 9, comm: "java", count: 900 },
};

/** A host on which all is well. */
const well: Facts = {
  settings: { filePath: "/etc/tidemark/collector.conf", problems: [], warnings: [], changed: ["TIDEMARK_FIREHOSE_STREAM"] },
  kernel,
  processes,
  walker: { path: "/w", version: "tidemark-walk 0.1.0", problem: null, architecture: "x64", hostArchitecture: "x64" },
  places: {
    ringFolder: folder("/run/tidemark/rings", { mode: 0o1733 }),
    spoolFolder: folder("/var/lib/tidemark/spool"),
    spoolBytesMax: 256 * MIB,
    blackBoxFolder: folder("/var/lib/tidemark/black-box"),
    blackBoxBytesMax: 16 * MIB,
  },
  running: { pid: 5, uid: 990, rssBytes: 50 * MIB, capabilities: rights },
  destination: {
    kind: "firehose",
    stream: "fleet",
    region: "eu-central-1",
    address: "firehose.eu-central-1.amazonaws.com:443",
    connectProblem: null,
    credentials: { kind: "found", source: "imds", expiresAtMs: NOW_MS + 3_600_000 },
  },
  instance: { kind: "off" },
  shimPath: "/usr/lib/tidemark/libtidemark.so",
};

const screen = { hostName: "h1", paint: (_: string, part: string) => part };
const notGood = (facts: Facts): readonly Check[] => judge(facts).filter(({ level }) => level !== "ok");

test("where all is well nothing has to be done", () => {
  deepEqual(notGood(well), []);
  ok(canMeasure(judge(well)));
});

const withKernel = (more: Partial<KernelFacts>): Facts => ({ ...well, kernel: { ...kernel, ...more } });
const withProcesses = (more: Partial<ProcessFacts>): Facts => ({ ...well, processes: { ...processes, ...more } });
const withPlaces = (more: Partial<Facts["places"]>): Facts => ({ ...well, places: { ...well.places, ...more } });
const firehose = well.destination as Extract<Facts["destination"], { kind: "firehose" }>;
const noRights: ReadonlySet<Capability> = new Set();

test("what is wrong is told in one line, as bad as it is, with what it is good for and what to do", () => {
  const cases: readonly (readonly [Facts, Check["level"], string, RegExp])[] = [
    [withKernel({ hasPagemap: false }), "fail", "kernel", /no \/proc\/pid\/pagemap/],
    [withKernel({ hasSmapsRollup: false, release: "4.9.0" }), "warn", "kernel", /Linux 4\.9\.0 has no smaps_rollup/],
    [withKernel({ hasBuddyinfo: false }), "warn", "kernel", /no \/proc\/buddyinfo/],
    [withKernel({ isFirstPidNamespace: false }), "warn", "processes", /pid namespace of its own/],
    [withKernel({ ptraceScope: 3 }), "fail", "security", /nobody may read another process's memory/],
    [withKernel({ hasPressure: false }), "warn", "pressure", /no \/proc\/pressure/],
    [withKernel({ cgroup: { version: 1, hasMemory: false } }), "warn", "cgroups", /version 1, without the memory controller/],
    [withKernel({ cgroup: { version: null, hasMemory: false } }), "warn", "cgroups", /no cgroups are mounted/],
    [withKernel({ nowMs: 0 }), "fail", "clock", /the clock says 1970-01-01/],
    [
      withProcesses({ deniedCount: 4, deniedExamples: ["init", "sh"] }),
      "warn",
      "rights",
      /closed to us: 4 of 120 processes \(init, sh, \.\.\.\), although user 990 has the capabilities/,
    ],
    [
      withProcesses({ mostMappings: { pid: 9, comm: "ja\u001b[31mva", count: 60_000 } }),
      "warn",
      "mappings",
      /^ja\ufffd\[31mva \(pid 9\) has the most, 60,000 of 65,530 .*: 92 %/,
    ],
    [
      withProcesses({ groups: [glibc, { ...jemalloc, ringCount: 2, examples: ["redis-server"] }] }),
      "warn",
      "heaps",
      /^10 of 12 processes on jemalloc without the shim \(redis-server, \.\.\.\): only RSS, PSS and mappings$/,
    ],
    [
      withProcesses({ groups: [{ ...glibc, version: "2.99", tried: [tried({ reason: "layout" })] }] }),
      "warn",
      "heaps",
      /30 processes on glibc 2\.99: a walk of cart \(pid 7\) gave no figures \(layout\)/,
    ],
    [
      { ...well, walker: { ...well.walker, version: null, problem: "ENOENT", architecture: null } },
      "fail",
      "walker",
      /\/w does not run: ENOENT/,
    ],
    [{ ...well, walker: { ...well.walker, architecture: "arm64" } }, "fail", "walker", /is for arm64, this host is x64/],
    [withPlaces({ spoolFolder: null }), "warn", "spool", /no folder for it/],
    [
      withPlaces({ spoolFolder: folder("/s", { freeBytes: MIB }) }),
      "warn",
      "spool",
      /\/s has 1[.\d]* MiB free, it may fill 256[.\d]* MiB/,
    ],
    [withPlaces({ spoolFolder: folder("/s", { isReadOnly: true }) }), "warn", "spool", /read-only/],
    [
      withPlaces({ spoolFolder: folder("/s", { mode: 0o770 }) }),
      "warn",
      "spool",
      /mode 770: others may write to it: it is refused/,
    ],
    [
      withPlaces({ spoolFolder: folder("/a/s", { looseAbove: "/a" }) }),
      "warn",
      "spool",
      /anyone may replace \/a\/s: \/a is world-writable/,
    ],
    [withPlaces({ spoolFolder: folder("/s", { isLink: true }) }), "warn", "spool", /symbolic link/],
    [withPlaces({ spoolFolder: folder("/s", { uid: 7 }) }), "warn", "spool", /belongs to user 7, we are 990: it is refused/],
    [withPlaces({ blackBoxFolder: null }), "warn", "black box", /no folder for it/],
    [withPlaces({ ringFolder: folder("/r", { mode: 0o777 }) }), "warn", "rings", /mode 777: others may write to it/],
    [
      { ...withPlaces({ ringFolder: folder("/r", { exists: false }) }), processes: { ...processes, groups: [jemalloc] } },
      "warn",
      "rings",
      /\/r is not there/,
    ],
    [
      { ...well, running: { pid: 5, uid: 990, rssBytes: null, capabilities: noRights } },
      "fail",
      "collector",
      /pid 5 of user 990 without/,
    ],
    [{ ...well, destination: { kind: "none" } }, "warn", "destination", /none is set/],
    [
      { ...well, destination: { kind: "folder", folder: folder("/d", { isReadOnly: true }) } },
      "fail",
      "destination",
      /read-only/,
    ],
    [{ ...well, destination: { ...firehose, region: null, address: null } }, "fail", "destination", /no region is known/],
    [
      { ...well, destination: { ...firehose, connectProblem: "ETIMEDOUT" } },
      "fail",
      "destination",
      /cannot be reached \(ETIMEDOUT\)/,
    ],
    [
      { ...well, destination: { ...firehose, credentials: { kind: "missing", problem: "Could not load" } } },
      "fail",
      "credentials",
      /none were found: Could not load/,
    ],
    [
      { ...well, destination: { ...firehose, credentials: { kind: "found", source: "imds", expiresAtMs: NOW_MS - 1 } } },
      "warn",
      "credentials",
      /from imds, expired/,
    ],
    [
      { ...well, instance: { kind: "silent", problem: "no answer", isOnEc2: true } },
      "warn",
      "instance",
      /does not answer: no answer/,
    ],
    [{ ...well, settings: { ...well.settings, problems: ["X is y"] } }, "fail", "settings", /^X is y$/],
    [{ ...well, settings: { ...well.settings, warnings: ["X is odd"] } }, "warn", "settings", /^X is odd$/],
  ];
  for (const [facts, level, what, found] of cases) {
    const checks = notGood(facts);
    equal(checks.length, 1, `${found}: ${JSON.stringify(checks)}`);
    const [check] = checks;
    deepEqual([check?.level, check?.what], [level, what], String(found));
    match(check?.found ?? "", found);
    ok((check?.why ?? "").length > 0 && (check?.todo ?? "").length > 0, String(found));
    equal(canMeasure(judge(facts)), level !== "fail");
  }
});

test("without rights it is the lack of them that is told, and which processes are closed; hidepid hides them as well", () => {
  const facts = {
    ...withKernel({ capabilities: noRights, hidepid: "invisible" }),
    processes: {
      ...processes,
      deniedCount: 90,
      deniedExamples: ["a"],
      groups: [{ ...glibc, tried: [tried({ isOurs: true })] }],
    },
  };
  const failures = notGood(facts);
  deepEqual(
    failures.map(({ level, what }) => [level, what]),
    [
      ["fail", "processes"],
      ["fail", "rights"],
    ],
  );
  match(failures[0]?.found ?? "", /hidepid=invisible, and we lack CAP_SYS_PTRACE/);
  match(
    failures[1]?.found ?? "",
    /user 990 lacks CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH; closed to us: 90 of 120 processes \(a, \.\.\.\)/,
  );
});

test("with the capability hidepid hides nothing", () => {
  deepEqual(notGood(withKernel({ hidepid: "2" })), []);
});

test("a refused reading of another user's memory fails, although the capabilities are there on paper", () => {
  const checks = notGood(withProcesses({ groups: [{ ...glibc, tried: [tried({ reason: "denied" })] }] }));
  deepEqual(
    checks.map(({ level, what }) => [level, what]),
    [
      ["warn", "heaps"],
      ["fail", "memory"],
    ],
  );
});

test("a heap that was busy, too large for the try or partly swapped out can be read all the same", () => {
  for (const reason of ["budget", "changed", "swapped"]) {
    deepEqual(notGood(withProcesses({ groups: [{ ...glibc, tried: [tried({ reason })] }] })), [], reason);
  }
});

test("root asks on behalf of a service whose user it does not know", () => {
  deepEqual(notGood({ ...withKernel({ uid: 0 }), places: { ...well.places, spoolFolder: folder("/s", { uid: 7 }) } }), []);
});

test("no ring folder is no trouble where nobody needs it", () => {
  deepEqual(notGood(withPlaces({ ringFolder: folder("/r", { exists: false }) })), []);
});

test("the screen fits 100 columns, says why and what to do under what is not well, and ends with the verdict", () => {
  const text = doctorText(judge(withKernel({ ptraceScope: 3 })), screen);
  for (const line of text.split("\n")) ok(line.length <= 100, line);
  match(
    text,
    /^fail {2}security {5}kernel\.yama\.ptrace_scope is 3.*\n {19}.*\n {19}why: no heap is walked.*\n[\s\S]* {19}do: {2}set it to 2/m,
  );
  match(text, /^h1 is not measured as it should be: 1 failure\.$/m);
  match(doctorText(judge(well), screen), /^h1 can be measured\.$/m);
});
