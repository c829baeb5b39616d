// Which managed runtime a process is, and its version where a path tells it: by the program it runs and the libraries it maps. Pure.
// Go programs look like any other; what their file says is go-build.ts's. A JVM tells its version itself, see perf-data.ts.
import { basename } from "node:path";

export type RuntimeName = "jvm" | "node" | "python" | "ruby" | "go" | "php" | "dotnet" | "beam";

export interface Runtime {
  readonly runtime: RuntimeName;
  readonly runtime_version: string | null;
}

interface Marks {
  readonly runtime: RuntimeName;
  /** The program's file name. */
  readonly program?: RegExp;
  /** Path of a library that only this runtime has. */
  readonly library?: RegExp;
  /** Where the version stands in the path of either. */
  readonly version?: RegExp;
}

/** As Debian, Red Hat, the projects' own archives and images, and version managers (pyenv, rbenv, nvm, asdf) lay them out. */
const RUNTIMES: readonly Marks[] = [
  { runtime: "jvm", library: /\/libjvm\.so$/ },
  { runtime: "dotnet", library: /\/libcoreclr\.so$/, version: /\/Microsoft\.NETCore\.App\/(\d+\.\d+\.\d+[^/]*)\// },
  {
    runtime: "node",
    program: /^node(js)?$/,
    library: /\/libnode\.so[.\d]*$/,
    version: /\/(?:node-)?v?(\d+\.\d+\.\d+)(?:-linux-[^/]+)?\/bin\/node$/,
  },
  {
    runtime: "python",
    program: /^python(\d(\.\d+)?)?$/,
    library: /\/libpython\d[^/]*\.so[.\d]*$/,
    version: /\/(?:lib)?python(\d\.\d+)[^/]*$/,
  },
  {
    runtime: "ruby",
    program: /^ruby(\d\.\d+)?$/,
    library: /\/libruby[-.\d]*\.so[.\d]*$/,
    version: /\/(?:libruby-|libruby\.so\.|ruby)(\d+\.\d+)[^/]*$/,
  },
  {
    runtime: "php",
    program: /^php(-fpm|-cgi)?\d*(\.\d+)?$/,
    library: /\/libphp[.\d]*\.so$/,
    version: /\/(?:libphp|php|php-fpm|php-cgi)(\d\.\d+)(?:\.so)?$/,
  },
  { runtime: "beam", program: /^beam(\.smp)?$/, version: /\/erts-(\d+(?:\.\d+)+)\/bin\/[^/]+$/ },
];

/**
 * By the program first, because a program may embed another runtime's library: gdb has Python's, and Python may have a JVM.
 * `executablePaths` are those of parseMaps. Null where nothing is recognised, which Go programs are not.
 */
export function recogniseRuntime(executablePath: string | null, executablePaths: readonly string[]): Runtime | null {
  const program = executablePath === null ? "" : basename(executablePath);
  const paths = [executablePath ?? "", ...executablePaths].map((path) => path.replace(/ \(deleted\)$/, ""));
  const marks =
    RUNTIMES.find((marks) => marks.program?.test(program)) ??
    RUNTIMES.find(({ library }) => library !== undefined && paths.some((path) => library.test(path)));
  if (marks === undefined) return null;
  const versions = paths.map((path) => marks.version?.exec(path)?.[1]);
  return { runtime: marks.runtime, runtime_version: versions.find((version) => version !== undefined) ?? null };
}
