// SIGHUP to a running collector: what the file says now is in effect, or nothing is and all problems are told.
// Which settings may change at all is reload.test.ts's.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { globSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { emptyFolder, startCollector } from "../support/collector-child.ts";
import { until } from "../support/service.ts";

const objectsIn = (folder: string) => globSync("raw/*/*/*.ndjson.gz", { cwd: folder });

/** The fields of the lines with this message. */
const linesOf = (log: string, message: string): readonly Readonly<Record<string, unknown>>[] =>
  log
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))
    .filter((line) => line.message === message);

test("a collector that would sleep for an hour takes up shorter intervals and another folder at once; bad settings change nothing", async () => {
  const [first, second] = [emptyFolder(), emptyFolder()];
  const path = join(emptyFolder(), "collector.conf");
  const write = (...lines: readonly string[]) => writeFileSync(path, lines.join("\n"), { mode: 0o644 });
  write(`TIDEMARK_DELIVERY_FOLDER=${first}`, "TIDEMARK_TICK_MS=3600000", "TIDEMARK_ROW_MS=3600000");
  const collector = startCollector({ TIDEMARK_FLUSH_MS: "100" }, ["--config", path]);
  await collector.says(/collector starts/);

  write(`TIDEMARK_DELIVERY_FOLDER=${first}`, "TIDEMARK_TICK_MS=x", "TIDEMARK_ROW_MS=100", "TIDEMARK_WALK_CPU=5");
  collector.signal("SIGHUP");
  await collector.says(/TIDEMARK_TICK_MS is x/);
  deepEqual(
    linesOf(collector.log(), "bad setting").map(({ problem, now }) => [problem, now]),
    [
      [`TIDEMARK_WALK_CPU in ${path} line 4 is no setting`, "all settings stay as they were"],
      [
        `TIDEMARK_TICK_MS is x (${path} line 2): expected a whole number of ms from 100 to 3600000`,
        "all settings stay as they were",
      ],
    ],
  );
  equal(objectsIn(first).length, 0);

  write(
    `TIDEMARK_DELIVERY_FOLDER=${first}`,
    "TIDEMARK_TICK_MS=100",
    "TIDEMARK_ROW_MS=100",
    "TIDEMARK_WALKER=/nowhere",
    "TIDEMARK_FLUSH_MS=9000",
  );
  collector.signal("SIGHUP");
  await until("rows come", () => (objectsIn(first).length > 0 ? true : null), collector.log);
  const [{ changed, need_restart } = {}] = linesOf(collector.log(), "settings were read again");
  // The environment comes before the file also the second time, so that flush stays as it is.
  deepEqual(changed, ["TIDEMARK_TICK_MS 3600000 -> 100", "TIDEMARK_ROW_MS 3600000 -> 100"]);
  match(String(need_restart), /^TIDEMARK_WALKER .* -> \/nowhere$/);

  write(`TIDEMARK_DELIVERY_FOLDER=${second}`, "TIDEMARK_TICK_MS=100", "TIDEMARK_ROW_MS=100");
  collector.signal("SIGHUP");
  await until("rows come to the other folder", () => (objectsIn(second).length > 0 ? true : null), collector.log);
  const { code } = await collector.stop();
  equal(code, 0);
  ok(linesOf(collector.log(), "settings were read again").length === 2, collector.log());
});

test("a folder that cannot be made is a problem like any other: rows go on to the old one", async () => {
  const folder = emptyFolder();
  const path = join(emptyFolder(), "collector.conf");
  const write = (to: string) =>
    writeFileSync(path, `TIDEMARK_DELIVERY_FOLDER=${to}\nTIDEMARK_TICK_MS=100\nTIDEMARK_ROW_MS=100\nTIDEMARK_FLUSH_MS=100`, {
      mode: 0o644,
    });
  write(folder);
  const collector = startCollector({}, ["--config", path]);
  await collector.says(/collector starts/);
  write("/proc/nowhere");
  collector.signal("SIGHUP");
  await collector.says(/TIDEMARK_DELIVERY_FOLDER is \/proc\/nowhere/);
  const before = objectsIn(folder).length;
  await until("rows still come", () => (objectsIn(folder).length > before ? true : null), collector.log);
  equal((await collector.stop()).code, 0);
});
