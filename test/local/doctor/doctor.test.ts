// tidemark doctor as a user types it: on this machine, with a file of settings, for people and for programs.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Check } from "../../../local/doctor/check.ts";
import { walkerPath } from "../../support/native.ts";

const cli = fileURLToPath(new URL("../../../local/cli.ts", import.meta.url));

function doctor(lines: readonly string[], ...args: readonly string[]) {
  walkerPath();
  const folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  const path = join(folder, "collector.conf");
  writeFileSync(path, ["TIDEMARK_IMDS=off", ...lines].join("\n"), { mode: 0o644 });
  const env = { PATH: process.env["PATH"], TIDEMARK_RING_FOLDER: join(folder, "rings") };
  const ended = spawnSync(process.execPath, [cli, "doctor", "--config", path, ...args], { encoding: "utf8", env });
  return { ...ended, folder, path };
}

const checksOf = (stdout: string): { readonly can_measure: boolean; readonly checks: readonly Check[] } => JSON.parse(stdout);

test("--json says of each check how it stands, what was found, why it matters and what to do, and the exit code sums it up", () => {
  const { status, stdout, stderr, folder } = doctor(["TIDEMARK_DELIVERY_FOLDER=/tmp"], "--json");
  const { can_measure, checks } = checksOf(stdout);
  equal(status, can_measure ? 0 : 1, stderr);
  for (const check of checks) deepEqual(Object.keys(check), ["level", "what", "found", "why", "todo"]);
  const topics = new Set(checks.map(({ what }) => what));
  for (const what of ["settings", "kernel", "rights", "walker", "rows", "heaps", "rings", "destination", "instance", "cost"])
    ok(topics.has(what), `${what} is not among ${[...topics].join()}`);
  deepEqual(readdirSync(folder), ["collector.conf"], "looking makes no folder");
});

test("a wrong setting fails, and everything else is looked at all the same", () => {
  const { status, stdout, path } = doctor(["TIDEMARK_DELIVERY_FOLDER=/tmp", "TIDEMARK_TICK_MS=soon"], "--json");
  equal(status, 1);
  const { checks } = checksOf(stdout);
  match(
    checks.find(({ what }) => what === "settings")?.found ?? "",
    new RegExp(`^TIDEMARK_TICK_MS is soon \\(${path} line 3\\)`),
  );
  ok(checks.length > 10);
});

test("for a reader that is no terminal there are no colours", () => {
  const { stdout } = doctor(["TIDEMARK_DELIVERY_FOLDER=/tmp"]);
  equal(stdout.includes("\u001b"), false);
  match(stdout, /^ok {4}kernel {7}Linux /m);
});
