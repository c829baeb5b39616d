// The question that shows a finding: the command of `tidemark sql` for it, safe to paste whatever the service is called.
// The same query is saved in Athena under its name; what it asks is in queries/.
import type { Finding } from "../../schema/columns.ts";
import { chatShellText } from "./shell-text.ts";

/** A day before it began shows what was usual. */
const BEFORE_MS = 24 * 3_600_000;
const HOUR_MS = 3_600_000;
/** A name beyond this is an accident or an attack; nobody pastes it. */
const SERVICE_LENGTH_MAX = 200;

/** Conditions of hosts are shown by the rule that found them. */
const queryOfCause: Readonly<Record<string, string>> = {
  low_memory: "low_memory",
  swap_growth: "swap_growing",
  memory_pressure: "memory_pressure",
  kernel_fragmentation: "kernel_fragmentation",
  host_silent: "hosts_silent",
  collector_loss: "collector_losses",
};

export interface Question {
  /** Name of the query, here and among Athena's saved ones. */
  readonly query: string;
  readonly command: string;
}

export function questionOf({ cause, scope, service, since, found_at }: Finding): Question {
  const window = [`window_start=${utcHour(since - BEFORE_MS)}`, `window_end=${utcHour(found_at + HOUR_MS)}`];
  if (Object.hasOwn(queryOfCause, cause)) return question(queryOfCause[cause] ?? cause, window);
  const isOfService = scope == null || scope === "service";
  // A command's words end at a NUL.
  return isOfService && service.length <= SERVICE_LENGTH_MAX && !service.includes("\0")
    ? question("service_memory", [`service=${service}`, ...window])
    : question("recent_findings", window);
}

const question = (query: string, parameters: readonly string[]): Question => ({
  query,
  command: ["tidemark sql --athena", query, ...parameters.map((pair) => `--param ${chatShellText(pair)}`)].join(" "),
});

const utcHour = (atMs: number): string =>
  Number.isFinite(atMs) && Math.abs(atMs) < 8.64e15
    ? new Date(Math.floor(atMs / HOUR_MS) * HOUR_MS).toISOString().slice(0, 19)
    : "";
