// What a knob is: a setting of an allocator, a runtime, the kernel or a platform, and the versions that have it.
// The knobs themselves are in knobs-*.ts, gathered by catalogue.ts.
import type { VersionRange } from "./versions.ts";

export type Owner =
  | "glibc"
  | "jemalloc"
  | "gperftools"
  | "google-tcmalloc"
  | "mimalloc"
  | "jvm"
  | "node"
  | "python"
  | "go"
  | "tidemark"
  | "loader"
  | "kernel"
  | "platform";

/** How a knob is turned. */
export type Via =
  /** A variable of the process's environment. */
  | { readonly kind: "environment"; readonly variable: string }
  /** A part of GLIBC_TUNABLES; `alias` is the older variable that does the same, null where there is none. */
  | { readonly kind: "glibc_tunable"; readonly name: string; readonly alias: string | null }
  /** A pair in jemalloc's MALLOC_CONF. */
  | { readonly kind: "malloc_conf"; readonly name: string }
  /** An option of java, without its value: `-XX:G1PeriodicGCInterval=`, or whole where it takes none. */
  | { readonly kind: "jvm_flag"; readonly flag: string }
  | { readonly kind: "node_option"; readonly option: string }
  | { readonly kind: "sysctl"; readonly name: string }
  | { readonly kind: "sysfs"; readonly path: string }
  /** A call or a change in the program. */
  | { readonly kind: "code"; readonly call: string }
  /** A field of a task, a pod or an instance. */
  | { readonly kind: "platform"; readonly field: string };

export interface Knob {
  /** `owner.name`, unique. */
  readonly id: string;
  readonly owner: Owner;
  readonly via: Via;
  /** Of the owner; a backport is a range of its own. */
  readonly versions: readonly VersionRange[];
  readonly defaultValue: string;
  /** What it does, in a sentence or two. */
  readonly mechanics: string;
  /** What else it does; null where nothing is known. */
  readonly sideEffects: string | null;
  readonly source: string;
  /** Where it came from memory and no program here can show it. */
  readonly isFromMemory?: true;
}

export const always: readonly VersionRange[] = [{ from: null, until: null }];
export const since = (from: string): readonly VersionRange[] => [{ from, until: null }];
