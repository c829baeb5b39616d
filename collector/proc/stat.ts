// /proc/pid/stat: name and start time, which with the pid tell one program from the next, and two cheap figures. man 5 proc_pid_stat.
// The name may hold spaces and brackets, so everything is counted from the first and the last bracket.
import { ok, type Result } from "../../schema/result.ts";
import { malformed, type ProcError } from "./read.ts";

export interface Stat {
  /** At most 15 bytes; changes when the process executes another program or renames itself. */
  readonly comm: string;
  /** One letter, for example `Z` for a zombie. */
  readonly state: string;
  /** Clock ticks since boot. */
  readonly startTicks: number;
  /** Page faults that waited for io, of all its threads, since it started. */
  readonly major_fault_count: number;
  readonly thread_count: number;
}

/** After the name: fields 3 (state), 12 (majflt), 20 (num_threads) and 22 (starttime). */
const FIELDS = /^([A-Za-z])(?: -?\d+){8} (\d+)(?: -?\d+){7} (\d+) -?\d+ (\d+)(?: |$)/;

export function parseStat(text: string, path: string): Result<Stat, ProcError> {
  const [opening, closing] = [text.indexOf("("), text.lastIndexOf(")")];
  const fields = FIELDS.exec(text.slice(closing + 2));
  if (opening < 0 || closing < opening || fields === null) return malformed(path, text);
  return ok({
    comm: Buffer.from(text.slice(opening + 1, closing), "latin1").toString("utf8"),
    state: fields[1] ?? "",
    startTicks: Number(fields[4]),
    major_fault_count: Number(fields[2]),
    thread_count: Number(fields[3]),
  });
}
