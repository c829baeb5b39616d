// The appendix of queries: commands that a person can paste, whatever was asked.
import { equal, match, ok } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { queryAppendix, queryCommand, queryLink } from "../../../../functions/core/report/query-links.ts";

const START_MS = Date.UTC(2026, 10, 20, 10, 0, 0, 250);
const query = {
  name: "review_services",
  parameters: {
    window_start: START_MS,
    window_end: START_MS + 750,
    bucket_seconds: 3_600,
    reads: "hours",
    dt_first: "2026-11-20",
    dt_last: "2026-11-20",
  },
};

test("a command has times as tidemark sql takes them, numbers as they are, and no dates of partitions", () => {
  equal(
    queryCommand(query),
    "tidemark sql review_services --param window_start=2026-11-20T10:00:00.250 --param window_end=2026-11-20T10:00:01 --param bucket_seconds=3600 --param reads=hours",
  );
});

test("a value that a shell would read as more than a word comes through it as it was", () => {
  const hostile = `a'b $(id) "c" \`x\`; rm -rf`;
  const command = queryCommand({ name: "q", parameters: { service: hostile } });
  const words = execFileSync("sh", ["-c", `tidemark() { printf '%s\\n' "$@"; }; ${command}`], { encoding: "utf8" });
  equal(words, `sql\nq\n--param\nservice=${hostile}\n`);
});

test("a section's link leads to its query in the appendix; one that was not asked has no link", async () => {
  const queries = [{ name: "other", parameters: {} }, query];
  const [link, appendix] = [String(await queryLink(queries, "review_services")), String(await queryAppendix(queries))];
  const target = /href="#([\w-]+)"/.exec(link)?.[1];
  ok(target !== undefined);
  match(appendix, new RegExp(`id="${target}"[^>]*><strong>review_services</strong>`));
  equal(queryLink(queries, "never_asked"), "");
  equal(queryAppendix([]), "");
});

test("what strangers put into a value is escaped, and cut", async () => {
  const appendix = String(await queryAppendix([{ name: "q", parameters: { service: `<img src=x>${"y".repeat(9_000)}` } }]));
  ok(!appendix.includes("<img"));
  ok(appendix.length < 2_000);
});
