// Findings as the terminal shows them: one table, wide enough for the evidence to be read.
import Table from "cli-table3";
import { formatBytes, formatUtc } from "../functions/core/units.ts";
import type { Finding } from "../schema/columns.ts";

/** Narrower terminals get the same table, with longer cells. */
const EVIDENCE_WIDTH_MIN = 36;
const OTHER_COLUMNS_WIDTH = 78;

export function findingsText(findings: readonly Finding[], terminalWidth: number): string {
  if (findings.length === 0)
    return "No findings in what could be judged: whole periods of processes whose heap is known (tidemark sql heap_composition).";
  const evidenceWidth = Math.max(EVIDENCE_WIDTH_MIN, terminalWidth - OTHER_COLUMNS_WIDTH);
  const table = new Table({
    head: ["service", "cause", "memory", "a trim returns", "since", "evidence"],
    colWidths: [null, null, null, null, 14, evidenceWidth],
    wordWrap: true,
    style: process.stdout.isTTY ? { head: ["bold"], border: ["dim"] } : { head: [], border: [] },
  });
  for (const finding of findings) {
    table.push([
      printable(finding.service),
      printable(finding.cause),
      ...memoryCells(finding),
      formatUtc(finding.since),
      printable(finding.early_warnings ? `${finding.evidence}. Also fired: ${finding.early_warnings}` : finding.evidence),
    ]);
  }
  return table.toString();
}

/** What is not about an amount has none, which is not the same as an unknown one. */
const memoryCells = ({ excess_bytes, reclaimable_bytes }: Finding): readonly string[] =>
  typeof excess_bytes === "number" ? [formatBytes(excess_bytes), formatBytes(reclaimable_bytes)] : ["", ""];

const printable = (text: string): string => text.replace(/\p{Cc}/gu, "\u{fffd}");
