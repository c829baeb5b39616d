// The knobs of managed runtimes: JVM, Node's V8, CPython and Go. Ruby has none that return memory: its advice is the allocator's.
import { always, type Knob, since } from "./knob.ts";
import type { VersionRange } from "./versions.ts";

const flag = (
  name: string,
  versions: readonly VersionRange[],
  rest: Pick<Knob, "defaultValue" | "mechanics" | "sideEffects">,
): Knob => ({
  id: `jvm.${name}`,
  owner: "jvm",
  via: { kind: "jvm_flag", flag: `-XX:${name}=` },
  versions,
  source: "java -XX:+PrintFlagsFinal of 17 and 25; JDK release notes",
  ...rest,
});

export const jvmKnobs: readonly Knob[] = [
  {
    ...flag("G1PeriodicGCInterval", since("12"), {
      defaultValue: "0 (off)",
      mechanics:
        "With G1 a collection is started when there was none for so many milliseconds; only after one the heap can shrink.",
      sideEffects: "A concurrent cycle each time: some CPU when idle, pauses of a few ms.",
    }),
    source: "JEP 346; java -XX:+PrintFlagsFinal",
  },
  flag("MinHeapFreeRatio", always, {
    defaultValue: "40",
    mechanics: "The heap is grown when less than this part is free after a collection.",
    sideEffects: null,
  }),
  flag("MaxHeapFreeRatio", always, {
    defaultValue: "70",
    mechanics: "The heap is shrunk when more than this part is free after a full or concurrent collection.",
    sideEffects: "The heap has to grow again at the next peak. Below MinHeapFreeRatio java does not start: set both.",
  }),
  flag("SoftMaxHeapSize", since("13"), {
    defaultValue: "the maximum",
    mechanics: "A goal below -Xmx that ZGC tries to stay under; it may pass it rather than fail.",
    sideEffects: "More collections near the goal. G1 takes no notice of it.",
  }),
  {
    id: "jvm.UseZGC",
    owner: "jvm",
    via: { kind: "jvm_flag", flag: "-XX:+UseZGC" },
    versions: since("15"),
    defaultValue: "off",
    mechanics: "ZGC collects by itself and gives unused heap back (ZUncommit).",
    sideEffects: "More CPU for barriers; RSS may look higher at the peak.",
    source: "JEP 377",
  },
  {
    id: "jvm.ZUncommit",
    owner: "jvm",
    via: { kind: "jvm_flag", flag: "-XX:+ZUncommit" },
    versions: since("13"),
    defaultValue: "on",
    mechanics: "ZGC gives heap back that was unused for ZUncommitDelay seconds.",
    sideEffects: "Off by itself where -Xms equals -Xmx.",
    source: "JEP 351",
  },
  flag("ZUncommitDelay", since("13"), {
    defaultValue: "300 s",
    mechanics: "How long memory must be unused before ZGC gives it back.",
    sideEffects: null,
  }),
  {
    ...flag(
      "TrimNativeHeapInterval",
      [
        { from: "17.0.11", until: "18" },
        { from: "21.0.3", until: "22" },
        { from: "22.0.1", until: null },
      ],
      {
        defaultValue: "0 (off)",
        mechanics:
          "The JVM calls malloc_trim(0) every so many milliseconds for its own native memory: direct buffers, JNI, metadata.",
        sideEffects: "glibc only. It pauses itself around safepoints; each trim holds arena locks.",
      },
    ),
    // Older updates of 17, 21 and 22 have it behind an unlocking flag, and stop without.
    source: "JDK-8293114, JDK-8325496; java -XX:+PrintFlagsFinal",
  },
  {
    id: "jvm.Xmx",
    owner: "jvm",
    via: { kind: "jvm_flag", flag: "-Xmx" },
    versions: always,
    defaultValue: "a quarter of the memory of host or container",
    mechanics: "The heap never grows beyond it; metaspace, code, stacks and direct buffers come on top.",
    sideEffects: "OutOfMemoryError when the program needs more.",
    source: "man java",
  },
  flag("MaxRAMPercentage", [{ from: "8.0.191", until: null }], {
    defaultValue: "25",
    mechanics: "-Xmx as a part of the memory of host or container.",
    sideEffects: null,
  }),
];

export const otherRuntimeKnobs: readonly Knob[] = [
  {
    id: "node.max-old-space-size",
    owner: "node",
    via: { kind: "node_option", option: "--max-old-space-size=" },
    versions: since("8"),
    defaultValue: "by memory of the host, 2 to 4 GiB",
    mechanics: "V8 collects harder as its old space nears so many MiB, and ends the process beyond it.",
    sideEffects: "Too low: the process ends with an out-of-memory error. It does not count buffers.",
    source: "node --v8-options",
  },
  {
    id: "node.max-semi-space-size",
    owner: "node",
    via: { kind: "node_option", option: "--max-semi-space-size=" },
    versions: since("12"),
    defaultValue: "16 MiB on 64 bit",
    mechanics: "Size of the young generation's halves: larger means fewer collections and more memory.",
    sideEffects: "Before 20 it is not allowed in NODE_OPTIONS: give it to node itself.",
    source: "node --v8-options",
  },
  {
    id: "python.PYTHONMALLOC",
    owner: "python",
    via: { kind: "environment", variable: "PYTHONMALLOC" },
    versions: since("3.6"),
    defaultValue: "pymalloc",
    mechanics:
      "malloc: small objects come from malloc instead of pymalloc's arenas (256 KiB, 1 MiB from 3.10 on), each of which stays while one object lives.",
    sideEffects: "Programs that make many small objects get slower: 50 % more CPU in the run measured.",
    source: "Python docs, using/cmdline, PYTHONMALLOC",
  },
  {
    id: "python.PYTHONMALLOC_mimalloc",
    owner: "python",
    via: { kind: "environment", variable: "PYTHONMALLOC" },
    versions: since("3.13"),
    defaultValue: "pymalloc",
    mechanics: "mimalloc: small objects come from the mimalloc that CPython brings.",
    sideEffects: "Only in builds with it (the default).",
    source: "Python docs, using/cmdline, PYTHONMALLOC; What's New 3.13",
  },
  {
    id: "go.GOMEMLIMIT",
    owner: "go",
    via: { kind: "environment", variable: "GOMEMLIMIT" },
    versions: since("1.19"),
    defaultValue: "none",
    mechanics: "Go's collector works harder and returns memory as the total nears it; a soft limit.",
    sideEffects: "A limit below what is live makes it collect without end (at most half of the CPU).",
    source: "go doc runtime, GOMEMLIMIT",
  },
  {
    id: "go.GOGC",
    owner: "go",
    via: { kind: "environment", variable: "GOGC" },
    versions: always,
    defaultValue: "100",
    mechanics: "The next collection comes when the heap has grown by so many per cent over what was live.",
    sideEffects: "50 holds less memory and collects about twice as often.",
    source: "go doc runtime, GOGC",
  },
];
