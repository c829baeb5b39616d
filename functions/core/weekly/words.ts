// How the weekly report says its figures, the same on the page, in the mail and in Slack.
// It leaves layout to them.
import type { Finding } from "../../../schema/columns.ts";
import { causeText } from "../causes.ts";
import { clipName } from "../report/text.ts";
import { formatBytes, formatCountOf, formatDollars, formatShare } from "../units.ts";
import { added } from "./fleet.ts";
import type { Dollars, Saving, WeeklyModel } from "./model.ts";

/** `$120 to $480`; one figure where both readings are the same to the eye. */
export function dollarsText(dollars: Dollars | null): string {
  if (dollars === null) return "unknown";
  const [least, most] = [formatDollars(dollars.least), formatDollars(dollars.most)];
  return least === most ? least : `${least} to ${most}`;
}

/** `12 % more than the week before`, `as the week before`, or null where there is nothing to compare with. */
export function changeText(now: number | null, before: number | null): string | null {
  if (now === null || before === null) return null;
  if (before === 0) return now === 0 ? "as the week before" : "none the week before";
  const share = now / before - 1;
  if (Math.abs(share) < SAME_SHARE) return "as the week before";
  return `${formatShare(Math.abs(share))} ${share > 0 ? "more" : "less"} than the week before`;
}

/** Nobody can do anything about less. */
const SAME_SHARE = 0.005;

/** The week in one sentence. */
export function headline({ now, worth, findings }: WeeklyModel): string {
  if (now === null) return "Nothing was measured this week, so there is nothing to say about it.";
  if (now.held === null || worth === null) return "No heap could be measured this week, so what is held free is unknown.";
  const services = new Set(findings.map(({ finding }) => finding.service)).size;
  const found =
    services === 0 ? "nothing was found" : `${formatCountOf(services, "service has", "services have")} an open finding`;
  return `${formatBytes(now.held)} is held free, worth ${dollarsText(worth.held)} a month; ${found}.`;
}

/** A service and where it runs. */
export const whoOf = ({ service, environment }: { service: string; environment?: string | null }): string =>
  environment ? `${clipName(service)} (${clipName(environment, 40)})` : clipName(service);

/** What a finding is called, with how it stands. */
export const causeName = ({ cause, state }: Finding): string => `${causeText(cause).name}${state === "worse" ? ", worse" : ""}`;

/** Sum of what was measured to have helped; null where nothing did. */
export function savedOf(savings: readonly Saving[]): { readonly bytes: number; readonly worth: Dollars } | null {
  const helped = savings.filter(({ verdict }) => verdict === "helped");
  if (helped.length === 0) return null;
  return {
    bytes: helped.reduce((total, { savedBytes }) => total + (savedBytes ?? 0), 0),
    worth: added(helped.flatMap(({ worth }) => worth ?? [])),
  };
}

const verdicts: Readonly<Record<string, string>> = {
  helped: "helped",
  no_effect: "no effect: withdrawn",
  worse: "made it worse: withdrawn",
  too_early: "too early to tell",
};

export const verdictText = (verdict: string): string => verdicts[verdict] ?? clipName(verdict, 40);
