// The kernel settings of a host that bear on memory: sysctls and transparent huge pages. Documentation/admin-guide/sysctl/vm.rst.
// Reading is the caller's; what a setting means for a finding is not decided here.
import type { HostSample } from "../../schema/columns.ts";
import { ok, type Result } from "../../schema/result.ts";
import { parseByteCount } from "../proc/cgroup-memory.ts";
import { malformed, type ProcError } from "../proc/read.ts";

type Parser<T> = (text: string, path: string) => Result<T, ProcError>;
/** The value of a file, null where it is not there or says something else. */
export type Read = <T>(path: string, parse: Parser<T>) => T | null;

const KIB = 1_024;

export function hostSettings(read: Read): Partial<HostSample> {
  const sysctl = (name: string) => read(`/proc/sys/vm/${name}`, parseByteCount);
  const minFreeKib = sysctl("min_free_kbytes");
  return {
    overcommit_mode: sysctl("overcommit_memory"),
    swappiness: sysctl("swappiness"),
    min_free_bytes: minFreeKib === null ? null : minFreeKib * KIB,
    compaction_proactiveness: sysctl("compaction_proactiveness"),
    vma_count_limit: sysctl("max_map_count"),
    thp_enabled: read("/sys/kernel/mm/transparent_hugepage/enabled", parseChosen),
    thp_defrag: read("/sys/kernel/mm/transparent_hugepage/defrag", parseChosen),
  };
}

/** `always [madvise] never`: the word in brackets. Source: Documentation/admin-guide/mm/transhuge.rst. */
export function parseChosen(text: string, path: string): Result<string, ProcError> {
  const chosen = /\[([\w+]+)\]/.exec(text)?.[1];
  return chosen === undefined ? malformed(path, text) : ok(chosen);
}
