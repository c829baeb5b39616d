// The black box: keeps every look at every process of some size, and makes rows of them when something happens to it.
// Looks come from watch/agent.ts; what is kept where is ring.ts's, how much of it is shipped history.ts's.
import type { DetailSample } from "../../schema/columns.ts";
import type { DeadRing } from "../heap/ring-folder.ts";
import { parseCgroup } from "../proc/cgroup.ts";
import { readAndParse } from "../proc/read.ts";
import { parseStat } from "../proc/stat.ts";
import type { ProcessIdentity } from "../watch/identify.ts";
import {
  type BlockVisitor,
  type Entry,
  type Moment,
  type Named,
  type ProcessId,
  shippedBlocks,
  visitBlocks,
} from "./blocks.ts";
import { hasBurst, type Lows, lowsFrom } from "./burst.ts";
import { keptEarlier } from "./earlier.ts";
import { createFailureWatch, type FailureCount } from "./failure-watch.ts";
import { historyOf } from "./history.ts";
import { createOomWatch, memoryCounters, type OomWatch } from "./oom.ts";
import { HISTORY_LOOKS, type Ring } from "./ring.ts";
import { createTickWriter } from "./tick-writer.ts";

export type EventKind = "death" | "oom_kill" | "alloc_failure" | "burst";
export type Figures = Omit<Entry, keyof ProcessId>;

export interface BlackBoxEdge {
  readonly ring: Ring;
  tickMs(): number;
  /** Processes that were never as large leave nothing here. */
  rssBytesMin(): number;
  nowMs(): number;
  /** Milliseconds since boot, by a clock that is never set. */
  upMs(): number;
  readonly oom?: OomWatch;
  /** Whether the process runs, as far as anyone can tell. */
  isAlive?(id: ProcessId): boolean;
  log(message: string, fields?: object): void;
}

export interface BlackBox {
  /** Whether this process is to be noted: it is, or once was, large enough. Without memory it is about to be reported gone. */
  wants(pid: number, rssBytes: number): boolean;
  /** One look of the tick that is running. */
  note(identity: ProcessIdentity, figures: Figures): void;
  /** Ends a tick: writes what was noted, and finds who has died. */
  endTick(): void;
  /** How many allocations have failed, as a row tells it. */
  noteFailures(count: FailureCount): void;
  /** The last words of a process that has ended. */
  noteDead(dead: DeadRing): void;
  /** The rows of all that has happened since the last call. */
  takeRows(): readonly Omit<DetailSample, "sequence">[];
  /** The rows are where they survive us: nobody ships them again. */
  shipped(): void;
  /** Rows that were not shipped, for there were too many, since the last call. */
  takeDroppedCount(): number;
  close(): void;
}

/** Of the host, in one row interval: eighteen whole histories, some 30 KB after gzip. That is what 200 processes' own rows take. */
export const DETAIL_ROWS_MAX = 2_000;
/** The names of more, said anew in each segment, would take its room. Who comes later is not kept; that is told once. */
export const PROCESSES_MAX = 4_096;
/** What goes first where not all can go. */
const RANKS: Readonly<Record<EventKind, number>> = { oom_kill: 0, alloc_failure: 1, death: 2, burst: 3 };

interface Kept {
  named: Named;
  /** Null: known from an earlier collector's names alone. */
  identity: ProcessIdentity | null;
  counters: readonly string[];
  lows: Lows | null;
  rssBytes: number;
  /** Of its last look. */
  lastMs: number;
  isSeen: boolean;
  readonly repeatMs: { burst: number; alloc_failure: number };
}

interface Happening {
  readonly kind: EventKind;
  readonly atMs: number;
  readonly named: Named;
  readonly lastMs: number;
}

export function createBlackBox(edge: BlackBoxEdge): BlackBox {
  const { ring, upMs } = edge;
  const isAlive = edge.isAlive ?? runs;
  const oom = edge.oom ?? createOomWatch();
  const failures = createFailureWatch(edge.nowMs());
  const writer = createTickWriter(ring);
  const kept = new Map<number, Kept>();
  /** Of the tick that is running: all its looks have one time. */
  let moment: Moment | null = null;
  let happenings: Happening[] = [];
  /** Ended, and its pid is another's. */
  let replaced: Kept[] = [];
  let dying: ProcessId[] = [];
  /** Of these the rows are on their way. */
  let shipping: ProcessId[] = [];
  let droppedCount = 0;
  let isFullTold = false;

  comeBack();

  function visit(visitor: BlockVisitor): number {
    let damaged = 0;
    for (const segment of ring.segments()) damaged += visitBlocks(segment, visitor);
    return damaged;
  }

  /** Who was kept by an earlier collector and has died meanwhile; who lives is kept on. */
  function comeBack(): void {
    let damaged = 0;
    const earlier = keptEarlier((visitor) => {
      damaged = visit(visitor);
    });
    const strange = ring.strangeCount();
    if (damaged + strange > 0) {
      edge.log("parts of the black box cannot be read", { damaged_blocks: damaged, strange_files: strange });
    }
    for (const { named, lastMs, rssBytes } of earlier) {
      const known = { ...keep(named, null, rssBytes), lastMs, isSeen: false };
      if (isAlive(named)) kept.set(named.pid, known);
      else die(known, "death");
    }
  }

  function keep(who: Named, identity: ProcessIdentity | null, rssBytes: number): Kept {
    const cgroup = readAndParse(`/proc/${who.pid}/cgroup`, parseCgroup);
    const counters = cgroup.ok ? memoryCounters(cgroup.value) : [];
    oom.learn(counters);
    const repeatMs = { burst: Number.NEGATIVE_INFINITY, alloc_failure: Number.NEGATIVE_INFINITY };
    return { named: who, identity, counters, lows: null, rssBytes, lastMs: upMs(), isSeen: true, repeatMs };
  }

  function note(identity: ProcessIdentity, figures: Figures): void {
    let known = kept.get(identity.pid);
    if (known !== undefined && known.named.startTicks !== identity.startTicks) {
      replaced.push(known);
      known = undefined;
    }
    if (known === undefined && kept.size >= PROCESSES_MAX && !kept.has(identity.pid)) {
      tellFull();
      return;
    }
    known ??= keep(namedOf(identity), identity, figures.rss_bytes);
    kept.set(identity.pid, known);
    if (known.identity !== identity) {
      known.identity = identity;
      known.named = namedOf(identity);
    }
    moment ??= { atMs: edge.nowMs(), upMs: upMs() };
    const lookMs = moment.upMs;
    known.isSeen = true;
    known.lastMs = lookMs;
    known.rssBytes = figures.rss_bytes;
    known.lows ??= lowsFrom(lookMs, figures.rss_bytes);
    if (hasBurst(known.lows, lookMs, figures.rss_bytes)) repeat(known, "burst");
    writer.add({ pid: identity.pid, startTicks: identity.startTicks, ...figures }, known.named);
  }

  function tellFull(): void {
    if (!isFullTold) edge.log("the black box keeps no more processes", { processes_max: PROCESSES_MAX });
    isFullTold = true;
  }

  function endTick(): void {
    if (moment !== null) writer.write(moment);
    moment = null;
    const ended = [...kept.values()].filter((known) => !known.isSeen && !isAlive(known.named));
    for (const known of ended) kept.delete(known.named.pid);
    const gone = [...replaced, ...ended];
    replaced = [];
    const verdicts = oom.judge(gone, upMs());
    gone.forEach((known, index) => {
      die(known, verdicts[index] === true ? "oom_kill" : "death");
    });
    for (const known of kept.values()) known.isSeen = false;
  }

  function die(known: Kept, kind: EventKind): void {
    const { named: who, lastMs } = known;
    happenings.push({ kind, atMs: edge.nowMs(), named: who, lastMs });
    dying.push(who);
  }

  function repeat(known: Kept, kind: "burst" | "alloc_failure"): void {
    if (upMs() < known.repeatMs[kind]) return;
    // It does so again and again, and what was shipped need not be shipped twice.
    known.repeatMs[kind] = upMs() + HISTORY_LOOKS * edge.tickMs();
    happenings.push({ kind, atMs: edge.nowMs(), named: known.named, lastMs: known.lastMs });
  }

  function takeRows(): readonly Omit<DetailSample, "sequence">[] {
    const told = happenings;
    happenings = [];
    shipping = dying;
    dying = [];
    oom.keep([...kept.values()].flatMap(({ counters }) => counters));
    if (told.length === 0) return [];
    const wanted = told.map(({ kind, named: { pid, startTicks, service }, lastMs }) => ({
      pid,
      startTicks,
      service,
      lastMs,
      rank: RANKS[kind],
    }));
    const history = historyOf(wanted, { tickMs: edge.tickMs(), rowsMax: DETAIL_ROWS_MAX }, visit);
    droppedCount += history.droppedCount;
    return told.flatMap(({ kind, atMs, named: who }, index) =>
      (history.looks[index] ?? []).map(({ atMs: sampled_at, upMs: _up, startTicks: _ticks, ...figures }) => ({
        sampled_at,
        ...figures,
        process_key: who.process_key,
        service: who.service,
        comm: who.comm,
        event: kind,
        event_at: atMs,
      })),
    );
  }

  return {
    wants: (pid, rssBytes) => rssBytes > 0 && (rssBytes >= edge.rssBytesMin() || kept.has(pid)),
    note,
    endTick,
    noteFailures(count) {
      const known = kept.get(count.identity.pid);
      if (failures.hasRisen(count) && known?.named.startTicks === count.identity.startTicks) repeat(known, "alloc_failure");
    },
    noteDead(dead) {
      const last = failures.lastWord(dead);
      if (last === null) return;
      const { identity, failedAtMs } = last;
      // The file is the program's own word; a time at which it cannot have been is none.
      const isLikely = failedAtMs !== null && failedAtMs >= identity.process_started_at && failedAtMs <= edge.nowMs();
      const atMs = isLikely ? failedAtMs : edge.nowMs();
      happenings.push({ kind: "alloc_failure", atMs, named: namedOf(identity), lastMs: upMs() });
    },
    takeRows,
    shipped() {
      const blocks = Buffer.concat(shippedBlocks(shipping));
      shipping = [];
      if (blocks.length > 0 && !ring.append(blocks)) ring.append(blocks);
      ring.prune();
    },
    takeDroppedCount() {
      const count = droppedCount;
      droppedCount = 0;
      return count;
    },
    close: ring.close,
  };
}

const namedOf = ({ pid, startTicks, process_key, service, comm }: ProcessIdentity): Named => ({
  pid,
  startTicks,
  process_key,
  service,
  comm,
});

/** A zombie has ended, unless it is but the first thread of a process whose others go on. */
function runs({ pid, startTicks }: ProcessId): boolean {
  const stat = readAndParse(`/proc/${pid}/stat`, parseStat);
  if (!stat.ok) return stat.error.kind !== "gone";
  const { state, thread_count } = stat.value;
  return stat.value.startTicks === startTicks && !(/^[ZXx]$/.test(state) && thread_count <= 1);
}
