// Proves that the walker measures processes in other containers, and that CAP_SYS_PTRACE is the only privilege it needs.
// It leaves being denied without it to walker-ends.test.ts.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { after, before, test } from "node:test";
import { missing, skipReason } from "../support/need.ts";
import { endTargets, type Fields, numberOf, parseFields, programPath, startTarget, type Target } from "./target.ts";
import { assertAgrees, cpuBudgetUs, isRoot, makeWalker, walker, walkOk } from "./walks.ts";

before(makeWalker);
after(endTargets);

/** User, pid and mount namespaces of its own, as a rootless container has. */
const container = ["-Upfm", "--mount-proc"];
/** An ordinary user who may look into other processes, and nothing else: as the package's service is set up. */
const ptraceOnly = [
  "--reuid=65534",
  "--regid=65534",
  "--clear-groups",
  "--inh-caps=-all,+sys_ptrace",
  "--ambient-caps=-all,+sys_ptrace",
  "--bounding-set=-all,+sys_ptrace",
];

const canUnshare = () => spawnSync("unshare", [...container, "true"]).status === 0;
const noUnshare = missing("unshare") || (!canUnshare() && skipReason("unshare is refused here"));
const noSetpriv = missing("setpriv") || (!isRoot && skipReason("only root can hand out CAP_SYS_PTRACE"));

/** The program inside, whose own pid is 1, by its pid outside. */
async function startInContainer(program: string, args: readonly string[]): Promise<Target> {
  const target = await startTarget("unshare", [...container, programPath(program), ...args]);
  const pid = Number(readFileSync(`/proc/${target.pid}/task/${target.pid}/children`, "utf8"));
  for (const kind of ["user", "pid", "mnt"]) {
    assert.notEqual(readlinkSync(`/proc/${pid}/ns/${kind}`), readlinkSync(`/proc/self/ns/${kind}`), kind);
  }
  return { ...target, pid };
}

function walkWithPtraceOnly(pid: number): Fields {
  const args = [...ptraceOnly, walker, "--cpu-budget-us", String(cpuBudgetUs), String(pid)];
  const { stdout, stderr } = spawnSync("setpriv", args, { encoding: "utf8" });
  assert.equal(stderr, "");
  return parseFields(stdout.trimEnd());
}

for (const args of [
  ["test/known", "10000", "mixed"],
  ["test/threads", "4", "1", "5", "100"],
] as const) {
  const [program, ...programArgs] = args;

  test(`${args.join(" ")} in a container is measured as anywhere else`, { skip: noUnshare }, async () => {
    const target = await startInContainer(program, programArgs);
    assertAgrees(await walkOk(target.pid), target.truth);
  });

  test(`root's ${args.join(" ")} is measured by nobody with CAP_SYS_PTRACE alone`, { skip: noSetpriv }, async () => {
    const target = await startTarget(programPath(program), programArgs);
    assertAgrees(walkWithPtraceOnly(target.pid), target.truth);
  });

  test(`root's ${args.join(" ")} in a container as well`, { skip: noUnshare || noSetpriv }, async () => {
    const target = await startInContainer(program, programArgs);
    assertAgrees(walkWithPtraceOnly(target.pid), target.truth);
  });
}

test("what is resident is the same, whether pagemap may be opened or not", { skip: noSetpriv }, async () => {
  const target = await startTarget(programPath("test/known"), ["5000", "pages"]);
  await target.ask("trim");
  const withPagemap = await walkOk(target.pid);
  const withoutPagemap = walkWithPtraceOnly(target.pid);
  const figures = (fields: Fields) => [...fields].filter(([name]) => !name.startsWith("walk_"));
  assert.deepEqual(figures(withoutPagemap), figures(withPagemap));
  assert.ok(numberOf(withPagemap, "heap_resident_bytes") < 0.5 * numberOf(withPagemap, "heap_bytes"), "the test needs holes");
});
