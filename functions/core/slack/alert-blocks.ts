// An alert as Slack shows it best: who and what, the figures, the evidence, what to set, and how to see it.
// The same in words is messages.ts's; limits and escapes are blocks.ts's.
import type { Finding } from "../../../schema/columns.ts";
import type { FirstStep } from "../advice/first-step.ts";
import { causeText, type Severity, severityShape, severityWord } from "../causes.ts";
import { whereText } from "../finding-text.ts";
import { clipName, clipText, sentenceLengthMax } from "../report/text.ts";
import type { RunbookPlace } from "../runbook.ts";
import type { Question } from "../see-it.ts";
import { formatBytes, formatShare, formatUtc } from "../units.ts";
import { code, context, fields, header, link, type SlackBlock, section } from "./blocks.ts";

export interface AlertParts {
  readonly who: string;
  readonly step: FirstStep | null;
  readonly place: RunbookPlace | null;
  readonly question: Question;
}

/** The header shows the cause whole; of the name so much that both fit its 150 characters. */
const NAME_LENGTH_MAX = 90;

export function alertBlocks(finding: Finding, { who, step, place, question }: AlertParts): readonly SlackBlock[] {
  const { name, means, cure } = causeText(finding.cause);
  const warnings = finding.early_warnings;
  const button = place?.url == null ? null : link("Runbook", place.url);
  return [
    header(
      `${shapeOf(finding)} ${clipText(who, NAME_LENGTH_MAX)}: ${clipName(name, 40)}${finding.state === "worse" ? " is worse" : ""}`,
    ),
    fields([
      ["How pressing", severityText(finding)],
      ...amountFields(finding),
      ["Where", whereText(finding)],
      ["Since", formatUtc(finding.since)],
      ...(typeof finding.confidence === "number" ? [["Confidence", formatShare(finding.confidence)] as const] : []),
      ...(finding.explained_by ? [["What sets these apart", sentence(finding.explained_by)] as const] : []),
    ]),
    section(`${means}\n${sentence(finding.evidence)}.`),
    ...(step === null
      ? [section(`Where to look: ${cure}`)]
      : [section(`First thing to do: ${step.title}${step.effect}.`), ...(step.setting === "" ? [] : [code(step.setting)])]),
    context([`To see it; in Athena the saved query ${question.query}:`]),
    code(question.command),
    ...(button === null ? [] : [button]),
    context([
      ...(place === null || button !== null ? [] : [`What to do: ${place.text}`]),
      ...(warnings ? [`Fired as well: ${sentence(warnings)}`] : []),
      `Finding ${finding.finding_id}, found ${formatUtc(finding.found_at)}`,
    ]),
  ];
}

export const resolvedBlocks = (finding: Finding, who: string): readonly SlackBlock[] => [
  header(`Resolved: ${clipText(who, NAME_LENGTH_MAX)}: ${clipName(causeText(finding.cause).name, 40)}`),
  section(
    `No longer found (first found ${formatUtc(finding.first_found_at)}). It was mended, or what had it was restarted or has ended: the rows cannot tell which.`,
  ),
  context([`The last evidence was: ${sentence(finding.evidence)}`, `Finding ${finding.finding_id}`]),
];

const sentence = (text: string): string => clipText(text, sentenceLengthMax);

function amountFields({
  excess_bytes,
  reclaimable_bytes,
  trend_bytes_per_day,
}: Finding): readonly (readonly [string, string])[] {
  if (typeof excess_bytes !== "number") return [];
  return [
    ["Memory concerned", formatBytes(excess_bytes)],
    ["A trim would return", formatBytes(reclaimable_bytes)],
    ...(typeof trend_bytes_per_day === "number" ? [["Changes in a day", formatBytes(trend_bytes_per_day)] as const] : []),
  ];
}

const shapeOf = (finding: Finding): string => severityShape[severityOf(finding)];
const severityText = (finding: Finding): string => severityWord[severityOf(finding)];

/** Rows of the lake may say what this version does not know. */
function severityOf({ severity, cause }: Finding): Severity {
  return severity != null && Object.hasOwn(severityWord, severity) ? (severity as Severity) : causeText(cause).severity;
}
