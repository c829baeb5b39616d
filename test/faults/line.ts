// The whole line under faults: a watched machine, the loopback AWS, two converters on one queue, and what its rows have become.
// Faults, and how often they strike, are the tests'.
import { setTimeout as sleep } from "node:timers/promises";
import { type Deployment, deploy, names } from "../aws/deployment.ts";
import { startEventSource } from "../aws/event-source.ts";
import { statusBytes } from "../bench/collector/tree.ts";
import { until } from "../support/service.ts";
import { judgeScene, type Originals, watchOriginals } from "./evidence.ts";
import { type Host, startHost } from "./host.ts";
import type { RowVerdict } from "./invariants.ts";
import { type RowId, rowId } from "./rows.ts";
import { type Standing, standingLambda } from "./standing.ts";

export interface Line extends AsyncDisposable {
  readonly deployment: Deployment;
  readonly host: Host;
  readonly originals: Originals;
  readonly converters: readonly Standing[];
  /** Resolves when a row that was made after the call has reached the raw bucket. */
  recovered(): Promise<void>;
  /** Resolves when the queue is empty for a moment. */
  converted(): Promise<void>;
  /** Everything that was promised before the call is in the lake or in rejects; then the verdict. Also which process is not well. */
  settle(): Promise<Settled>;
  /** Rows that somebody else than the collector has put into the raw bucket: they are promised as well. */
  promise(rows: Iterable<RowId>): void;
}

export interface Settled extends RowVerdict {
  /** Of the checked rows, those that were not there at the last settling. */
  readonly fresh: number;
  /** Messages that had become dead letters, and were sent back as the runbook tells an operator to. */
  readonly sentBack: number;
  readonly unwell: readonly string[];
}

/** An object of half a gigabyte takes its time, on a machine with others all the more. */
const SETTLE_MS_MAX = 240_000;
/** The queue hides a failed message for minutes; five failures make it a dead letter. */
const RETRY_SECONDS = 1;
/** MemoryMax of the unit is 256 MiB, and the converter's function has 512 MiB. */
const COLLECTOR_RSS_BYTES_MAX = 256 * 1_024 * 1_024;
export const CONVERTER_RSS_BYTES_MAX = 512 * 1_024 * 1_024;

export async function startLine(firstBoot: string): Promise<Line> {
  const deployment = await deploy({ bufferMs: 200 });
  const { aws } = deployment;
  const originals = watchOriginals(aws.s3, names.raw);
  const converters = await Promise.all([standingLambda(deployment, "convert"), standingLambda(deployment, "convert")]);
  const sources = converters.map((converter) => startEventSource(aws, names.queue, converter, RETRY_SECONDS));
  const host = await startHost({ ...aws.environment, TIDEMARK_FIREHOSE_STREAM: names.stream }, firstBoot);
  const others = new Set<RowId>();
  let checkedBefore = 0;

  /** A collector numbers its rows without a gap: between the first and the last that are known all were made. */
  function promised(): ReadonlySet<RowId> {
    host.promises.look();
    const all = new Set([...host.promises.rows, ...others]);
    const starts = host.startedAtUs();
    for (const [boot, sequences] of byBoot([...host.promises.rows, ...originals.arrived].filter((id) => !others.has(id)))) {
      const bounds = starts.filter((start) => start.boot === boot).map(({ us }) => us);
      for (const [index, from] of bounds.entries()) {
        const own = sequences.sequences.filter((sequence) => sequence >= from && sequence < (bounds[index + 1] ?? Infinity));
        if (own.length === 0) continue;
        const last = own.reduce((most, sequence) => Math.max(most, sequence));
        const first = own.reduce((least, sequence) => Math.min(least, sequence));
        for (let sequence = first; sequence <= last; sequence++) all.add(rowId(sequences.host, boot, sequence));
      }
    }
    return all;
  }

  async function settle(): Promise<Settled> {
    const rows = promised();
    let sentBack = 0;
    const isLate = (): boolean => {
      sentBack += aws.sqs.redrive(names.deadLetters);
      for (const id of rows) if (!originals.arrived.has(id)) return true;
      return aws.sqs.bodies(names.queue).length > 0;
    };
    const deadline = performance.now() + SETTLE_MS_MAX;
    while (isLate() && performance.now() < deadline) await sleep(50);
    const verdict = await judgeScene({ s3: aws.s3, lakeBucket: names.lake, originals }, rows);
    const fresh = verdict.checked - checkedBefore;
    checkedBefore = verdict.checked;
    return { ...verdict, fresh, sentBack, unwell: await unwell() };
  }

  async function unwell(): Promise<readonly string[]> {
    const problems: string[] = [];
    const { pid } = await host.collector();
    const rss = statusBytes(pid, "VmHWM");
    if (rss > COLLECTOR_RSS_BYTES_MAX) problems.push(`the collector has had ${rss} bytes resident`);
    for (const converter of converters) {
      const most = converter.rssBytesMax();
      if (most > CONVERTER_RSS_BYTES_MAX) problems.push(`a converter has had ${most} bytes resident`);
    }
    const dead = aws.sqs.bodies(names.deadLetters).length;
    if (dead > 0) problems.push(`${dead} messages are dead letters`);
    const waiting = aws.sqs.bodies(names.queue).length;
    if (waiting > 20) problems.push(`${waiting} messages wait in the queue`);
    const first = host.world.zombies();
    // Who has just ended is asked for within a moment.
    if (first.length > 0) await sleep(1_000);
    const zombies = host.world.zombies().filter((zombie) => first.includes(zombie));
    if (zombies.length > 0) problems.push(`zombies: ${zombies.join(", ")}`);
    return problems;
  }

  return {
    deployment,
    host,
    originals,
    converters,
    async recovered() {
      host.promises.look();
      const known = Math.max(host.promises.newest(), originals.newest());
      await until("a new row in the raw bucket", () => (originals.newest() > known ? true : null), host.log);
    },
    async converted() {
      await until("an empty queue", () => (aws.sqs.bodies(names.queue).length === 0 ? true : null));
    },
    settle,
    promise(rows) {
      for (const row of rows) others.add(row);
    },
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]();
      await Promise.all(sources.map((source) => source.stop()));
      await deployment[Symbol.asyncDispose]();
    },
  };
}

function byBoot(rows: readonly RowId[]): ReadonlyMap<string, { readonly host: string; readonly sequences: number[] }> {
  const boots = new Map<string, { host: string; sequences: number[] }>();
  for (const id of rows) {
    const [host = "", boot = "", sequence = ""] = id.split(" ");
    const known = boots.get(boot) ?? { host, sequences: [] };
    known.sequences.push(Number(sequence));
    boots.set(boot, known);
  }
  return boots;
}
