// Names and texts of strangers where people see them: pages, Slack, mails and terminals. They are shown, never obeyed.
// How a page looks is tried in a browser, see test/functions/core/report; here its tags are those of a page of plain names.
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Measured } from "../../../collector/watch/watched.ts";
import { alertMessages, resolvedMessages } from "../../../functions/core/messages.ts";
import { renderReport } from "../../../functions/core/report/page.ts";
import * as slack from "../../../functions/core/slack/blocks.ts";
import { slackMessage } from "../../../functions/core/slack-message.ts";
import { doctorText } from "../../../local/doctor/screen.ts";
import { findingsText } from "../../../local/findings-text.ts";
import { inspectText } from "../../../local/inspect-text.ts";
import { STRING_LENGTH_MAX } from "../../../schema/decode.ts";
import {
  adviceOn,
  finding,
  hostileNames,
  processReport,
  reportModel,
  unknownComposition,
} from "../../functions/core/report/models.ts";
import { tagsOf } from "../html-tags.ts";
import { assertNoOrders, type FuzzTarget } from "../target.ts";

const seeds = () => hostileNames.filter((name) => name.length < 1_000).map((name) => Buffer.from(name));
const words = [
  ...[
    "<",
    ">",
    "&",
    '"',
    "'",
    "`",
    "</title>",
    "</style>",
    "<script>alert(1)</script>",
    "<svg onload=x>",
    "<!--",
    "-->",
    "]]>",
  ],
  ...[
    "javascript:alert(1)",
    "&lt;",
    "&#60;",
    "<!channel>",
    "<@U012>",
    "<http://x|y>",
    "*b*",
    "```",
    "@here",
    "\u202e",
    "\u001b[31m",
  ],
  ...[
    "\u0000",
    "\u009b31m",
    "\r\n\r\n",
    "\u2028",
    "\ud83d\ude00",
    "\ud800",
    "=cmd|'/c calc'!A1",
    "../../etc/passwd",
    "{{x}}",
    "\u0024{x}",
  ],
];

const hostileFinding = (name: string) =>
  finding(name, "fragmentation", {
    environment: `in ${name}`,
    evidence: `what ${name} kept`,
    explained_by: `version ${name}`,
    // A list: each of its words is an element of its own.
    early_warnings: `rss_growth,${name.replaceAll(",", ";")}`,
  });

/** A page with the name wherever a stranger's text can stand. */
async function pageWith(name: string): Promise<string> {
  const one = hostileFinding(name);
  return renderReport(
    reportModel({
      title: name,
      hostNames: [name],
      findings: [one],
      advice: new Map([[one.finding_id, adviceOn(one, { comm: name, instance_type: name })]]),
      processes: [
        processReport(name, {
          comm: name,
          allocator: name,
          allocator_version: name,
          heap_unknown_reason: name,
          composition: unknownComposition,
        }),
      ],
    }),
  );
}

let plainTags: Promise<readonly string[]> | undefined;

export const pages: FuzzTarget = {
  name: "pages",
  seeds,
  words,
  async run(input) {
    const name = input.toString("utf8");
    plainTags ??= pageWith("plain").then(tagsOf);
    const page = await pageWith(name);
    const [tags, plain] = [tagsOf(page), await plainTags];
    // Long names are cut: texts change, tags do not. What is empty may leave an element out.
    if (/^\s*$/.test(name))
      deepEqual(
        [...new Set(tags)].filter((tag) => !plain.includes(tag)),
        [],
      );
    else deepEqual(tags, plain);
    ok(page.length < 200_000, `${page.length} bytes`);
    assertNoOrders(page);
    return `${/[<&>]/.test(name)} ${/["'`]/.test(name)} ${/\p{C}/u.test(name)} ${name.trim() === ""} ${name.length > 80}`;
  },
};

interface SlackText {
  readonly type: string;
  readonly text: string;
}

/** Every object with a text in a message of Slack. */
function textsIn(value: unknown): readonly SlackText[] {
  if (typeof value !== "object" || value === null) return [];
  const own = "text" in value && typeof value.text === "string" && "type" in value ? [value as SlackText] : [];
  return [...own, ...Object.values(value).flatMap(textsIn)];
}

const toldOf = (name: string) => [...alertMessages([hostileFinding(name)]), ...resolvedMessages([hostileFinding(name)])];
const lineCountsOf = (name: string) => toldOf(name).map(({ text }) => text.split("\n").length);
let plainLines: readonly number[] | undefined;

export const messages: FuzzTarget = {
  name: "messages",
  seeds,
  words,
  run(input) {
    const name = input.toString("utf8");
    const { text: fallback, blocks } = slackMessage(name, name);
    // Source: Slack, "Formatting text for app surfaces": these three are all that begins an order.
    ok(!/[<>]/.test(fallback) && !/&(?!(amp|lt|gt);)/.test(fallback), fallback);
    const link = slack.link(name, name);
    const all = [
      ...blocks,
      slack.header(name),
      slack.section(name),
      slack.code(name),
      slack.context([name]),
      slack.fields([[name, name]]),
    ];
    for (const { type, text } of textsIn([...all, link, ...toldOf(name).flatMap((message) => message.slack ?? [])])) {
      ok(text.length >= 1 && text.length <= 3_000, `${text.length} characters`);
      if (type === "plain_text") continue;
      equal(type, "mrkdwn");
      // Source: Slack, "Formatting text for app surfaces": an order begins with <, and all but code obeys * _ ~ and links.
      ok(/^```[^`]*```$/.test(text) && !/[<>]/.test(text), text);
    }
    ok(link === null || /^https?:/.test(name));
    const told = toldOf(name);
    // A name must not write a line of its own into a mail.
    plainLines ??= lineCountsOf("plain");
    deepEqual(lineCountsOf(name), plainLines);
    for (const { subject, text, attributes, slack: slackBlocks } of told) {
      ok(/^[\x20-\x7e]{1,99}$/.test(subject), subject);
      ok(JSON.stringify(slackBlocks ?? []).length < 50_000);
      assertNoOrders(text);
      for (const value of Object.values(attributes)) assertNoOrders(value);
      for (const value of Object.values(attributes)) ok(!/[\n\t]/.test(value));
    }
    return `${link === null} ${/[<&>]/.test(name)} ${name.includes("`")} ${/\p{C}/u.test(name)} ${name.trim() === ""} ${name.length > 99}`;
  },
};

const measured = {
  sampled_at: 0,
  pid: 1,
  process_key: "k",
  sequence: 0,
  rss_bytes: 1,
  live_bytes: 1,
  heap_bytes: 2,
  free_bytes: 1,
};
const asIs = (text: string) => text;

export const terminal: FuzzTarget = {
  name: "terminal",
  seeds,
  words,
  run(input) {
    const name = input.toString("utf8").slice(0, STRING_LENGTH_MAX);
    const texts = {
      service: name,
      service_version: name,
      comm: name,
      container_id: name,
      allocator: name,
      allocator_version: name,
    };
    const row = { ...measured, ...texts, tunables: name, heap_unknown_reason: name, runtime: name, runtime_version: name };
    const check = { level: "fail", what: "x", found: name, why: name, todo: name } as const;
    const shown = [
      inspectText(row as unknown as Measured, { arenas: null, shimPath: "/shim", heapAgeMs: null, bold: asIs }),
      doctorText([check], { hostName: "host", paint: (_, text) => text }),
      findingsText([hostileFinding(name)], 120),
    ];
    for (const text of shown) {
      const found = /[^\P{Cc}\n]/u.exec(text);
      equal(found, null, `U+${found?.[0].codePointAt(0)?.toString(16)} at ${found?.index}`);
    }
    return `${/\p{Cc}/u.test(name)} ${name.length > 100} ${/\s/.test(name)} ${name.trim() === ""}`;
  },
};
