// Asks the lake which settings changed and what that brought, files the ledger's rows, and withdraws advice that did not help.
// What counts as a change, an effect and a verdict is core/ledger's.
import type { Finding, RecommendationRow, Saving } from "../../schema/columns.ts";
import { lakeKey, partitionOf } from "../../schema/keys.ts";
import { recommendationColumns, savingColumns } from "../../schema/made-columns.ts";
import { type Advice, advise } from "../core/advice/advise.ts";
import { inputOfFinding, worstOf } from "../core/advice/inputs.ts";
import { type ChangeEvent, changeEvents, type HostChange, hostChangeOf } from "../core/ledger/change-events.ts";
import {
  type KnownRecommendation,
  knownRecommendationOf,
  type WithdrawnOf,
  withdrawnOf,
} from "../core/ledger/known-recommendation.ts";
import { measureChange } from "../core/ledger/measure-change.ts";
import { LOOK_BACK_PERIODS, PERIODS_MAX, periodsOf } from "../core/ledger/periods.ts";
import { ledgerDecisions, RECOMMENDATIONS_MS, recommendationsToFile } from "../core/ledger/recommendation-rows.ts";
import { savingOf } from "../core/ledger/saving-rows.ts";
import { madeRow, madeTable } from "../core/made-table.ts";
import { writeParquet } from "../core/parquet/write.ts";
import { type Window, windowParameters } from "../core/window.ts";
import type { ObjectStore, QueryEngine } from "../edges.ts";

type Asked = Pick<QueryEngine, "run">;

export interface LedgerEdge {
  readonly queries: QueryEngine;
  readonly lake: ObjectStore;
}

/** Each is a query: more changes at once than this are a rollout of something else, and told as not measured. */
export const EVENTS_MAX = 20;
/** Rows that withdraw lie behind those that the same run has filed of its findings. */
const LEDGER_AFTER_MS = 1;
/** Of a fleet the processes that hold most; a service whose processes are not among them has advice by its cause alone. */
const PROCESSES_MAX = 1_000;

/** End of the last whole period: the ledger is made once for each, whenever the run comes. */
const ledgerEnd = ({ endMs, periodMs }: Window): number => Math.floor(endMs / periodMs) * periodMs;
const ledgerKey = (window: Window): string => lakeKey("saving", partitionOf(ledgerEnd(window)), `ledger-${ledgerEnd(window)}`);

/** Whether the period that ended last has not been looked at yet. */
export const isLedgerDue = async (lake: ObjectStore, window: Window): Promise<boolean> =>
  (await lake.get(ledgerKey(window))) === null;

/** Measures every change of the last periods up to the last whole one and files what it finds; asking again replaces it. */
export async function updateLedger({ queries, lake }: LedgerEdge, window: Window): Promise<readonly Saving[]> {
  const { periodMs } = window;
  const endMs = ledgerEnd(window);
  const known = await recentRecommendations(queries, window.endMs);
  const lookBackMs = (LOOK_BACK_PERIODS + PERIODS_MAX + 1) * periodMs;
  const changes = (await queries.run("setting_changes", windowParameters({ startMs: endMs - lookBackMs, endMs }))).map(
    hostChangeOf,
  );
  const events = changeEvents(changes, known, periodMs);
  const due = events.filter(({ lastMs }) => lastMs >= endMs - LOOK_BACK_PERIODS * periodMs).sort(byImportance);
  const savings: Saving[] = [];
  for (const [place, event] of due.entries()) {
    savings.push(
      place < EVENTS_MAX
        ? await measured(queries, event, { events, changes }, { endMs, periodMs })
        : { ...savingOf(event, null, endMs), evidence: `not measured: more than ${EVENTS_MAX} changes at once` },
    );
  }
  const decisions = ledgerDecisions(savings, known, window.endMs + LEDGER_AFTER_MS);
  await fileRecommendations(lake, "ledger", decisions, window.endMs);
  // Last, because it says that the period was looked at.
  await lake.put(ledgerKey(window), writeParquet("saving", madeTable(savingColumns, savings)));
  return savings;
}

async function measured(
  queries: QueryEngine,
  event: ChangeEvent,
  { events, changes }: { readonly events: readonly ChangeEvent[]; readonly changes: readonly HostChange[] },
  grid: { readonly endMs: number; readonly periodMs: number },
): Promise<Saving> {
  const periods = periodsOf(event, events, grid);
  if (periods === null) return savingOf(event, null, grid.endMs);
  const rows = await queries.run("setting_effects", {
    ...windowParameters(periods),
    changed_from: event.firstMs,
    changed_until: periods.afterStartMs,
    period_seconds: grid.periodMs / 1_000,
    service: event.service,
    environment: event.environment ?? "",
  });
  const changed = new Set(
    changes
      .filter((change) => change.service === event.service && change.environment === event.environment)
      .filter(({ kind }) => kind === "setting" || event.kind === "version")
      .filter(({ changedMs }) => changedMs >= periods.startMs && changedMs < periods.endMs)
      .map(({ hostId }) => hostId),
  );
  return savingOf(event, measureChange(event, changed, periods, grid.periodMs, rows), grid.endMs);
}

/** What was recommended first, then the largest. */
const byImportance = (a: ChangeEvent, b: ChangeEvent): number =>
  Number(b.recommendation !== null) - Number(a.recommendation !== null) || b.hostIds.size - a.hostIds.size;

/** Every change that was verified within the window, by its last measurement. */
export async function verifiedSavings(
  queries: QueryEngine,
  window: Pick<Window, "startMs" | "endMs">,
): Promise<readonly Saving[]> {
  const rows = await queries.run("verified_savings", windowParameters(window));
  return rows.map((row) => madeRow(savingColumns, row));
}

/** The last row of every recommendation, as of a moment. */
export async function recentRecommendations(queries: Asked, atMs: number): Promise<readonly KnownRecommendation[]> {
  const window = windowParameters({ startMs: atMs - RECOMMENDATIONS_MS, endMs: atMs });
  return (await queries.run("recent_recommendations", window)).map(knownRecommendationOf);
}

/** What is withdrawn at the end of a window, by the ledger's rows of that very run as well: those are a moment later. */
export const withdrawnAdvice = async (queries: Asked, { endMs }: Pick<Window, "endMs">): Promise<WithdrawnOf> =>
  withdrawnOf(await recentRecommendations(queries, endMs + 2 * LEDGER_AFTER_MS));

export interface FindingsAdvice {
  /** By finding_id. */
  readonly adviceOf: ReadonlyMap<string, Advice>;
  /** Of it, what is to be filed. */
  readonly rows: readonly RecommendationRow[];
}

/** Advice on findings by the figures of their worst processes in the window's last period, without what was withdrawn. */
export async function adviseOnFindings(
  queries: QueryEngine,
  findings: readonly Finding[],
  { endMs, periodMs }: Window,
): Promise<FindingsAdvice> {
  if (findings.length === 0) return { adviceOf: new Map(), rows: [] };
  const known = await recentRecommendations(queries, endMs);
  const processes = await queries.run("heap_composition", {
    ...windowParameters({ startMs: endMs - periodMs, endMs }),
    process_count_max: PROCESSES_MAX,
  });
  const withdrawn = withdrawnOf(known);
  const adviceOf = new Map(
    findings.map((finding) => {
      const input = inputOfFinding(finding, worstOf(finding.service, processes));
      return [finding.finding_id, advise(input, withdrawn(finding.service, finding.environment ?? null))] as const;
    }),
  );
  return { adviceOf, rows: recommendationsToFile(findings, adviceOf, known, endMs) };
}

export async function fileRecommendations(
  lake: ObjectStore,
  name: "advice" | "ledger",
  rows: readonly RecommendationRow[],
  endMs: number,
): Promise<void> {
  if (rows.length === 0) return;
  const key = lakeKey("recommendation", partitionOf(endMs), `${name}-${endMs}`);
  await lake.put(key, writeParquet("recommendation", madeTable(recommendationColumns, rows)));
}
