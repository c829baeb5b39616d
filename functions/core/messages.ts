// What people are told: a finding as an alert, findings as a report's summary. Plain text; SNS e-mail knows nothing else.
// Sending is behind the Notifier, and how Slack shows it is slack-message.ts's.
import type { Finding } from "../../schema/columns.ts";
import type { Message } from "../edges.ts";
import { firstStep } from "./advice/first-step.ts";
import { causeText, severityRank } from "./causes.ts";
import { whereText } from "./finding-text.ts";
import { formatBytes, formatCount, formatShare, formatUtc } from "./units.ts";

/** SNS takes subjects below 100 characters of printable ASCII. */
const SUBJECT_LENGTH_MAX = 99;

function alertMessage(finding: Finding): Message {
  const { name, means, cure, runbook } = causeText(finding.cause);
  const isWorse = finding.state === "worse";
  const warnings = finding.early_warnings;
  // What depends on the allocator and its settings is in the report, which has the processes' own figures.
  const step = firstStep(finding, null);
  return {
    topic: "alerts",
    subject: asciiLine(`Tidemark: ${whoText(finding)}: ${name}${isWorse ? " is worse" : ""}${amountText(finding)}`),
    text: [
      `${whoText(finding)}: ${name}${isWorse ? `, worse than when it was told (first found ${formatUtc(finding.first_found_at)})` : ""}`,
      means,
      memoryText(finding),
      `Where: ${whereText(finding)}, since ${formatUtc(finding.since)}.`,
      finding.explained_by ? `What sets these apart: ${finding.explained_by}.` : null,
      `Evidence: ${finding.evidence}.`,
      typeof finding.confidence === "number" ? `Confidence: ${formatShare(finding.confidence)}.` : null,
      warnings ? `${finding.detector === "acute" ? "Rules" : "Early warnings"} that fired as well: ${warnings}.` : null,
      `Where to look: ${cure}`,
      step === null ? null : `First thing to try: ${step}.`,
      runbook ? `What to do: docs/runbook.md, "${runbook}".` : null,
    ]
      .filter((part) => part !== null)
      .join("\n\n"),
    attributes: attributesOf("alert", finding),
  };
}

function resolvedMessage(finding: Finding): Message {
  const { name } = causeText(finding.cause);
  return {
    topic: "alerts",
    subject: asciiLine(`Tidemark: resolved: ${whoText(finding)}: ${name}`),
    text: [
      `${whoText(finding)}: ${name} is no longer found (first found ${formatUtc(finding.first_found_at)}).`,
      "It was mended, or what had it was restarted or has ended: the rows cannot tell which.",
      `The last evidence was: ${finding.evidence}.`,
    ].join("\n\n"),
    attributes: attributesOf("resolved", finding),
  };
}

const attributesOf = (kind: "alert" | "resolved", { service, cause, severity }: Finding) => ({
  kind,
  service,
  severity: severity ?? causeText(cause).severity,
  cause,
});

/** An environment is part of who it is: the same service in another one is another matter. */
const whoText = ({ service, environment }: Finding): string => (environment ? `${service} (${environment})` : service);

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
/** A report's text names so many findings; the page has them all. SNS takes 256 KiB. */
const REPORT_LINES_MAX = 50;

/** One message per finding, largest first; beyond ALERTS_AT_ONCE_MAX the rest are summed up in a last one. */
export const alertMessages = (findings: readonly Finding[]): readonly Message[] =>
  boundedMessages(findings, alertMessage, { kind: "alert", many: "more findings" });

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
    subject: asciiLine(`Tidemark: ${formatCount(rest.length)} ${many}`),
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
    .slice(0, REPORT_LINES_MAX)
    .map((finding) => `- ${whoText(finding)}: ${causeText(finding.cause).name}${amountText(finding)}. ${finding.evidence}.`);
  const more = findings.length - shown.length;
  return more > 0 ? [...shown, `and ${formatCount(more)} more; the table findings has them all.`] : shown;
}

export function reportMessage(title: string, findings: readonly Finding[], pageKey: string): Message {
  return {
    topic: "reports",
    subject: asciiLine(`Tidemark: ${title}`),
    text: [
      title,
      findings.length > 0 ? lines(findings).join("\n") : "No findings in what could be judged.",
      `The page: ${pageKey}`,
    ].join("\n\n"),
    attributes: { kind: "report", severity: "notice" },
  };
}

function asciiLine(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, SUBJECT_LENGTH_MAX);
}
