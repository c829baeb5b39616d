// A named query as a person asks it: which parameters there are, what they default to, and the window they mean.
// Running it is the engine's.
import { windowParameters } from "../../functions/core/window.ts";
import type { QueryParameters } from "../../functions/edges.ts";
import type { NamedQuery } from "../../queries/named-query.ts";

/** Parameters that people seldom type: the dates follow from the window. */
const derived = new Set(["dt_first", "dt_last"]);

export const parametersText = (query: NamedQuery): string =>
  query.parameters
    .filter(({ name }) => !derived.has(name))
    .map(({ name, defaultText }) => (defaultText === null ? name : `${name}=${defaultText}`))
    .join(" ");

/** All that the header says, for one query. */
export function describe(query: NamedQuery): string {
  const parameters = query.parameters
    .filter(({ name }) => !derived.has(name))
    .map(({ name, type, defaultText }) => `  ${name} (${type})${usual(name, defaultText)}`);
  return [
    `${query.name}: ${query.summary}`,
    "",
    `why      ${query.why}`,
    `rows     ${query.grain}`,
    `columns  ${query.result}`,
    parameters.length === 0 ? "It takes no parameters." : "parameters, each as --param name=value",
    ...parameters,
    "",
  ].join("\n");
}

const usual = (name: string, defaultText: string | null): string => {
  if (defaultText !== null) return `, usually ${defaultText}`;
  return name.startsWith("window_") ? ", a UTC time like 2026-11-23T12:00:00; usually what the lake holds" : "";
};

/** The parameters with their window; throws on names that the query does not have. */
export async function completed(
  query: NamedQuery,
  given: Readonly<Record<string, string>>,
  usualWindow: (query: NamedQuery) => Promise<{ readonly startMs: number; readonly endMs: number }>,
): Promise<QueryParameters> {
  const unknown = Object.keys(given).find(
    (name) => derived.has(name) || !query.parameters.some((known) => known.name === name),
  );
  if (unknown !== undefined)
    throw new Error(`query ${query.name} has no parameter ${unknown}; it has ${parametersText(query)}`);
  const { window_start: start, window_end: end } = given;
  const wanted = start === undefined || end === undefined ? await usualWindow(query) : { startMs: 0, endMs: 0 };
  const endMs = end === undefined ? wanted.endMs : parseTime("window_end", end);
  const startMs = start === undefined ? wholePeriods(query, given, wanted.startMs, endMs) : parseTime("window_start", start);
  return { ...given, ...windowParameters({ startMs, endMs }) };
}

/** Queries that compare periods want a whole number of them: as many as there are, at least one. */
function wholePeriods(query: NamedQuery, given: Readonly<Record<string, string>>, oldestMs: number, endMs: number): number {
  const parameter = query.parameters.find(({ name }) => name === "period_seconds");
  if (parameter === undefined) return oldestMs;
  const periodMs = Number(given["period_seconds"] ?? parameter.defaultText) * 1_000;
  if (!(periodMs > 0)) throw new Error(`period_seconds is ${given["period_seconds"]}: expected a number above 0`);
  return endMs - Math.max(1, Math.floor((endMs - oldestMs) / periodMs)) * periodMs;
}

function parseTime(name: string, text: string): number {
  const timeMs = Date.parse(/[zZ]|[+-]\d\d:\d\d$/.test(text) ? text : `${text.replace(" ", "T")}Z`);
  if (Number.isNaN(timeMs)) throw new Error(`${name} is ${text}: expected a UTC time like 2026-11-23T12:00:00`);
  return timeMs;
}
