// The screen of tidemark inspect, for somebody who is tired: who it is, the verdict, where the memory is, what pins it, what is
// not known and why. Pure. The verdict is inspect-verdict.ts's, the parts of the memory inspect-memory.ts's.
import type { Measured } from "../collector/watch/watched.ts";
import { largestPins } from "../functions/core/pins.ts";
import {
  formatBytes,
  formatCount,
  formatCountOf,
  formatDuration,
  formatShare,
  formatSizeBin,
} from "../functions/core/units.ts";
import type { Arena } from "./inspect-arenas.ts";
import { barOf, legendOf, partsOf, reclaimableIsLeast } from "./inspect-memory.ts";
import { verdictOf } from "./inspect-verdict.ts";

/** Fits a terminal of 100 columns, and a ticket. */
const WIDTH = 96;
const LABEL_WIDTH = 12;
const PINS_MAX = 4;
/** Less than this is pinned in every program. */
const PINNED_BYTES_MIN = 1_024 * 1_024;
const ARENAS_MAX = 4;
const PIN_BAR_WIDTH = 24;
/** Settings may be long; `--json` has all of them. */
const SETTINGS_LINES_MAX = 4;
/** From here on the count of mappings is a warning: at its limit mmap and malloc fail. */
const VMA_SHARE_MAX = 0.8;

export interface Surroundings {
  /** Null when the walker does not tell them. */
  readonly arenas: readonly Arena[] | null;
  readonly shimPath: string;
  /** Of the shim's figures; null where there are none. */
  readonly heapAgeMs: number | null;
  /** Emphasis where a person looks on a terminal that takes it; the text as it is elsewhere. */
  bold(text: string): string;
}

export function inspectText(row: Measured, around: Surroundings): string {
  const [verdict = "", ...more] = verdictOf(row, around.shimPath);
  const blocks: readonly (readonly string[])[] = [
    head(row, around),
    [...wrap(verdict).map((line) => around.bold(line)), ...more.flatMap((text) => wrap(text))],
    memory(row),
    pins(row),
    arenaTable(row, around.arenas),
    [...allocatorLines(row), ...limits(row), ...settings(row), ...cost(row)],
    unknowns(row),
  ];
  return blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join("\n"))
    .join("\n\n");
}

function head(row: Measured, around: Surroundings): readonly string[] {
  const version = row.service_version == null ? "" : ` ${plain(row.service_version)}`;
  const isNamedSo = row.service === row.comm && version === "";
  // The name that ps shows comes first: the service may be named after the file behind a link, as redis-server's on Debian.
  const who = `pid ${row.pid}, ${plain(row.comm ?? "?")}${isNamedSo ? "" : `, service ${plain(row.service)}${version}`}`;
  const container = row.container_id == null ? "" : `, container ${plain(row.container_id).slice(0, 12)}`;
  const limit = row.cgroup_limit_bytes;
  const ofLimit = limit == null ? "" : `, cgroup ${formatBytes(row.cgroup_current_bytes)} of ${formatBytes(limit)}`;
  const swap = (row.swap_bytes ?? 0) > 0 ? `, swap ${formatBytes(row.swap_bytes)}` : "";
  return [
    ...wrap(`${who}${container}`),
    ...wrap(`${plain(row.allocator ?? "unknown")} ${shortVersion(row.allocator_version)}`.trim() + knownBy(row, around)),
    ...wrap(
      `RSS ${formatBytes(row.rss_bytes)}, PSS ${formatBytes(row.pss_bytes)}${swap}${ofLimit}, ${formatCountOf(row.thread_count, "thread", "threads")}`,
    ),
  ];
}

/** jemalloc says `5.3.0-0-g` and forty digits of a commit. */
const shortVersion = (version: string | null | undefined): string => plain(version ?? "").replace(/-\d+-g[0-9a-f]{20,}$/, "");

/** How the allocator is known, in the words of a person. */
function knownBy({ allocator, heap_source, live_bytes }: Measured, { heapAgeMs }: Surroundings): string {
  if (allocator == null || allocator === "unknown") return " allocator";
  if (live_bytes != null && heap_source === "walk") return ", by its chunks, read from outside";
  if (heap_source === "shim" && heapAgeMs !== null) return `, by its own statistics (shim), ${formatDuration(heapAgeMs)} old`;
  return ", by the name of a mapped library only";
}

function memory(row: Measured): readonly string[] {
  const parts = partsOf(row);
  if (parts.length === 0) return [];
  return [`[${barOf(parts, WIDTH - 2)}]`, ...legendOf(parts).map((line) => `  ${line}`)];
}

function pins(row: Measured): readonly string[] {
  const largest = largestPins(row.pinned_bytes_by_size ?? [], PINS_MAX);
  const most = largest[0]?.pinned_bytes ?? 0;
  const all = (row.pinned_bytes_by_size ?? []).reduce((sum, bytes) => sum + bytes, 0);
  if (all < PINNED_BYTES_MIN) return [];
  const holds = row.heap_source === "shim" ? "free slots beside them" : "free memory around them";
  return [
    `What pins it: live objects of ${largest.map((pin) => formatSizeBin(pin.chunk_bytes_min)).join(", ")}.`,
    ...largest.map(({ chunk_bytes_min, pinned_bytes }) => {
      const bar = "x".repeat(Math.max(1, Math.round((pinned_bytes / most) * PIN_BAR_WIDTH)));
      return `  ${formatSizeBin(chunk_bytes_min).padStart(14)} hold ${formatBytes(pinned_bytes).padStart(9)} of ${holds}  ${bar}`;
    }),
  ];
}

function arenaTable(row: Measured, arenas: readonly Arena[] | null): readonly string[] {
  if ((row.arena_count ?? 0) <= 1 || row.heap_source !== "walk") return [];
  const summary = `Arenas: ${formatCount(row.arena_count)}, ${formatCount(row.arena_count_over_1mib)} of them over 1 MiB; ${formatBytes(row.non_main_free_bytes)} of the free memory lies in those of threads.`;
  if (arenas === null) return wrap(summary);
  const returns = reclaimableIsLeast(row) ? "a trim, at least" : "a trim returns";
  const columns = ["arena", "held", "live", "free", "largest free", returns];
  const rows = arenas
    .slice(0, ARENAS_MAX)
    .map((arena) => [
      arena.index === 0 ? "main" : String(arena.index),
      ...[arena.heap_bytes, arena.live_bytes, arena.free_bytes, arena.free_chunk_bytes_max, arena.reclaimable_bytes].map(
        formatBytes,
      ),
    ]);
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, at) => (at === 0 ? cell.padEnd(8) : cell.padStart(16))).join("")}`;
  const more =
    arenas.length > ARENAS_MAX ? [`  and ${formatCountOf(arenas.length - ARENAS_MAX, "smaller one", "smaller ones")}`] : [];
  return [...wrap(summary), line(columns), ...rows.map(line), ...more];
}

function allocatorLines(row: Measured): readonly string[] {
  if (row.heap_source === "walk" && row.live_bytes != null) {
    const free = `${formatBytes(row.free_bytes)} in ${formatCount(row.free_chunk_count)} chunks, the largest ${formatBytes(row.free_chunk_bytes_max)}; tops ${formatBytes(row.top_bytes)}`;
    const mmapped = `, ${formatBytes(row.mmapped_bytes)} of it in ${formatCount(row.mmapped_count)} chunks with a mapping of their own`;
    const parked =
      row.tcache_bytes == null && row.fastbin_bytes == null
        ? []
        : labelled(
            "parked",
            `${formatBytes(row.tcache_bytes)} in ${formatCount(row.tcache_chunk_count)} chunks of tcaches, ${formatBytes(row.fastbin_bytes)} in ${formatCount(row.fastbin_chunk_count)} of fastbins`,
          );
    const live = `${formatBytes(row.live_bytes)}${(row.mmapped_count ?? 0) > 0 ? mmapped : ""}`;
    return [...labelled("live", live), ...labelled("free", free), ...parked];
  }
  if (row.heap_source !== "shim" || row.heap_bytes == null) return [];
  const figures: readonly (readonly [string, number | null | undefined])[] = [
    ["held", row.heap_bytes],
    ["live", row.live_bytes],
    ["active pages", row.active_bytes],
    ["bin waste", row.bin_waste_bytes],
    ["caches", row.cache_bytes],
    ["dirty", row.dirty_bytes],
    ["muzzy", row.muzzy_bytes],
    ["retained (address space only)", row.retained_bytes],
    ["bookkeeping", row.metadata_bytes],
    ["largest free extent", row.free_chunk_bytes_max],
  ];
  const known = figures.flatMap(([name, bytes]) => (bytes == null ? [] : [`${name} ${formatBytes(bytes)}`]));
  const arenas = row.arena_count == null ? [] : [`${formatCount(row.arena_count)} arenas`];
  return labelledLines(plain(row.allocator ?? "heap"), wrapItems([...known, ...arenas], WIDTH - LABEL_WIDTH));
}

function limits(row: Measured): readonly string[] {
  const { vma_count, vma_count_limit, alloc_failure_count } = row;
  const share = vma_count == null || !vma_count_limit ? null : vma_count / vma_count_limit;
  const warning = share !== null && share >= VMA_SHARE_MAX ? " WARNING: at the limit mmap and malloc fail" : "";
  const mappings = `${formatCount(vma_count)} of ${formatCount(vma_count_limit)}${share === null ? "" : ` (${formatShare(share)})`}${warning}`;
  const failures =
    alloc_failure_count == null
      ? []
      : labelled("failures", `${formatCountOf(alloc_failure_count, "allocation", "allocations")} failed since it started`);
  return [...labelled("mappings", mappings), ...failures];
}

function settings(row: Measured): readonly string[] {
  const lines = labelled("settings", row.tunables == null ? "none in the environment" : plain(row.tunables));
  return lines.length <= SETTINGS_LINES_MAX
    ? lines
    : [...lines.slice(0, SETTINGS_LINES_MAX), `${" ".repeat(LABEL_WIDTH)}... (--json has all)`];
}

function cost(row: Measured): readonly string[] {
  if (row.walk_cpu_us != null)
    return labelled("cost", `${formatDuration(row.walk_cpu_us / 1_000)} of CPU to walk the heap, none of it in the process`);
  if (row.probe_cpu_us != null)
    return labelled("cost", `${formatDuration(row.probe_cpu_us / 1_000)} of CPU in the process, by the shim`);
  return [];
}

/** What a reader could take for nothing, although it is only not measured. */
function unknowns(row: Measured): readonly string[] {
  const items = [
    ...(row.pss_bytes == null
      ? ["PSS: closed to this user (try sudo), or reading it would stall the process for too long (TIDEMARK_STALL_MS_MAX)"]
      : []),
    ...(row.alloc_failure_count == null
      ? ["failures: libtidemark-failures.so not loaded, or counted in the process that forked this one"]
      : []),
    ...(row.heap_source === "walk" && row.live_bytes != null && row.tcache_bytes == null
      ? ["chunks parked in tcaches: this glibc keeps them where Tidemark cannot look, so they count as live"]
      : []),
    ...(row.cgroup_limit_bytes == null && row.cgroup_current_bytes == null
      ? ["memory of the cgroup: in the root cgroup, or no cgroup v2: the host's memory is its limit"]
      : []),
  ];
  return items.length === 0 ? [] : ["Not known", ...items.flatMap((item) => wrap(item, WIDTH - 2).map((line) => `  ${line}`))];
}

const labelled = (label: string, text: string): string[] => labelledLines(label, wrap(text, WIDTH - LABEL_WIDTH));

function labelledLines(label: string, lines: readonly string[]): string[] {
  return lines.map((line, at) => `${(at === 0 ? label : "").padEnd(LABEL_WIDTH)}${line}`);
}

/** As many items a line as fit, separated by commas; a figure is not torn from its unit. */
function wrapItems(items: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const item of items) {
    const longer = `${lines.at(-1) ?? ""}, ${item}`;
    if (lines.length > 0 && longer.length < width) lines[lines.length - 1] = longer;
    else lines.push(item);
  }
  return lines.map((line, at) => (at < lines.length - 1 ? `${line},` : line));
}

/** Lines of at most `width` characters, broken at spaces where there are any; what stands indented is to be pasted and stays whole. */
export function wrap(text: string, width = WIDTH): string[] {
  if (text.startsWith("  ")) return [text];
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const space = rest.lastIndexOf(" ", width);
    const end = space > 0 ? space : width;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return [...lines, rest];
}

/** Names are strangers' words: control characters must not drive the terminal. */
export const plain = (text: string): string => text.replace(/\p{C}/gu, "\u{fffd}");
