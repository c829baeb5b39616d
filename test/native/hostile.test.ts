// Proves that a target which lies about its heap gets an answer within the limits of the walk, and never harms the walker.
// It leaves random damage to chunks_unit.c and the fuzz targets, and honest programs to walker.test.ts.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { endTargets, type Fields, numberOf, parseFields, programPath, startTarget } from "./target.ts";
import { assertAddsUp, makeWalker, walk, walker, walkerAsan } from "./walks.ts";

before(makeWalker);
after(endTargets);

const budgetUs = 100_000;
/** A budget is looked at between reads, and what lies between two looks can take long on a busy machine. */
const overrunUs = 100_000;
/** Its tables when full take some 4 MiB, the C library and the stack 2 MiB. */
const residentKibMax = 10 << 10;

/** What may be said about each: "ok" where the damage is not to the chunks. */
const kinds: [kind: string, allowed: string[]][] = [
  ["crawl", ["budget"]],
  ["rewrite", ["changed", "layout", "budget"]],
  ["arenas", ["layout"]],
  ["more_arenas", ["too_many_maps"]],
  ["heaps", ["layout"]],
  ["more_heaps", ["too_many_maps"]],
  ["reserve", ["budget", "ok"]],
  ["mappings", ["budget", "ok"]],
  ["fastbin", ["ok"]],
  ["caches", ["ok"]],
  ["top_pad", ["ok"]],
];

/** One walker for several requests, as the collector has it. */
async function serve(requests: readonly string[]): Promise<{ answers: Fields[]; peakKib: number }> {
  const child = spawn(walker, ["--serve"], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answers: Fields[] = [];
  for (const request of requests) {
    child.stdin.write(`${request}\n`);
    const line = await lines.next();
    if (line.done) throw new Error(`the walker ended at ${request}`);
    answers.push(parseFields(line.value));
  }
  const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
  child.stdin.end();
  assert.deepEqual(await once(child, "exit"), [0, null]);
  return { answers, peakKib: Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) };
}

for (const [kind, allowed] of kinds) {
  test(`a hostile target (${kind}) costs no more than allowed: ${allowed.join(" or ")}`, async () => {
    const target = await startTarget(programPath("test/hostile"), [kind]);
    const { answers, peakKib } = await serve(Array(5).fill(`${target.pid} ${budgetUs} 5000`));
    for (const fields of answers) {
      const said = fields.get("reason") ?? fields.get("status") ?? "";
      assert.ok(allowed.includes(said), `${kind} is ${said}`);
      assert.ok(numberOf(fields, "walk_cpu_us") < budgetUs + overrunUs, JSON.stringify([...fields]));
      if (said === "ok") assertAddsUp(fields);
    }
    assert.ok(peakKib < residentKibMax, `the walker grew to ${peakKib} KiB`);
    const { fields } = await walk(target.pid, { path: walkerAsan, budgetUs });
    assert.equal(fields.get("pid"), String(target.pid));
  });
}

test("lists that were bent into a circle, or caches by the thousand, leave their figures out and nothing else", async () => {
  const bent = await startTarget(programPath("test/hostile"), ["fastbin"]);
  const { fields } = await walk(bent.pid);
  assert.deepEqual([fields.get("status"), fields.has("fastbin_bytes"), fields.has("tcache_bytes")], ["ok", false, true]);
  const crowded = await startTarget(programPath("test/hostile"), ["caches"]);
  const crowd = (await walk(crowded.pid)).fields;
  assert.deepEqual([crowd.get("status"), crowd.has("fastbin_bytes"), crowd.has("tcache_bytes")], ["ok", true, false]);
});
