// What people are told: a finding as an alert, findings as a report's summary. Plain text; SNS e-mail knows nothing else.
// Sending is behind the Notifier, and how Slack shows it is slack-message.ts's.
import type { Finding } from "../../schema/columns.ts";
import type { Message } from "../edges.ts";
import { causeText } from "./causes.ts";
import { formatBytes, formatCountOf, formatUtc } from "./units.ts";

/** SNS takes subjects below 100 characters of printable ASCII. */
const SUBJECT_LENGTH_MAX = 99;

export function alertMessage(finding: Finding): Message {
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

export function reportMessage(title: string, findings: readonly Finding[], pageKey: string): Message {
  const lines = findings.map(
    ({ service, cause, excess_bytes, evidence }) =>
      `- ${service}: ${causeText(cause).name}, ${formatBytes(excess_bytes)}. ${evidence}.`,
  );
  return {
    topic: "reports",
    subject: asciiLine(`Tidemark: ${title}`),
    text: [
      title,
      lines.length > 0 ? lines.join("\n") : "No findings: every service gave its memory back, or used what it kept.",
      `The page: ${pageKey}`,
    ].join("\n\n"),
    attributes: { kind: "report", severity: "notice" },
  };
}

function asciiLine(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, SUBJECT_LENGTH_MAX);
}
