// /proc/pressure/memory and io: time that tasks lost waiting (PSI). Documentation/accounting/psi.rst, Linux 4.20 and later.
// The averages beside the totals are left out: any average can be had from two totals.
import { ok, type Result } from "../../schema/result.ts";
import { malformed, type ProcError } from "./read.ts";

/** Microseconds since boot. */
export interface Pressure {
  readonly someUs: number;
  /** Null where the kernel does not print it. */
  readonly fullUs: number | null;
}

export function parsePressure(text: string, path: string): Result<Pressure, ProcError> {
  const totals = new Map(Array.from(text.matchAll(/^(some|full) .*\btotal=(\d+)$/gm), ([, kind, us]) => [kind, Number(us)]));
  const someUs = totals.get("some");
  return someUs === undefined ? malformed(path, text) : ok({ someUs, fullUs: totals.get("full") ?? null });
}
