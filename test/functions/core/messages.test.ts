// What people are told, by mail and in Slack.
import { deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { advise } from "../../../functions/core/advice/advise.ts";
import { inputOfFinding } from "../../../functions/core/advice/inputs.ts";
import { causeNames, causeText } from "../../../functions/core/causes.ts";
import { ALERTS_AT_ONCE_MAX, alertMessages, resolvedMessages } from "../../../functions/core/messages.ts";
import { anchorOf } from "../../../functions/core/runbook.ts";
import { questionOf } from "../../../functions/core/see-it.ts";
import { slackMessage } from "../../../functions/core/slack-message.ts";
import type { Message } from "../../../functions/edges.ts";
import { readCatalogue } from "../../../queries/catalogue.ts";
import type { Finding } from "../../../schema/columns.ts";

const MIB = 1_024 * 1_024;
const finding: Finding = {
  found_at: Date.UTC(2026, 10, 23, 12),
  finding_id: "abc",
  service: "checkout",
  cause: "fragmentation",
  since: Date.UTC(2026, 10, 20),
  host_count: 1,
  process_count: 4,
  excess_bytes: 300 * MIB,
  reclaimable_bytes: 30 * MIB,
  evidence: "live bytes went down",
  early_warnings: "free_chunk_count_rising",
};

const alertMessage = (one: Finding): Message => {
  const [message] = alertMessages([one]);
  if (message === undefined) throw new Error("a finding gave no message");
  return message;
};

test("an alert says who, what, how much, where, since when, why and where to look, and can be filtered by", () => {
  const { topic, subject, text, attributes } = alertMessage(finding);
  equal(topic, "alerts");
  equal(subject, "Tidemark: checkout: Fragmentation, 300 MiB");
  for (const part of [
    "300 MiB",
    "30 MiB",
    "4 processes on 1 host",
    "2026-11-20 00:00 UTC",
    "live bytes went down",
    "free_chunk_count_rising",
    "Where to look:",
    "tidemark sql --athena service_memory --param service=checkout --param window_start=2026-11-19T00:00:00 --param window_end=2026-11-23T13:00:00",
  ]) {
    ok(text.includes(part), part);
  }
  deepEqual(attributes, { kind: "alert", service: "checkout", severity: "held", cause: "fragmentation" });
});

test("what is not known is called unknown, and no early warnings are not mentioned", () => {
  const { text } = alertMessage({ ...finding, reclaimable_bytes: null, early_warnings: null });
  match(text, /of which a trim would return unknown/);
  ok(!text.includes("Early warnings"));
});

test("what became worse says so, with when it was first found; what sets it apart and how sure it is are told where known", () => {
  const { subject, text } = alertMessage({
    ...finding,
    state: "worse",
    environment: "live",
    first_found_at: Date.UTC(2026, 10, 19),
    explained_by: "service_version 1.2",
    confidence: 0.93,
    trend_bytes_per_day: 20 * MIB,
  });
  equal(subject, "Tidemark: checkout (live): Fragmentation is worse, 300 MiB");
  for (const part of ["first found 2026-11-19 00:00 UTC", "service_version 1.2", "Confidence: 93 %", "20 MiB a day"])
    ok(text.includes(part), part);
});

test("what is about hosts and no amount of memory names neither processes nor bytes, and where to read on", () => {
  const { subject, text, attributes } = alertMessage({
    ...finding,
    service: "web-1",
    scope: "host",
    cause: "host_silent",
    severity: "act",
    process_count: 0,
    excess_bytes: null,
    reclaimable_bytes: null,
  });
  equal(subject, "Tidemark: web-1: Host silent");
  match(text, /Where: 1 host, since/);
  match(text, /What to do: docs\/runbook\.md, "A host went silent"\./);
  ok(!/unknown|process/.test(text.replace(/live bytes.*/, "")), text);
  equal(attributes["severity"], "act");
});

test("the end of a finding is told to those who heard of it: the same severity, another kind", () => {
  const [message] = resolvedMessages([{ ...finding, state: "resolved", first_found_at: Date.UTC(2026, 10, 19) }]);
  equal(message?.subject, "Tidemark: resolved: checkout: Fragmentation");
  deepEqual(message?.attributes, { kind: "resolved", service: "checkout", severity: "held", cause: "fragmentation" });
  match(message?.text ?? "", /no longer found \(first found 2026-11-19/);
});

test("a subject is one line of ASCII below 100 characters, whatever the service is called", () => {
  const { subject } = alertMessage({ ...finding, service: `süd\n${"x".repeat(300)}` });
  match(subject, /^[\x20-\x7e]{1,99}$/);
  match(subject, /^Tidemark: sud\?xxx/);
  match(subject, /\.\.\.: Fragmentation, 300 MiB$/, "the cause survives the cut");
});

test("Slack gets strangers' text as plain text, never as mentions or links", () => {
  const { text, blocks } = slackMessage("<!channel> & <https://x|y>", "<!here>");
  equal(text, "&lt;!channel&gt; &amp; &lt;https://x|y&gt;");
  for (const block of blocks) match(JSON.stringify(block), /"type":"plain_text"/);
});

test("Slack's limits are kept, and no character is cut in half", () => {
  const { blocks } = slackMessage("s".repeat(200), `${"x".repeat(2_998)}😀😀`);
  const texts = blocks.map((block) => (block["text"] as { text: string }).text);
  ok((texts[0]?.length ?? 0) <= 150 && (texts[1]?.length ?? 0) <= 3_000);
  equal(texts[1], `${"x".repeat(2_998)}…`);
});

test("a thousand findings are a bounded number of messages, and none exceeds what SNS takes", () => {
  const many = Array.from({ length: 1_000 }, (_, index) => ({ ...finding, service: `s${index}`, evidence: "x".repeat(600) }));
  const messages = alertMessages(many);
  equal(messages.length, ALERTS_AT_ONCE_MAX);
  match(messages.at(-1)?.subject ?? "", /981 more findings/);
  equal(resolvedMessages(many).length, ALERTS_AT_ONCE_MAX);
  const [pressing] = many.slice(-1).map((one) => ({ ...one, severity: "act" }));
  equal(
    alertMessages(pressing ? [...many, pressing] : []).at(-1)?.attributes["severity"],
    "act",
    "the digest is as pressing as its worst",
  );
  for (const { text } of messages) ok(text.length < 262_144, `${text.length}`);
  match(messages.at(-1)?.text ?? "", /and 931 more; the table findings has them all/);
});

test("an alert says what to do first: what the cause alone tells, or the advice on the process that is worst off", () => {
  const textOf = (cause: string) => alertMessages([{ ...finding, cause }])[0]?.text ?? "";
  match(textOf("leak"), /^First thing to do: Find what grows with two heap profiles\.$/m);
  doesNotMatch(textOf("fragmentation"), /First thing to do/);
  const values = { allocator: "jemalloc", allocator_version: "5.3.0", heap_source: "shim" };
  const held = { live_bytes: 10 * MIB, free_resident_bytes: 75 * MIB, reclaimable_bytes: 70 * MIB, dirty_bytes: 70 * MIB };
  const retention = { ...finding, cause: "retention" };
  const advice = advise(inputOfFinding(retention, { ...values, ...held }));
  const [message] = alertMessages([retention], new Map([[finding.finding_id, advice]]));
  match(
    message?.text ?? "",
    /First thing to do: Purge sooner, and when idle \(about [\d.]+ MiB back in a process.*\)\.\n {4}MALLOC_CONF=/,
  );
  match(JSON.stringify(message?.slack), /```MALLOC_CONF=background_thread:true/);
});

test("the runbook is a link where its address is known, in Slack a button; else its heading is named", () => {
  const silent = { ...finding, service: "web-1", scope: "host", cause: "host_silent", process_count: 0, excess_bytes: null };
  const [linked] = alertMessages([silent], new Map(), "https://wiki.example/tidemark/runbook?v=2");
  match(linked?.text ?? "", /What to do: https:\/\/wiki\.example\/tidemark\/runbook\?v=2#a-host-went-silent$/m);
  deepEqual(linked?.slack?.filter(({ type }) => type === "actions").length, 1);
  const [named] = alertMessages([silent], new Map(), "docs/runbook.md");
  match(named?.text ?? "", /What to do: docs\/runbook\.md, "A host went silent"\.$/m);
  equal(named?.slack?.filter(({ type }) => type === "actions").length, 0);
  match(JSON.stringify(named?.slack), /A host went silent/);
});

test("every heading that a cause refers to is in docs/runbook.md, under the anchor that messages link to", () => {
  const runbook = readFileSync(join(import.meta.dirname, "../../../docs/runbook.md"), "utf8");
  const headings = Array.from(runbook.matchAll(/^## (.+)$/gm), ([, heading]) => heading ?? "");
  const referred = causeNames().flatMap((cause) => causeText(cause).runbook ?? []);
  ok(referred.length > 5);
  for (const heading of referred) ok(headings.includes(heading), heading);
  // The page links to itself in the form that its readers' browsers know.
  const linked = Array.from(runbook.matchAll(/\]\(#([^)]+)\)/g), ([, anchor]) => anchor);
  const anchors = headings.map(anchorOf);
  for (const anchor of linked) ok(anchors.includes(anchor ?? ""), anchor);
});

test("every query that an alert names is there, with the parameters that it is given", () => {
  const catalogue = readCatalogue();
  for (const cause of causeNames()) {
    for (const scope of ["service", "host", "config"]) {
      const { query, command } = questionOf({ ...finding, cause, scope });
      const known = catalogue.get(query);
      ok(known, query);
      for (const [, name] of command.matchAll(/--param (\w+)=/g))
        ok(
          known.parameters.some((one) => one.name === name),
          `${query} ${name}`,
        );
      const needed = known.parameters.filter(({ name, defaultText }) => defaultText === null && !name.startsWith("dt_"));
      for (const { name } of needed) ok(command.includes(`--param ${name}=`), `${query} ${name}`);
    }
  }
});
