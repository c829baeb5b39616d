// What people are told: a finding as an alert, findings as a report's summary. Plain text, and subjects as SNS takes them.
// Sending is behind the Notifier; how Slack shows an alert is slack/alert-blocks.ts's.
import type { Finding } from "../../schema/columns.ts";
import type { Message } from "../edges.ts";
import { type Advice, advise } from "./advice/advise.ts";
import { firstStepParts } from "./advice/first-step.ts";
import { inputOfFinding } from "./advice/inputs.ts";
import { asciiCut, asciiText, subjectAround, subjectLine } from "./ascii-line.ts";
import { causeText, severityRank } from "./causes.ts";
import { whereText } from "./finding-text.ts";
import { clipName, clipText, sentenceLengthMax } from "./report/text.ts";
import { runbookPlace } from "./runbook.ts";
import { questionOf } from "./see-it.ts";
import { alertBlocks, resolvedBlocks } from "./slack/alert-blocks.ts";
import { formatBytes, formatCount, formatShare, formatUtc } from "./units.ts";

/** A cause that nobody has words for is shown by its own name, which may be anything. */
const CAUSE_LENGTH_MAX = 40;
/** Attributes count towards the size of the message. */
const ATTRIBUTE_LENGTH_MAX = 256;

function alertMessage(finding: Finding, advice: Advice, runbookUrl: string): Message {
  const { name, means, cure, runbook } = causeText(finding.cause);
  const isWorse = finding.state === "worse";
  const warnings = finding.early_warnings;
  const step = firstStepParts(advice);
  const place = runbook === undefined ? null : runbookPlace(runbook, runbookUrl);
  const question = questionOf(finding);
  return {
    topic: "alerts",
    subject: subjectAround(
      "Tidemark: ",
      plainWho(finding),
      `: ${subjectCause(name)}${isWorse ? " is worse" : ""}${amountText(finding)}`,
    ),
    text: [
      `${whoText(finding)}: ${clipName(name)}${isWorse ? `, worse than when it was told (first found ${formatUtc(finding.first_found_at)})` : ""}`,
      means,
      memoryText(finding),
      `Where: ${whereText(finding)}, since ${formatUtc(finding.since)}.`,
      finding.explained_by ? `What sets these apart: ${sentence(finding.explained_by)}.` : null,
      `Evidence: ${sentence(finding.evidence)}.`,
      typeof finding.confidence === "number" ? `Confidence: ${formatShare(finding.confidence)}.` : null,
      warnings
        ? `${finding.detector === "acute" ? "Rules" : "Early warnings"} that fired as well: ${sentence(warnings)}.`
        : null,
      step === null
        ? `Where to look: ${cure}`
        : `First thing to do: ${step.title}${step.effect}.${step.setting === "" ? "" : `\n    ${step.setting.replaceAll("\n", "\n    ")}`}`,
      place === null ? null : `What to do: ${place.text}`,
      `To see it (in Athena it is the saved query ${question.query}):\n    ${question.command}`,
    ]
      .filter((part) => part !== null)
      .join("\n\n"),
    slack: alertBlocks(finding, { who: whoText(finding), step, place, question }),
    attributes: attributesOf("alert", finding),
  };
}

function resolvedMessage(finding: Finding): Message {
  const { name } = causeText(finding.cause);
  return {
    topic: "alerts",
    subject: subjectAround("Tidemark: resolved: ", plainWho(finding), `: ${subjectCause(name)}`),
    text: [
      `${whoText(finding)}: ${clipName(name)} is no longer found (first found ${formatUtc(finding.first_found_at)}).`,
      "It was mended, or what had it was restarted or has ended: the rows cannot tell which.",
      `The last evidence was: ${sentence(finding.evidence)}.`,
    ].join("\n\n"),
    slack: resolvedBlocks(finding, whoText(finding)),
    attributes: attributesOf("resolved", finding),
  };
}

const attributesOf = (kind: "alert" | "resolved", { service, cause, severity }: Finding) => ({
  kind,
  // Subscriptions filter by the names as they are; SNS refuses control characters, and with them the message.
  service: clipText(service, ATTRIBUTE_LENGTH_MAX),
  severity: clipText(severity ?? causeText(cause).severity, ATTRIBUTE_LENGTH_MAX),
  cause: clipText(cause, ATTRIBUTE_LENGTH_MAX),
});

/**
 * An environment is part of who it is: the same service in another one is another matter. Names are strangers' words: what is
 * invisible in them shows as its code point, so that none can begin a paragraph of its own.
 */
const whoText = ({ service, environment }: Finding): string =>
  environment ? `${clipName(service)} (${clipName(environment)})` : clipName(service);

/** For a subject, which has marks of its own for what is no ASCII. */
const plainWho = ({ service, environment }: Finding): string => (environment ? `${service} (${environment})` : service);

const sentence = (text: string): string => clipText(text, sentenceLengthMax);
const subjectCause = (name: string): string => asciiCut(asciiText(name), CAUSE_LENGTH_MAX);

/** Not every cause is about an amount. */
const amountText = ({ excess_bytes }: Finding): string =>
  typeof excess_bytes === "number" ? `, ${formatBytes(excess_bytes)}` : "";

function memoryText({ excess_bytes, reclaimable_bytes, trend_bytes_per_day }: Finding): string | null {
  if (typeof excess_bytes !== "number") return null;
  const trend = typeof trend_bytes_per_day === "number" ? ` It changes by ${formatBytes(trend_bytes_per_day)} a day.` : "";
  return `Memory concerned: ${formatBytes(excess_bytes)}, of which a trim would return ${formatBytes(reclaimable_bytes)}.${trend}`;
}

/** More alerts at once than this nobody reads one by one: the largest are told each, the rest in one message. */
export const ALERTS_AT_ONCE_MAX = 20;
/** A digest names so many findings; the table has them all. SNS takes 256 KiB. */
const DIGEST_LINES_MAX = 50;

/**
 * One message per finding, largest first; beyond ALERTS_AT_ONCE_MAX the rest are summed up in a last one. `advice` is by
 * finding_id, on the process that is worst off; without it only the cause speaks. `runbookUrl` is where the team's copy of
 * docs/runbook.md can be read; without it messages name the heading.
 */
export const alertMessages = (
  findings: readonly Finding[],
  advice: ReadonlyMap<string, Advice> = new Map(),
  runbookUrl: string = "docs/runbook.md",
): readonly Message[] =>
  boundedMessages(
    findings,
    (finding) => alertMessage(finding, advice.get(finding.finding_id) ?? advise(inputOfFinding(finding, null)), runbookUrl),
    { kind: "alert", many: "more findings" },
  );

/** The same for what is over. */
export const resolvedMessages = (findings: readonly Finding[]): readonly Message[] =>
  boundedMessages(findings, resolvedMessage, { kind: "resolved", many: "more findings are resolved" });

function boundedMessages(
  findings: readonly Finding[],
  messageOf: (finding: Finding) => Message,
  { kind, many }: { readonly kind: string; readonly many: string },
): readonly Message[] {
  if (findings.length <= ALERTS_AT_ONCE_MAX) return findings.map(messageOf);
  const rest = findings.slice(ALERTS_AT_ONCE_MAX - 1);
  const digest: Message = {
    topic: "alerts",
    subject: subjectLine(`Tidemark: ${formatCount(rest.length)} ${many}`),
    text: lines(rest).join("\n"),
    attributes: { kind, severity: mostPressing(rest) },
  };
  return [...findings.slice(0, ALERTS_AT_ONCE_MAX - 1).map(messageOf), digest];
}

/** Who subscribes to what is pressing must not miss it because it came with much else. */
function mostPressing(findings: readonly Finding[]): string {
  const severities = new Set(findings.map(({ severity, cause }) => severity ?? causeText(cause).severity));
  return Object.keys(severityRank).find((severity) => severities.has(severity)) ?? "notice";
}

function lines(findings: readonly Finding[]): readonly string[] {
  const shown = findings
    .slice(0, DIGEST_LINES_MAX)
    .map(
      (finding) =>
        `- ${whoText(finding)}: ${clipName(causeText(finding.cause).name)}${amountText(finding)}. ${sentence(finding.evidence)}.`,
    );
  const more = findings.length - shown.length;
  return more > 0 ? [...shown, `and ${formatCount(more)} more; the table findings has them all.`] : shown;
}
