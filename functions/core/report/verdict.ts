// The verdict of a report in one sentence: how many services keep memory they do not need, and which.
// It leaves the details to the cards of the findings.
import type { Finding } from "../../../schema/columns.ts";
import { causeText, severityRank } from "../causes.ts";
import { formatBytes, formatCount, formatCountOf } from "../units.ts";
import { heapIsKnown } from "./composition.ts";
import type { ReportModel } from "./model.ts";
import { clipName, listNames } from "./text.ts";

export interface Verdict {
  readonly kind: "found" | "calm" | "blind";
  readonly sentence: string;
  /** What the sentence does not cover, or null. */
  readonly note: string | null;
}

export function verdict(model: ReportModel): Verdict {
  const findings = rankedFindings(model);
  const note = blindNote(model);
  if (findings.length > 0)
    return { kind: "found", sentence: foundSentence(model, findings), note: joinNotes(sumNote(findings), note) };
  if (model.processCount === 0) {
    return { kind: "blind", sentence: "Nothing was watched in this window, so there is nothing to say about it.", note: null };
  }
  if (model.processes.length > 0 && model.processes.every((process) => !heapIsKnown(process.composition))) {
    return { kind: "blind", sentence: "Nothing was found, but no heap could be measured.", note };
  }
  const watched = formatCountOf(model.processCount, "process", "processes");
  return { kind: "calm", sentence: `All quiet: nothing found in ${watched}.`, note };
}

/** The findings as the page lists them: most pressing first, then the largest. "none" is not a finding. */
export function rankedFindings(model: ReportModel): readonly Finding[] {
  return model.findings
    .filter((finding) => finding.cause !== "none")
    .toSorted(
      (a, b) =>
        severityRank[causeText(a.cause).severity] - severityRank[causeText(b.cause).severity] ||
        (b.excess_bytes ?? 0) - (a.excess_bytes ?? 0) ||
        compareText(a.service, b.service) ||
        compareText(a.cause, b.cause),
    );
}

function foundSentence(model: ReportModel, findings: readonly Finding[]): string {
  const wasteful = findings.filter((finding) => causeText(finding.cause).severity !== "notice");
  const shown = wasteful.length > 0 ? wasteful : findings;
  const names = [...new Set(shown.map((finding) => finding.service))];
  const subject = `${serviceCount(model, names.length)} ${wasteful.length > 0 ? keeps(names.length) : "grew, as intended or only in appearance"}`;
  const parts = names.map((service) => `${clipName(service, serviceLengthMax)} ${verbs(shown, service)}`);
  return `${subject}: ${listNames(parts, serviceCountMax)}.`;
}

/** Services are counted only when every process is in the model; otherwise the total would be a guess. */
function serviceCount(model: ReportModel, found: number): string {
  const all = new Set([...model.findings, ...model.processes].map((row) => row.service)).size;
  return model.processes.length >= model.processCount && all > 1
    ? `${formatCount(found)} of ${formatCountOf(all, "service", "services")}`
    : formatCountOf(found, "service", "services");
}

const keeps = (count: number) => (count === 1 ? "keeps memory it does not need" : "keep memory they do not need");

function verbs(findings: readonly Finding[], service: string): string {
  const own = findings.filter((finding) => finding.service === service).map((finding) => causeText(finding.cause).verb);
  return listNames([...new Set(own)], 3);
}

function sumNote(findings: readonly Finding[]): string | null {
  const excess = findings.reduce((sum, finding) => sum + (finding.excess_bytes ?? 0), 0);
  if (excess <= 0) return null;
  const known = findings.filter((finding) => typeof finding.reclaimable_bytes === "number");
  const back = known.reduce((sum, finding) => sum + (finding.reclaimable_bytes ?? 0), 0);
  const held = `${formatBytes(excess)} held in all`;
  if (known.length === 0) return `${held}.`;
  return `${held}, of which a trim would give back ${formatBytes(back)} now.`;
}

/** A report that could not see must say so: silence would read as health. */
function blindNote(model: ReportModel): string | null {
  const blind = model.processes.filter((process) => !heapIsKnown(process.composition)).length;
  if (blind === 0) return null;
  return `${formatCount(blind)} of ${formatCountOf(model.processes.length, "heap", "heaps")} shown could not be measured.`;
}

function joinNotes(first: string | null, second: string | null): string | null {
  return [first, second].filter((note) => note !== null).join(" ") || null;
}

/** By code unit: a locale would make the order depend on the machine. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A sentence names a few; the cards name all. */
const serviceCountMax = 4;
const serviceLengthMax = 40;
