// The ledger's row of a change: what it brought in bytes and dollars, the verdict, and how it was measured, in words.
// What follows for the advice is recommendation-rows.ts's.
import type { Saving } from "../../../schema/columns.ts";
import { dollarsPerMonth, memoryPrice } from "../cost/memory-prices.ts";
import { formatBytes, formatCountOf } from "../units.ts";
import type { ChangeEvent } from "./change-events.ts";
import type { Measurement } from "./measure-change.ts";

/** `measured` is null while there are too few periods to compare. */
export function savingOf(event: ChangeEvent, measured: Measurement | null, verifiedAtMs: number): Saving {
  const hostCount = event.hostIds.size;
  const savedBytes = measured?.savedBytes == null ? null : measured.savedBytes * hostCount;
  const isWorth = measured?.verdict === "helped" || measured?.verdict === "worse";
  const dollars = savedBytes === null || !isWorth ? null : dollarsPerMonth(savedBytes, memoryPrice(event.instanceType));
  return {
    verified_at: verifiedAtMs,
    service: event.service,
    environment: event.environment,
    recommendation_id: event.recommendation?.recommendation_id ?? null,
    finding_id: event.recommendation?.finding_id ?? null,
    setting: event.setting,
    changed_at: event.firstMs,
    host_count: hostCount,
    control_host_count: measured?.controlHostCount ?? null,
    before_bytes_per_host: measured?.beforeBytes ?? null,
    after_bytes_per_host: measured?.afterBytes ?? null,
    saved_bytes_per_host: measured?.savedBytes ?? null,
    saved_bytes_per_host_low: measured?.savedBytesLow ?? null,
    saved_bytes_per_host_high: measured?.savedBytesHigh ?? null,
    saved_bytes: savedBytes,
    dollars_per_month_least: dollars?.least ?? null,
    dollars_per_month_most: dollars?.most ?? null,
    verdict: measured?.verdict ?? "too_early",
    evidence: measured === null ? "fewer than two whole periods after the change and one to settle in" : evidenceOf(measured),
  };
}

function evidenceOf(measured: Measurement): string {
  const { hostCount, controlHostCount, periodsBefore, periodsAfter, by, otherVersionCount } = measured;
  const hosts = formatCountOf(hostCount, "host", "hosts");
  const periods = `${formatCountOf(periodsBefore, "period", "periods")} before and ${periodsAfter} after`;
  return [
    `${hosts} against ${controlHostCount === 0 ? "none" : controlHostCount} without the change, ${periods}`,
    measured.savedBytes === null
      ? hostCount === 0
        ? "no host ran long enough on both sides of it"
        : "too few to tell it from the load's own course"
      : `interval by the spread between ${by}`,
    controlHostCount === 0 && measured.savedBytes !== null
      ? "with no host left without it, a change of load at the same time would look the same"
      : null,
    otherVersionCount > 0 ? `${otherVersionCount} of them changed version with it` : null,
    measured.isClimbing ? "memory climbs again since the restart: it is judged when it has levelled off" : null,
    measured.verdict === "too_early" && measured.savedBytes !== null && !measured.isClimbing
      ? "the interval is too wide to say whether it helped"
      : null,
  ]
    .filter((part) => part !== null)
    .join("; ");
}

/** Why a remedy is not recommended again, from a row that says it did not help. */
export function withdrawnBecause(saving: Saving): string {
  const { saved_bytes_per_host: saved, saved_bytes_per_host_low: low, saved_bytes_per_host_high: high } = saving;
  const amount = typeof saved !== "number" ? "" : saved >= 0 ? `${formatBytes(saved)} less` : `${formatBytes(-saved)} more`;
  const date = new Date(saving.changed_at).toISOString().slice(0, 10);
  const what = saving.verdict === "worse" ? "made it worse" : "did not help";
  return `tried here on ${date}, it ${what}: ${amount} on a host (95 % interval ${formatBytes(low)} to ${formatBytes(high)} less; ${saving.evidence})`;
}
