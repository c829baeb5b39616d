// The one reviewed file about alerts: thresholds, mutes, maintenance windows and peaks known in advance. Everything has a default.
// Here it is checked, all problems at once; what its entries mean for a finding is alert-config-rules.ts's.
import * as z from "zod/mini";
import english from "zod/v4/locales/en.js";
import { causeNames } from "./causes.ts";
import { visibleText } from "./report/text.ts";

// The small edition of zod has no messages of its own, and its list of locales holds fifty.
z.config(english());

/** People write and review it: what is larger was not written by people. */
const FILE_BYTES_MAX = 262_144;
const ENTRIES_MAX = 200;
/** Each set of thresholds of its own asks all queries once more. */
const SERVICE_RULES_MAX = 10;
const PROBLEMS_MAX = 50;
const DAY_MS = 86_400_000;
/** A mute has to be looked at again: after a year nobody knows its reason. */
const MUTE_MS_MAX = 366 * DAY_MS;
/** What is longer is a mute, and says its reason. */
const MAINTENANCE_MS_MAX = 14 * DAY_MS;
const PEAK_MS_MAX = 31 * DAY_MS;

export interface AlertConfigContext {
  readonly nowMs: number;
  /** Names that the queries know: a threshold that no query has would be ignored without a word. */
  readonly thresholdNames: ReadonlySet<string>;
}

const text = z.string().check(z.minLength(1), z.maxLength(500));
/** A name of a service, in which * stands for any characters. */
const services = z.string().check(z.minLength(1), z.maxLength(200));
/** A UTC date or a time with its zone, as ms since 1970. */
const moment = z.pipe(
  z.union([z.iso.date(), z.iso.datetime({ offset: true })], "expected a date as 2026-11-23, or a time as 2026-11-23T12:00:00Z"),
  z.transform((iso: string) => Date.parse(iso)),
);
const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
const clock = z.string().check(z.regex(/^([01]\d|2[0-3]):[0-5]\d$/, "expected a UTC time of day as 02:30"));

interface Span {
  readonly from: number;
  readonly to: number;
}
const isSpan = (msMax: number) => [
  z.refine<Span>(({ from, to }) => to > from, { error: "is not after from", path: ["to"] }),
  z.refine<Span>(({ from, to }) => to - from <= msMax, {
    error: `is more than ${msMax / DAY_MS} days after from`,
    path: ["to"],
  }),
];

const whom = { name: text, services: z.array(services).check(z.minLength(1)) };
const maintenance = z.union(
  [
    z.strictObject({ ...whom, from: moment, to: moment }).check(...isSpan(MAINTENANCE_MS_MAX)),
    /** A window whose end is not after its start ends on the next day. */
    z.strictObject({ ...whom, days: z.array(z.enum(days)).check(z.minLength(1)), from: clock, to: clock }),
  ],
  "expected name, services, and from and to as times; or as times of day, with days",
);
const peak = z.strictObject({ name: text, from: moment, to: moment }).check(...isSpan(PEAK_MS_MAX));

const list = <T extends z.ZodMiniType>(entry: T, lengthMax = ENTRIES_MAX) =>
  z._default(z.array(entry).check(z.maxLength(lengthMax)), []);

/** The limits that depend on the time and on the queries are part of the shape, so that they are told with all others. */
function shapeOf({ nowMs, thresholdNames }: AlertConfigContext) {
  const thresholds = z.record(z.string(), z.number().check(z.gte(0))).check(({ value, issues }) => {
    for (const name of Object.keys(value).filter((name) => !thresholdNames.has(name)))
      issues.push({ code: "custom", message: "no query has this parameter", path: [name], input: value[name] });
  });
  const mute = z.strictObject({
    service: services,
    cause: z.optional(z.enum(causeNames() as [string, ...string[]])),
    environment: z.optional(services),
    until: moment.check(z.refine((until) => until - nowMs <= MUTE_MS_MAX, `is more than ${MUTE_MS_MAX / DAY_MS} days ahead`)),
    reason: text,
  });
  return z.strictObject({
    /** Parameters of the queries by name, for the whole fleet. */
    thresholds: z._default(thresholds, {}),
    /** The same for services; the first entry whose pattern fits a service counts. */
    services: list(z.strictObject({ service: services, thresholds }), SERVICE_RULES_MAX),
    mutes: list(mute),
    maintenance: list(maintenance),
    peaks: list(peak),
  });
}

export type AlertConfig = z.output<ReturnType<typeof shapeOf>>;
export type Mute = AlertConfig["mutes"][number];
export type Maintenance = AlertConfig["maintenance"][number];
export type Peak = AlertConfig["peaks"][number];
export const dayNames: readonly string[] = days;

export const defaultAlertConfig: AlertConfig = { thresholds: {}, services: [], mutes: [], maintenance: [], peaks: [] };

export interface ReadAlertConfig {
  readonly config: AlertConfig;
  /** One line each: where, what is wrong, what was seen. With any of them the defaults are in effect. */
  readonly problems: readonly string[];
}

/** Null is no file, and no problem. A file with a problem is not used in part: half of what was meant is not what was meant. */
export function readAlertConfig(bytes: Uint8Array | null, context: AlertConfigContext): ReadAlertConfig {
  if (bytes === null) return { config: defaultAlertConfig, problems: [] };
  const problem = (line: string): ReadAlertConfig => ({ config: defaultAlertConfig, problems: [visibleText(line)] });
  if (bytes.length > FILE_BYTES_MAX) return problem(`the file has ${bytes.length} bytes, the limit is ${FILE_BYTES_MAX}`);
  let content: unknown;
  try {
    content = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    return problem(`the file is no JSON: ${(error as Error).message}`);
  }
  const parsed = shapeOf(context).safeParse(content, { reportInput: true });
  if (parsed.success) return { config: parsed.data, problems: [] };
  const lines = parsed.error.issues.map(({ path, message, input }) => lineOf(path, message, input));
  return { config: defaultAlertConfig, problems: lines.slice(0, PROBLEMS_MAX) };
}

/** Enough of a wrong value to recognise it. */
const VALUE_LENGTH_MAX = 120;
/** Names of entries, which messages repeat, are texts of the file as well. */
const TEXT_LENGTH_MAX = 300;

function lineOf(path: readonly PropertyKey[], message: string, seen?: unknown): string {
  const shown = seen === undefined ? "" : ` (it is ${(JSON.stringify(seen) ?? String(seen)).slice(0, VALUE_LENGTH_MAX)})`;
  const where = path.map(String).join(".").slice(0, TEXT_LENGTH_MAX) || "the file";
  // A line of a log and of a message: what a file's author wrote must not end it.
  return visibleText(`${where}: ${message.slice(0, TEXT_LENGTH_MAX)}${shown}`);
}
