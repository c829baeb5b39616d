// What it takes for a process to have a heap profile, by its allocator: the exact environment, and what cannot be had at all.
// Which allocator a process has is the collector's to say. Sources: man 3 jemalloc; gperftools docs/tcmalloc.html.
import type { ShimRefusal } from "./shim.ts";

export interface EnableContext {
  readonly allocator: string | null;
  /** A managed runtime keeps its objects in a heap of its own. */
  readonly runtime: string | null;
  readonly shimPath: string;
  readonly wrapperPath: string;
  /** What the shim has said, where it was asked. */
  readonly reason: Extract<ShimRefusal, { kind: "off" }>["reason"] | null;
}

/** Whole sentences for whoever starts the program; the lines with `=` are to be pasted. */
export function howToEnable(context: EnableContext): string {
  const lines = [...allocatorLines(context), ...runtimeLines(context.runtime)];
  return lines.join("\n");
}

function allocatorLines({ allocator, shimPath, wrapperPath, reason }: EnableContext): readonly string[] {
  switch (allocator) {
    case "jemalloc":
      if (reason === "unsupported")
        return [
          "This jemalloc was built without profiling (--enable-prof; mallctl config.prof says so), or its kernel is older than Linux 5.9.",
          "Debian's libjemalloc2 5.3.0 is built with it: preload that one instead of the program's own, where it is not linked in.",
        ];
      return [
        "Start it with the shim, its consent, and jemalloc's own sampling (a sample each 2^19 bytes):",
        `  LD_PRELOAD=${shimPath} TIDEMARK_PROFILE=1 MALLOC_CONF=prof:true,lg_prof_sample:19`,
        "A jemalloc with a prefix reads a variable of its own: _RJEM_MALLOC_CONF (Rust), JE_MALLOC_CONF (built with --with-jemalloc-prefix=je_).",
      ];
    case "tcmalloc":
      if (reason === "unsupported")
        return [
          "This tcmalloc offers no samples by C: google/tcmalloc gives them to the program alone (MallocExtension::SnapshotCurrent),",
          "and libtcmalloc_minimal has none. gperftools' full library does: libtcmalloc.so.4 (Debian: libgoogle-perftools4).",
        ];
      return [
        "Start it with the shim, its consent, and gperftools' own sampling (full libtcmalloc.so.4; libtcmalloc_minimal has none):",
        `  LD_PRELOAD=${shimPath} TIDEMARK_PROFILE=1 TCMALLOC_SAMPLE_PARAMETER=524288`,
      ];
    case "mimalloc":
      return [
        "mimalloc keeps no samples. Start one process without it, on glibc's malloc, with the wrapper:",
        `  LD_PRELOAD=${wrapperPath}`,
      ];
    default:
      return [
        "Start it with the wrapper, which samples one in 512 KiB of what glibc's malloc gives:",
        `  LD_PRELOAD=${wrapperPath}`,
      ];
  }
}

const runtimeTools: Readonly<Record<string, string>> = {
  jvm: "Java objects are in a heap of the JVM's own: jcmd <pid> GC.class_histogram, or GC.heap_dump.",
  go: "Go's heap is its own: net/http/pprof, /debug/pprof/heap.",
  node: "JavaScript objects are in V8's heap: node --heapsnapshot-signal=SIGUSR2, or --heap-prof.",
  python:
    "Python's small objects come from arenas of its own (mmap): PYTHONMALLOC=malloc shows them too, tracemalloc their lines.",
};

export function runtimeLines(runtime: string | null): readonly string[] {
  const line = runtime === null ? undefined : runtimeTools[runtime];
  return line === undefined ? [] : [line];
}
