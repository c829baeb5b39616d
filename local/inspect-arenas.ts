// The arenas of a glibc heap, one by one, as the walker tells them when it is asked for them.
// Their sums are columns of the row, and come without this; drawing the table is inspect-text.ts's.
import { spawnSync } from "node:child_process";

export interface Arena {
  /** 0 is the main arena. */
  readonly index: number;
  readonly heap_bytes: number | null;
  readonly live_bytes: number | null;
  readonly free_bytes: number | null;
  readonly free_chunk_bytes_max: number | null;
  readonly reclaimable_bytes: number | null;
}

/** A walk is over after 5 s by itself. */
const WALK_MS_MAX = 10_000;
/** A process may have thousands of arenas. */
const OUTPUT_BYTES_MAX = 4 * 1_024 * 1_024;

/** Largest first; null when the walker does not know the option, or the heap cannot be told. */
export function readArenas(walkerPath: string, pid: number): readonly Arena[] | null {
  const { status, stdout } = spawnSync(walkerPath, ["--arenas", String(pid)], {
    encoding: "utf8",
    timeout: WALK_MS_MAX,
    maxBuffer: OUTPUT_BYTES_MAX,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return status === 0 ? parseArenas(stdout) : null;
}

/** Lines of key=value words with an `arena_index` word; the last line, the total, has none. Null when there is no arena. */
export function parseArenas(text: string): readonly Arena[] | null {
  const arenas = text.split("\n").flatMap((line) => {
    const words = new Map(
      line
        .trim()
        .split(" ")
        .map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)]),
    );
    const number = (key: string) => (/^\d{1,15}$/.test(words.get(key) ?? "") ? Number(words.get(key)) : null);
    const index = number("arena_index");
    if (index === null) return [];
    return [
      {
        index,
        heap_bytes: number("heap_bytes"),
        live_bytes: number("live_bytes"),
        free_bytes: number("free_bytes"),
        free_chunk_bytes_max: number("free_chunk_bytes_max"),
        reclaimable_bytes: number("reclaimable_bytes"),
      },
    ];
  });
  return arenas.length === 0 ? null : arenas.sort((one, other) => (other.heap_bytes ?? 0) - (one.heap_bytes ?? 0));
}
