// What the black box of a real collector says of programs that the kernel kills for want of memory, or that get none from malloc.
// Which counters decide is oom.test.ts's and failure-watch.test.ts's.
import { deepEqual, equal, ok } from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { grow, type Host, killed, MIB, newHost, start, startHolder, until } from "../../support/black-box.ts";
import { memoryGroup } from "../../support/memory-group.ts";
import { libraryPath } from "../../support/native.ts";

const eventsOf = (host: Host, pid: number) => [
  ...new Set(host.rows().flatMap((row) => (row["pid"] === pid ? [row["event"]] : []))),
];

test("the kernel kills for want of memory: oom_kill, and death for who was merely killed beside it", async (t) => {
  const group = memoryGroup("oom", 300 * MIB);
  if (typeof group === "string") return t.skip(group);
  t.after(group.remove);
  const host = newHost();
  const collector = host.startCollector();
  const victim = await startHolder("victim", 200 * MIB, group.folder);
  const other = await startHolder("other", 250 * MIB);
  await until(() => host.hasKept(victim) && host.hasKept(other), "looks at both");
  grow(victim, 400 * MIB);
  await once(victim, "exit");
  equal(victim.signalCode, "SIGKILL");
  await killed(other);
  await until(() => eventsOf(host, victim.pid).length > 0 && eventsOf(host, other.pid).length > 0, "rows of both");
  deepEqual([eventsOf(host, victim.pid), eventsOf(host, other.pid)], [["oom_kill"], ["death"]]);
  const anonymous = host
    .rows()
    .flatMap((row) => (row["pid"] === victim.pid ? [(row["rss_bytes"] as number) - (row["shared_bytes"] as number)] : []));
  ok(
    Math.min(...anonymous) > 200 * MIB && Math.max(...anonymous) < 300 * MIB,
    "its last sizes lie below the limit that it hit",
  );
  await killed(collector);
});

/** Holds 200 MiB, and asks malloc for what there cannot be with each line that it reads. */
const FAILING = `
import ctypes, sys
held = bytearray(b"x") * (200 << 20)
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
print("held", flush=True)
for line in sys.stdin:
    assert libc.malloc(1 << 62) is None
    print("failed", flush=True)
`;

test("an allocation fails in a program with the library of failures: its history is shipped, and it lives on", async () => {
  const host = newHost();
  const collector = host.startCollector();
  await until(() => existsSync(host.rings), "the folder of ring files");
  const program = start("python3", ["-c", FAILING], {
    LD_PRELOAD: libraryPath("libtidemark-failures.so"),
    TIDEMARK_RING_FOLDER: host.rings,
    OTEL_SERVICE_NAME: "failing",
  });
  await once(program.stdout ?? program, "data");
  const hasTold = () => host.rows("process").some((row) => row["pid"] === program.pid && row["alloc_failure_count"] === 0);
  await until(hasTold, "a row that says that nothing has failed");
  deepEqual(eventsOf(host, program.pid), []);
  program.stdin?.write("again\n");
  await once(program.stdout ?? program, "data");
  await until(() => eventsOf(host, program.pid).length > 0, `rows of the program: ${collector.log()}`);
  deepEqual(eventsOf(host, program.pid), ["alloc_failure"]);
  const rows = host.rows().filter((row) => row["pid"] === program.pid);
  ok(rows.every((row) => row["service"] === "failing" && (row["rss_bytes"] as number) > 100 * MIB));
  equal(program.exitCode, null);
  await killed(collector);
});
