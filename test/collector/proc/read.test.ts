// How reading a kernel file fails.
import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { test } from "node:test";
import { procErrorOf, readKernelFile, readKernelLink } from "../../../collector/proc/read.ts";

test("a process that does not exist is gone, which is an answer and not an exception", () => {
  const path = "/proc/4194304/status";
  deepEqual(readKernelFile(path), { ok: false, error: { kind: "gone", path } });
  deepEqual(readKernelLink("/proc/4194304/exe"), { ok: false, error: { kind: "gone", path: "/proc/4194304/exe" } });
});

test("a kernel file that is there is read whole", () => {
  const boot = readKernelFile("/proc/sys/kernel/random/boot_id");
  equal(boot.ok && boot.value.trim().length, 36);
});

test("a file that is there and cannot be read is unreadable, with the kernel's code", () => {
  // Nothing is mapped at address 0, so the first read of our own memory fails with EIO.
  const table = [
    [readKernelFile("/proc/self/mem"), "/proc/self/mem", "EIO"],
    [readKernelFile("/proc"), "/proc", "EISDIR"],
    [readKernelLink("/proc/self/statm"), "/proc/self/statm", "EINVAL"],
  ] as const;
  for (const [result, path, code] of table) deepEqual(result, { ok: false, error: { kind: "unreadable", path, code } });
});

test("a file that is longer than it may be is unreadable: a process can make its own as long as it likes", () => {
  const path = "/proc/self/maps";
  const whole = readKernelFile(path);
  ok(whole.ok && whole.value.length > 4_096);
  deepEqual(readKernelFile(path, 4_096), { ok: false, error: { kind: "unreadable", path, code: "EFBIG" } });
});

test("the file of a removed cgroup is gone like its process", () => {
  const path = "/sys/fs/cgroup/x/memory.max";
  deepEqual(procErrorOf(path, Object.assign(new Error(), { code: "ENODEV" })), { kind: "gone", path });
  deepEqual(procErrorOf(path, Object.assign(new Error(), { code: "ESTALE" })), { kind: "unreadable", path, code: "ESTALE" });
});

test("what is no answer of the kernel is thrown, with the path", () => {
  throws(() => procErrorOf("/proc/1/stat", new TypeError("a bug")), /cannot read \/proc\/1\/stat/);
});
