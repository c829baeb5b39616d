// How reading a kernel file fails.
import { deepEqual, equal, throws } from "node:assert/strict";
import { test } from "node:test";
import { readKernelFile, readKernelLink } from "../../../collector/proc/read.ts";

test("a process that does not exist is gone, which is an answer and not an exception", () => {
  const path = "/proc/4194304/status";
  deepEqual(readKernelFile(path), { ok: false, error: { kind: "gone", path } });
  deepEqual(readKernelLink("/proc/4194304/exe"), { ok: false, error: { kind: "gone", path: "/proc/4194304/exe" } });
});

test("a kernel file that is there is read whole", () => {
  const boot = readKernelFile("/proc/sys/kernel/random/boot_id");
  equal(boot.ok && boot.value.trim().length, 36);
});

test("what no process explains is thrown, with the path", () => {
  throws(() => readKernelFile("/proc"), /cannot read \/proc/);
});
