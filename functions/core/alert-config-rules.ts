// What the entries of the alert settings mean for a finding: whether and why nobody is told, and whose thresholds count.
// Reading and checking the file is alert-config.ts's.
import type { Finding } from "../../schema/columns.ts";
import { type AlertConfig, dayNames, type Maintenance, type Mute } from "./alert-config.ts";
import { formatUtc } from "./units.ts";

/** Why nobody is told of a finding now; null where they are. What is wrong with the settings themselves cannot be muted. */
export function mutedBecause({ mutes, maintenance }: AlertConfig, finding: Finding, nowMs: number): string | null {
  if (finding.scope === "config") return null;
  const mute = mutes.find((entry) => entry.until > nowMs && isAbout(entry, finding));
  if (mute !== undefined) return `muted until ${formatUtc(mute.until)}: ${mute.reason}`;
  const window = maintenance.find(
    (entry) => entry.services.some((pattern) => fits(pattern, finding.service)) && isOpen(entry, nowMs),
  );
  return window === undefined ? null : `maintenance: ${window.name}`;
}

export const expiredMutes = ({ mutes }: AlertConfig, nowMs: number): readonly Mute[] =>
  mutes.filter(({ until }) => until <= nowMs);

/** Thresholds for all services that no entry names come first. */
export interface ThresholdSet {
  readonly thresholds: Readonly<Record<string, number>>;
  readonly isFor: (service: string) => boolean;
}

/** Every service belongs to exactly one set; the more specific values win over the fleet's, those over `usual`. */
export function thresholdSets(config: AlertConfig, usual: Readonly<Record<string, number>>): readonly ThresholdSet[] {
  const rules = config.services;
  const ruleOf = (service: string) => rules.findIndex((rule) => fits(rule.service, service));
  const fleet = { ...usual, ...config.thresholds };
  return [
    { thresholds: fleet, isFor: (service) => ruleOf(service) === -1 },
    ...rules.map((rule, at) => ({
      thresholds: { ...fleet, ...rule.thresholds },
      isFor: (service: string) => ruleOf(service) === at,
    })),
  ];
}

const isAbout = (mute: Mute, { service, cause, environment }: Finding): boolean =>
  fits(mute.service, service) &&
  (mute.cause === undefined || mute.cause === cause) &&
  (mute.environment === undefined || fits(mute.environment, environment ?? ""));

const DAY_MS = 86_400_000;

function isOpen(entry: Maintenance, nowMs: number): boolean {
  if (!("days" in entry)) return nowMs >= entry.from && nowMs < entry.to;
  const [from, to] = [clockMs(entry.from), clockMs(entry.to)];
  const lengthMs = to > from ? to - from : to - from + DAY_MS;
  const todayMs = Math.floor(nowMs / DAY_MS) * DAY_MS;
  // A window that began yesterday may still be open.
  return [todayMs, todayMs - DAY_MS].some((dayMs) => {
    const isNamed = entry.days.some((day) => dayNames.indexOf(day) === new Date(dayMs).getUTCDay());
    return isNamed && nowMs >= dayMs + from && nowMs < dayMs + from + lengthMs;
  });
}

const clockMs = (clock: string): number => Number(clock.slice(0, 2)) * 3_600_000 + Number(clock.slice(3)) * 60_000;

/** Whether a pattern fits a whole name. Greedy from left to right: no pattern takes longer than the name is long, twice. */
export function fits(pattern: string, name: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first) || name.length < first.length + last.length || !name.endsWith(last)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= name.length - last.length;
}
