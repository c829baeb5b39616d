// Which allocator a process has mapped, judged by the libraries in its maps.
// That the heap really looks like glibc's is for native/ to confirm; a statically linked allocator is not seen here.

export interface AllocatorHint {
  readonly allocator: "glibc" | "jemalloc" | "tcmalloc" | "mimalloc" | "unknown";
  /** Path of the library that serves malloc; null when unknown. */
  readonly libraryPath: string | null;
}

/** In this order, because a preloaded allocator takes malloc from the libc that is always mapped as well. */
const libraries = [
  ["jemalloc", /\/libjemalloc[^/]*\.so/],
  ["tcmalloc", /\/libtcmalloc[^/]*\.so/],
  ["mimalloc", /\/libmimalloc[^/]*\.so/],
  ["glibc", /\/libc(\.so\.6|-2\.\d+\.so)( \(deleted\))?$/],
] as const;

export function allocatorOf(executablePaths: readonly string[]): AllocatorHint {
  for (const [allocator, pattern] of libraries) {
    const libraryPath = executablePaths.find((path) => pattern.test(path));
    if (libraryPath !== undefined) return { allocator, libraryPath };
  }
  return { allocator: "unknown", libraryPath: null };
}
