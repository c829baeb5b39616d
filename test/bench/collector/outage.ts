// An hour without the endpoint at 200 processes, by a clock of its own: what stays in memory, what lies on the disk, and how the
// rows come back. Real outbox, spool and SDK client against a loopback Firehose.
import { statSync } from "node:fs";
import type { Delivery } from "../../../collector/ship/outbox.ts";
import { plausibleProcess, plausibleRow } from "../../../local/cost-measure.ts";
import { seededRandom } from "../../../local/seeded-random.ts";
import { throttled } from "../../aws/faults.ts";
import { fullestQuarter, heapBytes, minutes, sequencesOf, startHost, streamed } from "../../support/shipping-host.ts";
import { filesOf, MIB, newFolder, spoolIn } from "../../support/spool.ts";
import { alone, type BenchRow, beside } from "../row.ts";

const PROCESSES = 200;
const SPOOL_BYTES_MAX = 256 * MIB;
const SEED = 6;
const DRAIN_MINUTES_MAX = 600;

export async function benchOutage(): Promise<BenchRow[]> {
  await using use = await streamed();
  const clock = { ms: 0 };
  const sent: { ms: number; bytes: number }[] = [];
  const delivery: Delivery = {
    async deliver(records) {
      const left = await use.delivery.deliver(records);
      const bytes = records.reduce((sum, record, index) => sum + (left?.indices.includes(index) ? 0 : record.length), 0);
      sent.push({ ms: clock.ms, bytes });
      return left;
    },
  };
  const folder = newFolder();
  const spool = spoolIn(folder, SPOOL_BYTES_MAX);
  const random = seededRandom(SEED);
  const processes = Array.from({ length: PROCESSES }, (_, index) => plausibleProcess(index, random));
  const figuresOf = (index: number, minute: number) => {
    const process = processes[index];
    return process === undefined ? {} : plausibleRow(process, index, minute, random);
  };
  const host = startHost({ delivery, clock, processes: PROCESSES, figuresOf, openSpool: () => spool });
  await minutes(host, 30);
  const usual = fullestQuarter(sent);
  use.aws.faults.inject({ service: "firehose", operation: "PutRecordBatch", ...throttled });
  await minutes(host, 5);
  const heapBefore = heapBytes();
  await minutes(host, 55);
  const grown = heapBytes() - heapBefore;
  const spooled = filesOf(folder).reduce((sum, path) => sum + statSync(path).size, 0);
  use.aws.faults.clear();
  const recoveredMs = clock.ms;
  let drained = 0;
  const made = [...host.made];
  const lost = () => {
    const found = new Set(sequencesOf(use.arrived()));
    return made.filter((sequence) => !found.has(sequence)).length;
  };
  while (lost() > 0 && drained < DRAIN_MINUTES_MAX) {
    await minutes(host, 10);
    drained += 10;
  }
  const fullest = fullestQuarter(sent.filter(({ ms }) => ms > recoveredMs));
  return [
    alone("an hour's outage at 200 processes: rows lost", "rows", lost(), 0),
    alone("an hour's outage: memory grown meanwhile, garbage collected", "MiB", grown / MIB, 2),
    alone("an hour's outage: spool on the disk", "MiB", spooled / MIB, SPOOL_BYTES_MAX / MIB),
    beside("an hour's outage: fullest quarter of an hour afterwards", "KiB", fullest / 1_024, {
      peer: "usual quarter of an hour",
      value: usual / 1_024,
      target: 0.5,
    }),
    alone("an hour's outage: until all is delivered", "min", drained),
  ];
}
