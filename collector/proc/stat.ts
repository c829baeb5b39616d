// /proc/pid/stat: name and start time, which with the pid tell one program from the next. man 5 proc_pid_stat.
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
}

/** Field 3 (state) is the first after the name; field 22 (starttime) comes 19 later. */
const START_TICKS_AFTER_STATE = 19;

export function parseStat(text: string, path: string): Result<Stat, ProcError> {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const comm = /\((.*)\)/s.exec(text)?.[1];
  const [state, startTicks] = [fields[0], fields[START_TICKS_AFTER_STATE]];
  if (
    comm === undefined ||
    state === undefined ||
    !/^[A-Za-z]$/.test(state) ||
    startTicks === undefined ||
    !/^\d+$/.test(startTicks)
  ) {
    return malformed(path, text);
  }
  return ok({ comm: Buffer.from(comm, "latin1").toString("utf8"), state, startTicks: Number(startTicks) });
}
