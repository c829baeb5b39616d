// The weekly report as a message: plain text for e-mail in lines that every client shows, and blocks for Slack.
// Where the page lies and how long its link works is told by the caller. Sending is behind the Notifier.
import type { Message } from "../../edges.ts";
import { firstStepOf } from "../advice/first-step.ts";
import { clipText } from "../report/text.ts";
import { code, context, divider, fields, header, link, type SlackBlock, section } from "../slack/blocks.ts";
import { formatBytes, formatCountOf } from "../units.ts";
import type { TopFinding, WeeklyModel } from "./model.ts";
import { weeklyTitle } from "./page.ts";
import { isNotice } from "./services.ts";
import { causeName, changeText, dollarsText, headline, savedOf, verdictText, whoOf } from "./words.ts";

export interface PagePlace {
  readonly key: string;
  /** Null where the store has no addresses. */
  readonly link: string | null;
}

/** What people read in a mail; the page has more. */
const SERVICES_MAX = 5;
const LINES_MAX = 5;
const COLUMNS = 76;
const TEXT_LENGTH_MAX = 400;
/** SNS takes subjects below 100 characters of printable ASCII. */
const SUBJECT_LENGTH_MAX = 99;

export function weeklyMessage(model: WeeklyModel, place: PagePlace): Message {
  return {
    topic: "reports",
    subject: subjectOf(model),
    text: textOf(model, place),
    slack: blocksOf(model, place),
    attributes: { kind: "report", severity: "notice" },
  };
}

/** No name is in it, because names are strangers' and the line is short. */
function subjectOf({ now, worth, findings }: WeeklyModel): string {
  const held =
    now === null
      ? "nothing was measured"
      : now.held === null || worth === null
        ? "no heap could be measured"
        : `${formatBytes(now.held)} held free, ${dollarsText(worth.held)} a month`;
  const open = formatCountOf(findings.length, "open finding", "open findings");
  return `Tidemark weekly: ${held}, ${open}`.replace(/[^\x20-\x7e]/g, "?").slice(0, SUBJECT_LENGTH_MAX);
}

const pressingOf = ({ findings }: WeeklyModel): readonly TopFinding[] => findings.filter(({ finding }) => !isNotice(finding));

function textOf(model: WeeklyModel, place: PagePlace): string {
  const pressing = pressingOf(model);
  const parts = [
    wrapped(weeklyTitle(model)),
    wrapped(headline(model)),
    essentials(model)
      .map(([name, value]) => wrapped(`${`${name}:`.padEnd(NAME_COLUMNS)}${value}`, " ".repeat(NAME_COLUMNS)))
      .join("\n"),
    ...placeText(place),
    listed("WHAT TO DO FIRST", pressing.slice(0, SERVICES_MAX).map(findingLines), pressing.length),
    listed(
      "WHAT GOT WORSE",
      worseLines(model).map((line) => bullet(line)),
      worseLines(model).length,
    ),
    listed(
      "VERIFIED SAVINGS",
      model.savings
        .slice(0, LINES_MAX)
        .map((saving) =>
          bullet(
            `${whoOf(saving)}: ${clipText(saving.setting ?? saving.recommendationId ?? "a change", 120)}: ${verdictText(saving.verdict)}, ${formatBytes(saving.savedPerHost)} a host, ${formatBytes(saving.savedBytes)} in all${saving.worth === null ? "" : `, ${dollarsText(saving.worth)} a month`}`,
          ),
        ),
      model.savings.length,
    ),
    listed(
      "WHAT THIS REPORT CANNOT SEE",
      model.blindSpots.slice(0, LINES_MAX).map(({ number, text }) => bullet(`${number} ${text}`)),
      model.blindSpots.length,
    ),
    wrapped(
      "Dollars are list prices, on demand: the lower for memory alone, the higher where memory decides how many instances there are. The page says how, and has the query behind every number.",
    ),
  ];
  return `${parts.filter((part) => part !== null).join("\n\n")}\n`;
}

const NAME_COLUMNS = 24;

function essentials({ now, before, worth, savings, findings }: WeeklyModel): readonly (readonly [string, string])[] {
  const saved = savedOf(savings);
  const held = changeText(now?.held ?? null, before?.held ?? null);
  return [
    ["Held free", `${formatBytes(now?.held)}${held === null ? "" : `, ${held}`}`],
    ["Worth, a month", dollarsText(worth?.held ?? null)],
    ["Comes back with a trim", formatBytes(now?.reclaimable)],
    ["Verified as saved", saved === null ? "nothing yet" : `${dollarsText(saved.worth)} a month, ${formatBytes(saved.bytes)}`],
    [
      "Watched",
      now === null
        ? "nothing"
        : `${formatCountOf(now.processCount, "process", "processes")} on ${formatCountOf(now.hostCount, "host", "hosts")}`,
    ],
    ["Open findings", String(findings.length)],
  ];
}

/** A pre-signed link ends with the credentials that signed it, which nobody tells us beforehand. */
const placeText = ({ key, link: url }: PagePlace): readonly string[] =>
  url === null
    ? [`The page: ${key}`]
    : url.startsWith("file:")
      ? [`The page: ${url}`]
      : [
          `The page: ${url}`,
          wrapped(
            `That link works for some hours: it ends with the credentials of the function that made it, and after 7 days at the latest. Whoever has it can read the page, so forward it with care. Afterwards the page is the object ${key} in the lake's bucket.`,
          ),
        ];

function findingLines({ finding, advice, worth }: TopFinding): string {
  const step = firstStepOf(advice);
  const bytes = finding.excess_bytes == null ? "" : `, ${formatBytes(finding.excess_bytes)}`;
  return [
    bullet(`${whoOf(finding)}: ${causeName(finding)}${bytes}${worth === null ? "" : `, ${dollarsText(worth)} a month`}`),
    wrapped(`  ${clipText(finding.evidence, TEXT_LENGTH_MAX)}.`, "  "),
    ...(step === null ? [] : [wrapped(`  Next step: ${clipText(step, TEXT_LENGTH_MAX)}.`, "  ")]),
  ].join("\n");
}

function worseLines({ newFindings, risen }: WeeklyModel): readonly string[] {
  const found = newFindings.map(
    (finding) =>
      `${whoOf(finding)}: ${causeName(finding)}${finding.state === "worse" ? "" : ", new"}${finding.excess_bytes == null ? "" : `, ${formatBytes(finding.excess_bytes)}`}`,
  );
  const more = risen.map(
    ({ service, what, now, before }) =>
      `${whoOf(service)}: ${formatBytes(before)} to ${formatBytes(now)} ${what === "held" ? "held free" : "live"}`,
  );
  return [...found.slice(0, LINES_MAX), ...more.slice(0, LINES_MAX)];
}

/** A heading with its entries; null where there are none. */
function listed(title: string, entries: readonly string[], all: number): string | null {
  if (entries.length === 0) return null;
  const left = all - entries.length;
  return [title, ...entries, ...(left > 0 ? [`- and ${left} more on the page`] : [])].join("\n");
}

const bullet = (text: string): string => wrapped(`- ${text}`, "  ");

/** Broken at spaces; a word that is longer than a line stays whole, because it is a setting or an address. */
function wrapped(text: string, indent = ""): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/(?<=\S) /)) {
    if (line !== "" && line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = `${indent}${word.trimStart()}`;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
}

function blocksOf(model: WeeklyModel, { key, link: url }: PagePlace): readonly SlackBlock[] {
  const pressing = pressingOf(model);
  const button = url === null ? null : link("Open the report", url);
  const worse = worseLines(model);
  return [
    header(weeklyTitle(model)),
    section(headline(model)),
    fields(essentials(model)),
    ...(button === null ? [] : [button]),
    ...pressing.slice(0, SERVICES_MAX).flatMap(slackFinding),
    ...(worse.length === 0 ? [] : [divider(), section(["What got worse", ...worse.map((line) => `- ${line}`)].join("\n"))]),
    ...(model.blindSpots.length === 0
      ? []
      : [context(model.blindSpots.slice(0, LINES_MAX).map(({ number, text }) => `${number} ${text}`))]),
    context([
      button === null
        ? `The page: ${key}`
        : `The button works for some hours; afterwards the page is the object ${key} in the lake's bucket.`,
    ]),
  ];
}

function slackFinding({ finding, advice, worth }: TopFinding): readonly SlackBlock[] {
  const [first] = advice.recommendations;
  const step = firstStepOf(advice);
  const money = worth === null ? "" : `, ${dollarsText(worth)} a month`;
  const bytes = finding.excess_bytes == null ? "" : `, ${formatBytes(finding.excess_bytes)}`;
  return [
    divider(),
    section(
      `${whoOf(finding)}: ${causeName(finding)}${bytes}${money}\n${clipText(finding.evidence, TEXT_LENGTH_MAX)}${first === undefined ? "" : `\nNext step: ${clipText(first.setting === "" ? (step ?? first.title) : first.title, TEXT_LENGTH_MAX)}`}`,
    ),
    ...(first === undefined || first.setting === "" ? [] : [code(first.setting)]),
  ];
}
