// Proves how tidemark-walk behaves as a program: the request loop, its arguments, and that it keeps nothing of what it read.
// It leaves what it measures to walker.test.ts.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { endTargets, parseFields, programPath, startTarget } from "./target.ts";
import { makeWalker, walker } from "./walks.ts";

before(makeWalker);
after(endTargets);

test("serve answers every line in order, the bad ones as well", async () => {
  const target = await startTarget(programPath("test/odd"), ["filled"]);
  const pid = String(target.pid);
  const requests = [
    `${pid} 500000`,
    "nonsense",
    `${pid}`,
    "0 500000",
    `${pid} 0`,
    "-1 5",
    `${pid} 500000 `,
    `${pid} 500000 0`,
    `${pid} 500000 5000 1`,
    "9".repeat(10_000),
    "",
  ];
  const input = [...requests, "2147483647 500000", `${pid} 1`, `${pid} 500000`].map((line) => `${line}\n`).join("");
  const { stdout, status } = spawnSync(walker, ["--serve"], { input, encoding: "utf8" });
  const answers = stdout.trimEnd().split("\n").map(parseFields);
  const words = answers.map((fields) => `${fields.get("pid")} ${fields.get("reason") ?? fields.get("status")}`);
  const bad = "0 bad_request";
  assert.deepEqual(words, [`${pid} ok`, ...Array(10).fill(bad), "2147483647 gone", `${pid} budget`, `${pid} ok`]);
  assert.equal(status, 0);
});

test("serve ends quietly when nobody reads its answers", async () => {
  const child = spawn(walker, ["--serve"], { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.on("error", () => {});
  child.stdout.destroy();
  const writing = setInterval(() => child.stdin.write(`${process.pid} 500000\n`), 10);
  const [code, signal] = await once(child, "exit");
  clearInterval(writing);
  assert.deepEqual([code, signal], [0, null]);
});

test("usage errors are told apart from unknown heaps", () => {
  for (const args of [
    [],
    ["0"],
    ["12x"],
    ["--serve", "1"],
    ["--cpu-budget-us", "1"],
    ["--cpu-budget-us", "x", "1"],
    ["--arenas"],
    ["1", "--arenas"],
  ]) {
    assert.equal(spawnSync(walker, args).status, 2, args.join(" "));
  }
  assert.equal(spawnSync(walker, ["--help"]).status, 0);
  assert.match(spawnSync(walker, ["--version"], { encoding: "utf8" }).stdout, /^tidemark-walk \d+\.\d+\.\d+\n$/);
});
