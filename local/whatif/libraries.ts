// Which allocators this machine can preload: what the loader's cache lists, and the packages that have what it lacks.
// Whether one is tried is matrix.ts's.
import { spawnSync } from "node:child_process";

export type Library = "jemalloc" | "tcmalloc" | "mimalloc" | "glibc";

export interface Libraries {
  readonly paths: ReadonlyMap<Library, string>;
  /** Sentences: what is not here, and which package has it. */
  readonly missing: readonly string[];
}

/** By what the file is called, the plainest build first; the full tcmalloc brings a profiler along, which nobody asked for. */
const known: readonly { readonly library: Library; readonly file: RegExp; readonly packages: string }[] = [
  { library: "glibc", file: /^libc\.so\.6$/, packages: "libc6 on Debian and Ubuntu, glibc on Amazon Linux" },
  {
    library: "jemalloc",
    file: /^libjemalloc\.so\.\d+$/,
    packages: "libjemalloc2 on Debian and Ubuntu, jemalloc on Amazon Linux",
  },
  {
    library: "tcmalloc",
    file: /^libtcmalloc_minimal\.so\.\d+$/,
    packages: "libtcmalloc-minimal4 (or libtcmalloc-minimal4t64) on Debian and Ubuntu, gperftools-libs on Amazon Linux",
  },
  {
    library: "mimalloc",
    file: /^libmimalloc\.so\.\d+$/,
    packages: "libmimalloc2.0 or libmimalloc3 on Debian and Ubuntu; on Amazon Linux it is built from its source",
  },
];

/** Words that ldconfig -p writes beside a library of this machine's own architecture; a 32-bit one would not load. */
const architectures: Readonly<Record<string, string>> = { x64: "x86-64", arm64: "AArch64" };
const LDCONFIG_MS_MAX = 5_000;

export function findLibraries(): Libraries {
  // Not on everybody's PATH, and there for all the same.
  const cache = ["/sbin/ldconfig", "/usr/sbin/ldconfig"]
    .map((command) =>
      spawnSync(command, ["-p"], { encoding: "utf8", timeout: LDCONFIG_MS_MAX, stdio: ["ignore", "pipe", "ignore"] }),
    )
    .find(({ status }) => status === 0);
  return librariesIn(cache?.stdout ?? "", architectures[process.arch] ?? "");
}

/** From the text of `ldconfig -p`: `\tlibc.so.6 (libc6,x86-64, OS ABI: Linux 3.2.0) => /lib/x86_64-linux-gnu/libc.so.6`. */
export function librariesIn(text: string, architecture: string): Libraries {
  const entries = text.split("\n").flatMap((line) => {
    const [, name = "", kind = "", path = ""] = /^\s*(\S+) \(([^)]*)\) => (\/\S+)$/.exec(line) ?? [];
    return path !== "" && kind.split(",").some((word) => word.trim() === architecture) ? [{ name, path }] : [];
  });
  const found = known.map(({ library, file, packages }) => {
    const path = entries.find(({ name }) => file.test(name))?.path ?? null;
    return { library, path, packages };
  });
  return {
    paths: new Map(found.flatMap(({ library, path }) => (path === null ? [] : [[library, path]]))),
    missing: found.flatMap(({ library, path, packages }) =>
      path === null ? [`${library} is not on this machine: package ${packages}`] : [],
    ),
  };
}
