// tidemark review as a person runs it: options, the text, the page, JSON, and what is refused.
// What is said of whom is test/functions/review.test.ts's.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { lakeFolder } from "../support/lake.ts";
import { AFTERWARDS_MS, peakDeliveries } from "../support/peak-stories.ts";

const cli = join(import.meta.dirname, "../../local/cli.ts");
const peak = ["--from", "2026-11-20T10:00", "--to", "2026-11-20T18:00"];
let folder: string;

before(async () => {
  folder = await lakeFolder(peakDeliveries(), AFTERWARDS_MS);
});
after(() => rmSync(folder, { recursive: true }));

const review = (...options: string[]) =>
  spawnSync(process.execPath, [cli, "review", "--folder", folder, ...options], { encoding: "utf8" });

test("the hours are rolled up on the way; the text goes to the terminal, the page into the lake's reports", () => {
  const { status, stdout, stderr } = review(...peak, "--against", "2026-11-13T10:00..2026-11-13T18:00");
  equal(status, 0, stderr);
  match(stdout, /What to change before the next one:\n1\. /);
  match(stdout, /Against 2026-11-13 10:00 to 18:00 UTC:[\s\S]*- ratchet: .*kept 600 MiB \(then 200 MiB\)/);
  ok(!/[\p{Cc}\u202e]/u.test(stdout.replaceAll("\n", "")), "nothing of a stranger drives the terminal");
  const page = join(folder, "reports", "peak-review-2026-11-20T1000-2026-11-20T1800.html");
  match(readFileSync(page, "utf8"), /Who kept memory/);
});

test("--out puts the page elsewhere, --json gives every figure", () => {
  const out = join(folder, "page.html");
  const { status, stdout, stderr } = review(...peak, "--title", "Friday", "--json", "--out", out);
  equal(status, 0, stderr);
  const { title, services, timelines, queries } = JSON.parse(stdout);
  deepEqual([title, services.length, queries[0].name], ["Friday", 14, "review_services"]);
  equal(timelines['["ratchet",null]'].length, 16);
  ok(existsSync(out));
});

test("what is no peak, no time and no pair of times is refused with the reason", () => {
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [["--from", "2026-11-20T10:00"], /--to <time>' not specified/],
    [["--from", "5", "--to", "2026-11-20"], /Write it like 2026-11-23T12:00:00/],
    [["--from", "2026-11-20T18:00", "--to", "2026-11-20T10:00"], /must end after it begins/],
    [["--from", "2026-11-01", "--to", "2026-11-20"], /the peak lasts 19 d, at most 14 d/],
    [["--from", "2026-11-20", "--to", "2126-11-21"], /it must be over/],
    [[...peak, "--against", "2026-11-13T10:00"], /Write it like 2026-11-20T06:00\.\.2026-11-20T12:00/],
    [[...peak, "--weeks", "9"], /9 weeks to compare with, of 0 to 4/],
  ];
  for (const [options, reason] of wrong) {
    const { status, stderr, stdout } = review(...options);
    deepEqual([status === 0, stdout], [false, ""], options.join(" "));
    match(stderr, reason);
  }
});
