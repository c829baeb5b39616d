// Files that people write: the collector's settings and the alerts' rules. A slip must be told, never half obeyed.
// Who may have written them is tried in test/collector/config-file.test.ts.
import { deepEqual, ok } from "node:assert/strict";
import { readConfig } from "../../../collector/config.ts";
import { parseConfigFile } from "../../../collector/config-file.ts";
import { defaultAlertConfig, readAlertConfig } from "../../../functions/core/alert-config.ts";
import { assertNoOrders, type FuzzTarget } from "../target.ts";

const context = { nowMs: Date.UTC(2026, 10, 23), thresholdNames: new Set(["excess_bytes_min"]) };

const alerts = JSON.stringify({
  thresholds: { excess_bytes_min: 1 },
  services: [{ service: "check*", thresholds: { excess_bytes_min: 2 } }],
  mutes: [{ service: "a", cause: "leak", until: "2026-12-01", reason: "known" }],
  maintenance: [{ name: "m", services: ["*"], days: ["sun"], from: "01:00", to: "02:00" }],
  peaks: [{ name: "p", from: "2026-11-27", to: "2026-11-28T12:00:00Z" }],
});

export const config: FuzzTarget = {
  name: "config",
  seeds: () => [
    Buffer.from(alerts),
    Buffer.from('# comment\nTIDEMARK_FOLDER=/tmp/x\nTIDEMARK_ROW_MS="60000"\nTIDEMARK_RSS_BYTES_MIN=4194304\n'),
    Buffer.from("TIDEMARK_FIREHOSE_STREAM=a\nTIDEMARK_FIREHOSE_STREAM=b\nNO_SUCH=1\nno line\n"),
  ],
  words: [
    "TIDEMARK_TICK_MS=",
    "\u001b[2K",
    "\u0000",
    '"__proto__":{}',
    "[[[[",
    "*",
    "\\",
    "'",
    "2026-02-31",
    "=",
    "\n",
    "\u202e",
    "$(id)",
  ],
  run(input) {
    const file = parseConfigFile(input.toString("utf8"), "/etc/tidemark/collector.conf");
    const told = file.ok ? [] : [...file.error];
    let used = "no settings";
    if (file.ok) {
      const read = readConfig(Object.fromEntries([...file.value.settings].map(([name, { value }]) => [name, value])));
      used = read.ok ? "used" : "refused";
      told.push(...(read.ok ? [] : read.error));
      for (const { value } of file.value.settings.values()) ok(!/["'\\\p{Cc}]/u.test(value));
    }
    const rules = readAlertConfig(input, context);
    if (rules.problems.length > 0) deepEqual(rules.config, defaultAlertConfig);
    ok(rules.problems.length <= 50 && rules.problems.every((problem) => problem.length < 8_000));
    // Each is one line of a log or of a message.
    for (const line of [...told, ...rules.problems]) {
      ok(!line.includes("\n"), JSON.stringify(line));
      assertNoOrders(line);
    }
    const kinds = ["no JSON", "Unrecognized key", "expected", "Too big", "Too small", "no query", "not after", "more than"];
    const seen = kinds.filter((kind) => rules.problems.some((problem) => problem.includes(kind)));
    return `${used} ${Math.min(told.length, 3)} ${seen} ${rules.problems.length > 3}`;
  },
};
