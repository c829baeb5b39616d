// What is wrong with the alert settings, as findings: they live like others, so that each is told once and its end as well.
// Checking the settings is alert-config.ts's.
import type { Finding } from "../../schema/columns.ts";
import { ALERT_CONFIG_KEY } from "../../schema/keys.ts";
import type { ReadAlertConfig } from "./alert-config.ts";
import { expiredMutes } from "./alert-config-rules.ts";
import { findingId } from "./finding-id.ts";
import { formatUtc } from "./units.ts";

export function configFindings({ config, problems }: ReadAlertConfig, nowMs: number): readonly Finding[] {
  const invalid =
    problems.length === 0 ? [] : [findingOf("config_invalid", `${ALERT_CONFIG_KEY}: ${problems.join("; ")}`, nowMs, nowMs)];
  const expired = expiredMutes(config, nowMs).map((mute) => {
    const about = [mute.service, mute.cause, mute.environment].filter((part) => part !== undefined).join(", ");
    return findingOf("mute_expired", `the mute of ${about} (${mute.reason}) ended ${formatUtc(mute.until)}`, mute.until, nowMs);
  });
  return [...invalid, ...expired];
}

/** Another problem of the same file is news again only when the file was good in between; another mute is another finding. */
const findingOf = (cause: "config_invalid" | "mute_expired", evidence: string, since: number, nowMs: number): Finding => ({
  found_at: nowMs,
  finding_id: findingId("config", cause, cause === "mute_expired" ? evidence : null),
  service: "tidemark",
  cause,
  scope: "config",
  since,
  host_count: 0,
  process_count: 0,
  evidence,
});
