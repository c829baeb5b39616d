// What people are told: a finding as an alert, findings as a report's summary. Plain text; SNS e-mail knows nothing else.
// Sending is behind the Notifier, and how Slack shows it is slack-message.ts's.
import type { Finding } from "../../schema/columns.ts";
import type { Message } from "../edges.ts";
import { causeText } from "./causes.ts";
import { formatBytes, formatCount, formatCountOf, formatUtc } from "./units.ts";

/** SNS takes subjects below 100 characters of printable ASCII. */
const SUBJECT_LENGTH_MAX = 99;

function alertMessage(finding: Finding): Message {
  const { name, severity, means, cure } = causeText(finding.cause);
  const where = `${formatCountOf(finding.process_count, "process", "processes")} on ${formatCountOf(finding.host_count, "host", "hosts")}`;
  return {
    topic: "alerts",
    subject: asciiLine(`Tidemark: ${finding.service}: ${name}, ${formatBytes(finding.excess_bytes)}`),
    text: [
      `${finding.service}: ${name}`,
      means,
      `Memory concerned: ${formatBytes(finding.excess_bytes)}, of which a trim would return ${formatBytes(finding.reclaimable_bytes)}.`,
      `Where: ${where}, since ${formatUtc(finding.since)}.`,
      `Evidence: ${finding.evidence}.`,
      ...(finding.early_warnings ? [`Early warnings that fired as well: ${finding.early_warnings}.`] : []),
      `Where to look: ${cure}`,
    ].join("\n\n"),
    attributes: { kind: "alert", service: finding.service, severity, cause: finding.cause },
  };
}

/** More alerts at once than this nobody reads one by one: the largest are told each, the rest in one message. */
export const ALERTS_AT_ONCE_MAX = 20;
/** A report's text names so many findings; the page has them all. SNS takes 256 KiB. */
const REPORT_LINES_MAX = 50;

/** One message per finding, largest first; beyond ALERTS_AT_ONCE_MAX the rest are summed up in a last one. */
export function alertMessages(findings: readonly Finding[]): readonly Message[] {
  if (findings.length <= ALERTS_AT_ONCE_MAX) return findings.map(alertMessage);
  const rest = findings.slice(ALERTS_AT_ONCE_MAX - 1);
  return [...findings.slice(0, ALERTS_AT_ONCE_MAX - 1).map(alertMessage), digestMessage(rest)];
}

function digestMessage(findings: readonly Finding[]): Message {
  return {
    topic: "alerts",
    subject: asciiLine(`Tidemark: ${formatCount(findings.length)} more findings`),
    text: lines(findings).join("\n"),
    attributes: { kind: "alert", severity: "notice" },
  };
}

function lines(findings: readonly Finding[]): readonly string[] {
  const shown = findings
    .slice(0, REPORT_LINES_MAX)
    .map(
      ({ service, cause, excess_bytes, evidence }) =>
        `- ${service}: ${causeText(cause).name}, ${formatBytes(excess_bytes)}. ${evidence}.`,
    );
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
