// npm run check: format, lint, types, native, then all tests (SQL among them); says at the end what failed.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const bin = (name: string) => join(root, "node_modules", ".bin", name);

const steps: readonly (readonly [string, readonly [string, ...string[]]])[] = [
  ["format and lint", [bin("biome"), "ci", "--error-on-warnings", "."]],
  ["types", [bin("tsc"), "--noEmit"]],
  ["native, warnings as errors", ["make", "-C", "native", "-s", "all", "test-programs", "bench-programs", "asan"]],
  ["tests", [process.execPath, "--test", "--test-force-exit", "--test-reporter=spec", "test/**/*.test.ts"]],
];

const failed = steps.filter(([name, [command, ...args]]) => {
  const startedMs = performance.now();
  process.stdout.write(`\n== ${name}\n`);
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  if (error) process.stdout.write(`${error.message}\n`);
  process.stdout.write(
    `== ${name}: ${status === 0 ? "passed" : "FAILED"} in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s\n`,
  );
  return status !== 0;
});
if (failed.length > 0) {
  process.stdout.write(`\nfailed: ${failed.map(([name]) => name).join("; ")}\n`);
  process.exitCode = 1;
}
