// /proc/pid/environ: the environment a process was started with. man 5 proc_pid_environ.
// It may hold secrets: only the wanted names are looked at, nothing else leaves this file.
import type { Result } from "../../schema/result.ts";
import { ok } from "../../schema/result.ts";
import type { ProcError } from "./read.ts";

/** Values of the variables whose name passes, first one wins as in getenv(3). Bytes are read as UTF-8. */
export function parseEnviron(
  text: string,
  isWanted: (name: string) => boolean,
): Result<ReadonlyMap<string, string>, ProcError> {
  const wanted = new Map<string, string>();
  for (const entry of text.split("\0")) {
    const equals = entry.indexOf("=");
    const name = entry.slice(0, Math.max(equals, 0));
    if (equals <= 0 || wanted.has(name) || !isWanted(name)) continue;
    wanted.set(name, Buffer.from(entry.slice(equals + 1), "latin1").toString("utf8"));
  }
  return ok(wanted);
}
