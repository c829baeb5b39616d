// What a file of failures says: how many allocations have failed in the process that made it and in all that were forked from it.
// Layout: struct tidemark_failures of native/abi/tidemark_abi.h. Reading the file is ring-file.ts's, whose row it is watch/families.ts's.
import { err, ok, type Result } from "../../schema/result.ts";
import { FAILURES_KIND, type Header, headerOf } from "./ring-header.ts";
import { wordsOf } from "./words.ts";

export const FAILURES_BYTES = 4_096;
const FAILURES_OFFSET = 2_048;
const SIZE_BIN_COUNT = 32;

export interface Failures {
  readonly header: Header;
  readonly failure_count: number;
  /** Of the last one; null when there was none. */
  readonly failedAtMs: number | null;
  readonly failedBytes: number | null;
  /** By size, bins as in free_bytes_by_size; the first holds smaller requests too. */
  readonly countBySize: readonly number[] | null;
}

/** Counters are single words that only grow, so one reading is enough, whoever of the family is adding to them meanwhile. */
export function parseFailures(bytes: Buffer): Result<Failures, string> {
  if (bytes.length !== FAILURES_BYTES) return err(`file of failures of ${bytes.length} bytes, not ${FAILURES_BYTES}`);
  const header = headerOf(bytes, { kind: FAILURES_KIND, file_bytes: FAILURES_BYTES });
  if (!header.ok) return header;
  const words = wordsOf(bytes, FAILURES_OFFSET);
  const failure_count = words.count(0);
  if (failure_count === null) return err("its count of failures is none");
  const failed = failure_count > 0;
  return ok({
    header: header.value,
    failure_count,
    failedAtMs: failed ? words.time(8) : null,
    failedBytes: failed ? words.count(16) : null,
    countBySize: words.histogram(32, SIZE_BIN_COUNT),
  });
}
