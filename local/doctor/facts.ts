// What the doctor looks at: facts about a host, each as it was found. Null: it could not be found out.
// Gathering them is gather-*.ts's, what they mean judge-*.ts's.
import type { Allocator } from "../../collector/heap/allocator.ts";
import type { Instance } from "../../collector/identity/imds.ts";

export type Capability = "CAP_DAC_READ_SEARCH" | "CAP_FOWNER" | "CAP_SYS_PTRACE";

export interface KernelFacts {
  /** As uname tells it: `6.1.0-18-amd64`. */
  readonly release: string;
  readonly uid: number;
  readonly capabilities: ReadonlySet<Capability>;
  /** False in a container that has pids of its own. */
  readonly isFirstPidNamespace: boolean;
  /** Option of the mount of /proc: `2`, `invisible`, `ptraceable`...; null when every process shows. */
  readonly hidepid: string | null;
  /** kernel.yama.ptrace_scope; null without Yama. */
  readonly ptraceScope: number | null;
  /** The one in effect: none, integrity, confidentiality; null without lockdown. */
  readonly lockdown: string | null;
  /** Of this process. man 5 proc_pid_status: 0 none, 1 strict, 2 filter. */
  readonly seccomp: number | null;
  readonly hasSmapsRollup: boolean;
  readonly hasPagemap: boolean;
  readonly hasPressure: boolean;
  readonly hasBuddyinfo: boolean;
  readonly cgroup: { readonly version: 1 | 2 | null; readonly hasMemory: boolean };
  readonly mapCountLimit: number | null;
  readonly nowMs: number;
}

export interface Tried {
  readonly pid: number;
  readonly comm: string;
  readonly isOurs: boolean;
  /** Null: figures came back. Otherwise one of the column heap_unknown_reason. */
  readonly reason: string | null;
  readonly cpuUs: number;
}

/** Processes that are measured in the same way. */
export interface AllocatorGroup {
  readonly allocator: Allocator;
  /** Of glibc alone. */
  readonly version: string | null;
  readonly count: number;
  /** Of these, with a ring file of the shim. */
  readonly ringCount: number;
  /** Names of a few of those without. */
  readonly examples: readonly string[];
  /** Walks made to see whether they can be. */
  readonly tried: readonly Tried[];
}

export interface ProcessFacts {
  /** With memory of their own. */
  readonly count: number;
  /** Of these, closed to us. */
  readonly deniedCount: number;
  /** Names of a few of them. */
  readonly deniedExamples: readonly string[];
  /** Of these, too small for a row. */
  readonly smallCount: number;
  readonly rssBytesMin: number;
  readonly groups: readonly AllocatorGroup[];
  /** Of all that get a row. */
  readonly mostMappings: { readonly pid: number; readonly comm: string; readonly count: number } | null;
}

export interface FolderFacts {
  readonly path: string;
  readonly exists: boolean;
  readonly isLink: boolean;
  readonly uid: number;
  /** With the sticky bit. */
  readonly mode: number;
  /** The nearest folder above it that anyone may rename things in; null when there is none. */
  readonly looseAbove: string | null;
  readonly freeBytes: number | null;
  readonly isReadOnly: boolean;
}

export interface WalkerFacts {
  readonly path: string;
  /** What `--version` answers; null with the reason beside it. */
  readonly version: string | null;
  readonly problem: string | null;
  /** By its ELF header: x64, arm64. */
  readonly architecture: string | null;
  readonly hostArchitecture: string;
}

export type DestinationFacts =
  | { readonly kind: "none" }
  | { readonly kind: "folder"; readonly folder: FolderFacts }
  | {
      readonly kind: "firehose";
      readonly stream: string;
      /** Null: the SDK finds none. */
      readonly region: string | null;
      /** `firehose.eu-central-1.amazonaws.com:443`; null without a region. */
      readonly address: string | null;
      /** Null: a connection was made. Otherwise an errno of the resolver or the socket. */
      readonly connectProblem: string | null;
      readonly credentials:
        | { readonly kind: "found"; readonly source: string; readonly expiresAtMs: number | null }
        | { readonly kind: "missing"; readonly problem: string };
    };

export type InstanceFacts =
  | { readonly kind: "off" }
  | { readonly kind: "known"; readonly instance: Instance }
  | { readonly kind: "silent"; readonly problem: string; readonly isOnEc2: boolean };

export interface SettingFacts {
  /** Null: no file. */
  readonly filePath: string | null;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** Names that differ from their defaults. */
  readonly changed: readonly string[];
}

export interface PlaceFacts {
  readonly ringFolder: FolderFacts;
  /** Null: rows wait in memory alone. */
  readonly spoolFolder: FolderFacts | null;
  readonly spoolBytesMax: number;
  readonly blackBoxFolder: FolderFacts | null;
  readonly blackBoxBytesMax: number;
}

/** The collector that holds the spool, as systemd runs it: what it may do counts, not what whoever asks may do. */
export interface RunningFacts {
  readonly pid: number;
  readonly uid: number | null;
  readonly rssBytes: number | null;
  readonly capabilities: ReadonlySet<Capability>;
}

export interface Facts {
  readonly settings: SettingFacts;
  readonly kernel: KernelFacts;
  readonly processes: ProcessFacts;
  readonly walker: WalkerFacts;
  readonly places: PlaceFacts;
  /** Null: none runs with this spool, or its lock is closed to us. */
  readonly running: RunningFacts | null;
  readonly destination: DestinationFacts;
  readonly instance: InstanceFacts;
  readonly shimPath: string;
}
