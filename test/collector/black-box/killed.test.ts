// The black box of a real collector beside real programs: whoever is killed, the last looks arrive.
// What is kept and how much of it is shipped is black-box.test.ts's and history.test.ts's.
import { deepEqual, equal, ok } from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Host, killed, LARGE_BYTES, LOOKS_MIN, MIB, newHost, startHolder, until } from "../../support/black-box.ts";

const HELD_BYTES = 256 * MIB;

const rowsOf = (host: Host, pid: number) => host.rows().filter((row) => row["pid"] === pid);

function isLastHourOf(rows: ReturnType<typeof rowsOf>, service: string): void {
  ok(rows.length >= LOOKS_MIN, `${rows.length} rows`);
  for (const row of rows) {
    deepEqual([row["event"], row["service"]], ["death", service]);
    ok((row["rss_bytes"] as number) >= HELD_BYTES && (row["virtual_bytes"] as number) > (row["rss_bytes"] as number));
    ok((row["shared_bytes"] as number) > 0 && (row["shared_bytes"] as number) < LARGE_BYTES);
    ok((row["thread_count"] as number) > 1 && (row["major_fault_count"] as number) >= 0);
    ok((row["sampled_at"] as number) <= (row["event_at"] as number));
  }
  equal(new Set(rows.map((row) => row["process_key"])).size, 1);
  equal(new Set(rows.map((row) => row["sequence"])).size, rows.length);
}

test("kill -9 of a program: its last looks are shipped with the reason death, and those of the living are not", async () => {
  const host = newHost();
  const [victim, other] = await Promise.all([startHolder("victim", HELD_BYTES), startHolder("other", HELD_BYTES)]);
  const collector = host.startCollector();
  await until(() => host.hasKept(victim), "looks on the disk");
  equal(statSync(host.blackBox).mode & 0o777, 0o700);
  for (const name of readdirSync(host.blackBox)) equal(statSync(join(host.blackBox, name)).mode & 0o777, 0o600);
  await killed(victim);
  await until(() => rowsOf(host, victim.pid).length > 0, "rows of the victim");
  isLastHourOf(rowsOf(host, victim.pid), "victim");
  equal(rowsOf(host, other.pid).length, 0);
  collector.kill("SIGTERM");
  equal((await once(collector, "exit"))[0], 0, collector.log());
  equal(rowsOf(host, other.pid).length, 0, "our own end is not theirs");
});

test("kill -9 of both: the next collector finds who died meanwhile, ships it once, and goes on with who lives", async () => {
  const host = newHost();
  const [victim, other] = await Promise.all([startHolder("victim", HELD_BYTES), startHolder("other", HELD_BYTES)]);
  const first = host.startCollector();
  await until(() => host.hasKept(victim) && host.hasKept(other), "looks on the disk");
  await killed(first);
  await killed(victim);
  const cameBackMs = Date.now();
  const second = host.startCollector();
  await until(() => rowsOf(host, victim.pid).length > 0, "rows of the victim");
  const rows = rowsOf(host, victim.pid);
  isLastHourOf(rows, "victim");
  ok(rows.every((row) => (row["event_at"] as number) >= cameBackMs && (row["sampled_at"] as number) < cameBackMs));
  await killed(second);
  const third = host.startCollector();
  await until(() => third.log().includes("collector starts"), "a third collector");
  await killed(other);
  await until(() => rowsOf(host, other.pid).length > 0, "rows of the other");
  const history = rowsOf(host, other.pid);
  isLastHourOf(history, "other");
  ok(
    history.some((row) => (row["sampled_at"] as number) < cameBackMs),
    "the first collector's looks are among them",
  );
  equal(rowsOf(host, victim.pid).length, rows.length, "the victim's rows are not shipped again");
  await killed(third);
});

test("kill -9 of the collector between a death and its rows: the next one ships them", async () => {
  const host = newHost();
  const victim = await startHolder("victim", HELD_BYTES);
  // Rows that nobody sees closed.
  const first = host.startCollector({ TIDEMARK_ROW_MS: "3600000" });
  await until(() => host.hasKept(victim), "looks on the disk");
  await killed(victim);
  const sizeOf = () => readdirSync(host.blackBox).reduce((sum, name) => sum + statSync(join(host.blackBox, name)).size, 0);
  const before = sizeOf();
  await until(() => sizeOf() === before, "no more looks");
  equal(rowsOf(host, victim.pid).length, 0);
  await killed(first);
  host.startCollector();
  await until(() => rowsOf(host, victim.pid).length > 0, "rows of the victim");
  isLastHourOf(rowsOf(host, victim.pid), "victim");
});
