// tidemark report --weekly on a folder: the page where it was asked for, its copy in the lake, and the mail's text on the terminal.
// What the report says is core/weekly's tests'.
import { equal, match } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { lakeFolder } from "../support/lake.ts";
import { processSample, samples } from "../support/samples.ts";

const cli = fileURLToPath(new URL("../../local/cli.ts", import.meta.url));
const HOUR_MS = 3_600_000;
const END_MS = Date.UTC(2026, 10, 23);
const GIB = 2 ** 30;

test("tidemark report --weekly rolls up, detects and draws both weeks of a folder's lake", async () => {
  const rows = Array.from({ length: 48 }, (_, hour) =>
    processSample({
      sequence: hour,
      sampled_at: END_MS - (48 - hour) * HOUR_MS + 1,
      rss_bytes: 3 * GIB,
      live_bytes: GIB,
      free_bytes: GIB,
      free_resident_bytes: hour < 24 ? GIB : 2 * GIB,
    }),
  );
  const folder = await lakeFolder([{ samples: samples({ process: rows }) }], END_MS);
  const path = join(folder, "here.html");
  const asked = ["report", "--weekly", "--folder", folder, "--periods", "1", "--report", path];
  const text = execFileSync(process.execPath, [cli, ...asked], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  match(text, /^Tidemark weekly: 2 GiB held free, \$[\d.]+ to \$[\d.]+ a month, \d+ open finding/);
  match(text, /Held free: +2 GiB, 100 % more than the week before/);
  match(text, /- checkout: 1 GiB to 2 GiB held free/);
  const [, kept = ""] = /The page: (file:\S+)/.exec(text) ?? [];
  equal(readFileSync(new URL(kept), "utf8"), readFileSync(path, "utf8"));
});
