// Which allocator serves malloc: by what the shim or the walk saw, and by the libraries in the maps where neither could tell.
// That the heap really looks like glibc's is for native/ to confirm; how the figures are had is watch/measure-heap.ts's.
import type { RingAllocator } from "./ring-header.ts";

export type Allocator = "glibc" | "jemalloc" | "tcmalloc" | "mimalloc" | "unknown";

export interface AllocatorHint {
  readonly allocator: Allocator;
  /** Path of the library that serves malloc; null when unknown. */
  readonly libraryPath: string | null;
  /** Whether our shim is mapped, which leaves a ring only where it can measure, and after a second. */
  readonly hasShim: boolean;
}

/** In this order, because a preloaded allocator takes malloc from the libc that is always mapped as well. */
const libraries = [
  ["jemalloc", /\/libjemalloc[^/]*\.so/],
  ["tcmalloc", /\/libtcmalloc[^/]*\.so/],
  ["mimalloc", /\/libmimalloc[^/]*\.so/],
  ["glibc", /\/libc(\.so\.6|-2\.\d+\.so)( \(deleted\))?$/],
] as const;

const shim = /\/libtidemark\.so( \(deleted\))?$/;

export function allocatorOf(executablePaths: readonly string[]): AllocatorHint {
  const hasShim = executablePaths.some((path) => shim.test(path));
  for (const [allocator, pattern] of libraries) {
    const libraryPath = executablePaths.find((path) => pattern.test(path));
    if (libraryPath !== undefined) return { allocator, libraryPath, hasShim };
  }
  return { allocator: "unknown", libraryPath: null, hasShim };
}

/** The shim asked the allocator itself, so its word comes first; `unknown` means that it could not tell. */
export const servedBy = (hint: AllocatorHint, byShim: RingAllocator | null): Allocator =>
  byShim === null || byShim === "unknown" ? hint.allocator : byShim;

/** Heaps that cannot be read from outside: their figures come from the shim or not at all. */
export const needsShim = (allocator: Allocator): boolean =>
  allocator === "jemalloc" || allocator === "tcmalloc" || allocator === "mimalloc";
