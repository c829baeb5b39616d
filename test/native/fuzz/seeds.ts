// Where fuzzing begins: the heaps and texts of real programs, captured anew for each run.
// It leaves how a process becomes an input to capture.ts.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { missing } from "../../support/need.ts";
import { endTargets, programPath, startTarget } from "../target.ts";
import { asThreadHeap, captureScene, captureTexts, withOtherHeldBytes } from "./capture.ts";

export const targets = ["chunks", "process", "text"] as const;
export type FuzzTarget = (typeof targets)[number];

export const seedsOf = (target: FuzzTarget): string => join(programPath("fuzz"), "seeds", target);

/** In the names of seeds that are not as the program was. */
export const changedMark = "-with-other-";

interface Program {
  readonly name: string;
  readonly path: string;
  readonly args: readonly string[];
  /** Sent before the capture: what makes the heap interesting, or makes it stand still. */
  readonly command?: string;
}

const python = `import json, sys
rows = [json.loads('{"k": [1, 2, "%d"]}' % i) for i in range(3000)]
kept = rows[::3]
del rows
print("used=0", flush=True)
sys.stdin.read()`;

const test = (name: string, ...args: string[]): Program => ({
  name: [name, ...args].join("-"),
  path: programPath(`test/${name}`),
  args,
});

/** The C test programs are built already; see `make test-programs`. */
export async function captureSeeds(): Promise<void> {
  const programs: Program[] = [
    { ...test("known", "300", "pages"), command: "trim" },
    test("known", "400", "mixed"),
    test("threads", "1", "0", "1", "1"),
    test("threads", "3", "0", "1", "1"),
    test("threads", "2", "1", "1", "70"),
    { ...test("churn", "2", "300"), command: "stop" },
    test("parked", "1", "9"),
    ...(missing("python3") ? [] : [{ name: "python", path: "/usr/bin/env", args: ["python3", "-c", python] }]),
  ];
  for (const target of targets) {
    rmSync(seedsOf(target), { recursive: true, force: true });
    mkdirSync(seedsOf(target), { recursive: true });
  }
  for (const { name, path, args, command } of programs) {
    const { pid, ask } = await startTarget(path, args);
    if (command !== undefined) await ask(command);
    const scene = captureScene(pid);
    for (const target of ["chunks", "process"] as const) writeFileSync(join(seedsOf(target), name), scene);
    writeFileSync(join(seedsOf("process"), `${name}${changedMark}held-bytes`), withOtherHeldBytes(scene));
    for (const index of name.startsWith("threads") ? [1, 2] : []) {
      writeFileSync(join(seedsOf("chunks"), `${name}-first-${index}`), asThreadHeap(scene, index, true));
      writeFileSync(join(seedsOf("chunks"), `${name}-later-${index}`), asThreadHeap(scene, index, false));
    }
    for (const [index, text] of captureTexts(pid).entries()) writeFileSync(join(seedsOf("text"), `${name}-${index}`), text);
  }
  endTargets();
}
