// The text that jemalloc's prof.dump writes (heap_v2), and our shim for tcmalloc in the same form, as samples.
// Scaling them up is heap-profile.ts's. Source: src/prof_data.c of jemalloc 5.3 (prof_tctx_dump_iter, prof_gctx_dump).
import { err, ok, type Result } from "../../schema/result.ts";
import type { Samples } from "./heap-profile.ts";

export interface HeapText {
  readonly meanBytes: number;
  readonly samples: readonly Samples[];
}

/** A mean of more than that would see nothing: lg_prof_sample is below 64, and its use below 40. */
const MEAN_BYTES_MAX = 2 ** 40;
/** jemalloc keeps 128 frames at most (PROF_BT_MAX). */
const FRAMES_MAX = 256;

const HEAD = /^heap_v2\/(\d{1,13})$/;
/** What of all threads is live now, and in brackets what ever was; the latter only with prof_accum. */
const TOTAL = /^ {2}t\*: (\d{1,16}): (\d{1,16}) \[/;

export function parseHeapText(text: string): Result<HeapText, string> {
  const lines = text.split("\n");
  const meanBytes = Number(HEAD.exec(lines[0] ?? "")?.[1]);
  if (!(meanBytes >= 1 && meanBytes <= MEAN_BYTES_MAX)) return err(`it begins with ${JSON.stringify(lines[0]?.slice(0, 80))}`);
  const samples: Samples[] = [];
  let frames: readonly number[] | null = null;
  for (const line of lines) {
    if (line.startsWith("MAPPED_LIBRARIES:")) break;
    if (line.startsWith("@")) frames = framesOf(line);
    const [, count, bytes] = TOTAL.exec(line) ?? [];
    // Totals of the whole heap stand before the first stack.
    if (frames === null || count === undefined) continue;
    samples.push({ frames, count: Number(count), bytes: Number(bytes) });
    frames = null;
  }
  return ok({ meanBytes, samples });
}

/** Addresses beyond 2^53 are the kernel's, and no user's code. */
const framesOf = (line: string): readonly number[] =>
  line
    .split(" ")
    .slice(1, FRAMES_MAX + 1)
    .map((word) => (/^0x[0-9a-f]{1,16}$/.test(word) ? Number(word) : 0))
    .filter((address) => address > 0 && Number.isSafeInteger(address));
