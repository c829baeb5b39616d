// The table of the collector's settings: name, unit, limits, default and its reason. All that names a setting is made from it.
// Where values come from is config.ts's; help, man page and listings are settings-text.ts's and settings-docs.ts's.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BLACK_BOX_FOLDER_DEFAULT } from "./black-box/folder.ts";
import { IMDS_ENDPOINT } from "./identity/imds.ts";
import { SPOOL_FOLDER_DEFAULT } from "./ship/spool-folder.ts";

export type SettingValue = number | string | null;

export interface Setting<T extends SettingValue = SettingValue> {
  /** What it is, in one or two sentences. */
  readonly meaning: string;
  readonly unit: "ms" | "us" | "bytes" | "share of a core" | null;
  /** Which values are taken, in words that follow "expected". */
  readonly limits: string;
  /** Null: not set. */
  readonly usual: T;
  /** Why the default is what it is. */
  readonly reason: string;
  /** What the documents call the default, where it depends on the place that they are made in. */
  readonly usualSaid?: string;
  /** Whether SIGHUP puts it into effect. What is opened once at start stays as it was opened. */
  readonly whenReloaded: "applies" | "restart";
  /** Null when it is not within the limits. */
  parse(text: string): T | null;
}

type Words = Pick<Setting, "meaning" | "reason"> & Partial<Pick<Setting, "whenReloaded" | "usualSaid">>;

const MIB = 1_024 * 1_024;
/** Larger figures are typing errors: no host has so much disk for a spool, nor so large a process. */
const BYTES_MAX = 1_024 ** 4;

function whole(unit: "ms" | "us" | "bytes", [least, most]: readonly [number, number], usual: number, words: Words) {
  const parse = (text: string) =>
    /^\d{1,15}$/.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : null;
  const limits = `a whole number of ${unit} from ${least} to ${most}`;
  return { whenReloaded: "applies", ...words, unit, limits, usual, parse } satisfies Setting<number>;
}

/** Half a core is more than any host would give us. */
const SHARE_MAX = 0.5;

function share(usual: number, words: Words) {
  const parse = (text: string) => {
    const number = /^\d{0,3}(\.\d{1,9})?$/.test(text) ? Number.parseFloat(text) : Number.NaN;
    return number > 0 && number <= SHARE_MAX ? number : null;
  };
  const limits = `a number above 0, at most ${SHARE_MAX}`;
  return { whenReloaded: "applies", ...words, unit: "share of a core", limits, usual, parse } satisfies Setting<number>;
}

function choice<const V extends string>(values: readonly V[], usual: V, words: Words) {
  const parse = (text: string) => values.find((value) => value === text) ?? null;
  return { whenReloaded: "restart", ...words, unit: null, limits: values.join(" or "), usual, parse } satisfies Setting<V>;
}

function text<const U extends string | null>(shape: RegExp, limits: string, usual: U, words: Words) {
  const parse = (given: string): string | null => (shape.test(given) ? given : null);
  return { whenReloaded: "restart", ...words, unit: null, limits, usual: usual as U | string, parse } satisfies Setting<
    string | null
  >;
}

const ABSOLUTE = /^\/[^\0]{0,4094}$/;
const IMDS_ADDRESS = /^http:\/\/(169\.254\.169\.254|\[fd00:ec2::254\]|127\.0\.0\.1|\[::1\])(:\d{1,5})?\/?$/;

const WALKER_PACKAGED = "/usr/lib/tidemark/tidemark-walk";

/** In a clone where make built it, else where the host package puts it. */
function usualWalker(): string {
  const built = fileURLToPath(new URL("../native/build/tidemark-walk", import.meta.url));
  return existsSync(built) || !existsSync(WALKER_PACKAGED) ? built : WALKER_PACKAGED;
}

export const settings = {
  TIDEMARK_FIREHOSE_STREAM: text(/^[\w.-]{1,64}$/, "the name of a Firehose stream, not its ARN", null, {
    // Source of the limits: Firehose API reference, DeliveryStreamName.
    meaning: "Name of the Firehose stream that records go to. Either this or a folder.",
    reason: "nobody but you knows where records belong",
    whenReloaded: "applies",
  }),
  TIDEMARK_DELIVERY_FOLDER: text(/^[^\0]{1,4095}$/, "a folder", null, {
    meaning: "Folder that stands for the bucket; objects appear below raw/. Either this or a stream.",
    reason: "nobody but you knows where records belong",
    whenReloaded: "applies",
  }),
  TIDEMARK_TICK_MS: whole("ms", [100, 3_600_000], 10_000, {
    meaning: "Time between looks at statm of every process.",
    reason: "200 processes take 3.5 ms of CPU a look, which every 10 s is 0.04 % of a core",
  }),
  TIDEMARK_ROW_MS: whole("ms", [100, 3_600_000], 60_000, {
    meaning: "Time between rows of a process; at least a tick.",
    reason: "a row carries its interval's extremes, so that more of them would cost more and tell hardly more",
  }),
  TIDEMARK_FLUSH_MS: whole("ms", [100, 3_600_000], 300_000, {
    meaning: "Rows are shipped when this old, however few.",
    reason:
      "five minutes of 30 processes cost half of what single ones do: rows of one process compress beside each other, and " +
      "fewer units of 5 KiB, as Firehose bills, stay half empty; meanwhile the spool keeps them safe",
  }),
  TIDEMARK_RSS_BYTES_MIN: whole("bytes", [0, BYTES_MAX], 16 * MIB, {
    meaning: "Smaller processes are counted but get no row.",
    reason: "nothing worth recovering fits in them",
  }),
  TIDEMARK_HISTOGRAM_MS: whole("ms", [100, 86_400_000], 480_000, {
    meaning: "Time between histograms of one heap; the other figures of a walk come with every walk.",
    reason: "histograms are most of a row's bytes and change slowly",
  }),
  TIDEMARK_WALK_COST_SHARE_MAX: share(0.002, {
    meaning: "CPU that walking one heap may take on average.",
    reason: "a walk then comes no oftener than 500 times its own cost: one of 20 ms every 10 s",
  }),
  TIDEMARK_ALL_WALKS_COST_SHARE_MAX: share(0.001, {
    meaning: "CPU that all walks of the host together may take on average; who has waited longest is next.",
    reason:
      "a third of the 0.3 % of a core that the whole collector is meant to take: 200 heaps of 20 MB are walked every quarter of an hour",
  }),
  TIDEMARK_ALL_LOOKS_COST_SHARE_MAX: share(0.0003, {
    meaning: "CPU that maps and smaps_rollup of all processes together may take on average; who has waited longest is next.",
    reason: "maps of 200 processes take 12 ms; what is left of 18 ms a minute goes to PSS, a process after the other",
  }),
  TIDEMARK_ROWS_COST_SHARE_MAX: share(0.001, {
    meaning: "CPU that closing rows may take on average beyond the first 256; who has waited longest is next.",
    reason: "some 900 rows a minute: of 2,000 processes each has a row every three minutes",
  }),
  TIDEMARK_TICKS_COST_SHARE_MAX: share(0.001, {
    meaning: "CPU that looks at all processes may take on average where there are more than 256; then they come more seldom.",
    reason: "1,000 processes take 20 ms a look, which is then taken every 20 s",
  }),
  TIDEMARK_ROLLUP_COST_SHARE_MAX: share(0.001, {
    meaning: "CPU that smaps_rollup, and maps, of one process may take on average.",
    reason: "no oftener than 1,000 times their cost: 3.5 ms at 200 MB, 82 ms at 8 GB",
  }),
  TIDEMARK_WALK_CPU_US_MAX: whole("us", [1_000, 60_000_000], 500_000, {
    meaning: "CPU after which one walk stops and says how far it got.",
    reason: "half a second walks some three million chunks",
  }),
  TIDEMARK_STALL_MS_MAX: whole("ms", [1, 60_000], 50, {
    meaning:
      "Longest stall of a target's mmap calls that a look at smaps_rollup may cause; where it would take longer, PSS is not read.",
    reason: "the kernel holds the target's lock for some 10 ms a GB, so that processes up to 5 GB have PSS",
  }),
  TIDEMARK_SPOOL_FOLDER: text(ABSOLUTE, "an absolute path", null, {
    meaning: `Where records wait on the disk. Unless set: ${SPOOL_FOLDER_DEFAULT} for a stream, where the folder above it is there.`,
    reason:
      "a folder is delivery to this machine, often beside a collector that ships: it must not come by that one's spool unasked",
  }),
  TIDEMARK_SPOOL_BYTES_MAX: whole("bytes", [4 * MIB, BYTES_MAX], 256 * MIB, {
    meaning: "Files of the spool; beyond it the oldest are dropped and counted.",
    reason: "three weeks of 30 processes",
    whenReloaded: "restart",
  }),
  TIDEMARK_BLACK_BOX_FOLDER: text(ABSOLUTE, "an absolute path", null, {
    meaning: `Where the last hour of each process lies. Unless set: ${BLACK_BOX_FOLDER_DEFAULT} for a stream, where the folder above it is there; else in memory.`,
    reason: "as for the spool: a collector that delivers to a folder must not come by another's black box unasked",
  }),
  TIDEMARK_BLACK_BOX_BYTES_MAX: whole("bytes", [4 * MIB, 256 * MIB], 16 * MIB, {
    meaning: "Files of the black box; beyond it the oldest are removed, and it covers less than an hour.",
    reason: "an hour of 950 processes: 43 bytes a look, their names included, and an eighth goes at a time",
    whenReloaded: "restart",
  }),
  TIDEMARK_BUFFER_BYTES_MAX: whole("bytes", [1_000_000, BYTES_MAX], 64 * MIB, {
    meaning: "Encoded records waiting in memory, where no disk takes them; beyond it the oldest are dropped and counted.",
    reason: "days of 30 processes, and with the collector's own memory well below a MemoryMax of 256M",
  }),
  TIDEMARK_RING_FOLDER: text(ABSOLUTE, "an absolute path", "/run/tidemark/rings", {
    meaning: "Where preloaded libraries leave their files.",
    reason: "TIDEMARK_RING_FOLDER_DEFAULT of native/abi/tidemark_abi.h: where the libraries look unless told otherwise",
  }),
  TIDEMARK_IMDS: choice(["auto", "off"], "auto", {
    meaning: "Whether EC2's instance metadata service is asked who this instance is; off where nothing may be asked.",
    reason: "a handful of questions on the instance's own link; no row waits for an answer longer than a second",
  }),
  AWS_EC2_METADATA_SERVICE_ENDPOINT: text(
    IMDS_ADDRESS,
    "http://169.254.169.254, http://[fd00:ec2::254] or a loopback address",
    IMDS_ENDPOINT,
    {
      meaning: "Where the instance metadata service is, as for the SDK.",
      reason: "its token goes to this address: only the instance's own link and loopback are taken",
    },
  ),
  AWS_EC2_METADATA_DISABLED: text(/^[^\0]{0,64}$/, "true or nothing", null, {
    meaning: "true: nobody asks the instance metadata service, neither the collector nor the SDK.",
    reason: "the SDK's own default",
  }),
  TIDEMARK_WALKER: text(/^[^\0]{1,4095}$/, "a path", usualWalker(), {
    meaning: "The program that walks heaps.",
    reason: "where the package puts it; in a clone native/build, where make built it",
    usualSaid: WALKER_PACKAGED,
  }),
  TIDEMARK_STOP_ON_STDIN_END: choice(["0", "1"], "0", {
    meaning: "1: standard input is a pipe from whoever started the collector, and its end is the order to stop.",
    reason: "under systemd standard input is /dev/null, which ends at once",
  }),
} as const;

export type SettingName = keyof typeof settings;
export type SettingValues = { readonly [N in SettingName]: (typeof settings)[N]["usual"] };

export const settingNames = Object.keys(settings) as readonly SettingName[];
export const isSettingName = (name: string): name is SettingName => Object.hasOwn(settings, name);
export const settingOf = (name: SettingName): Setting => settings[name];

const PREFIX = "TIDEMARK_";

/** AWS's variables are the SDK's as well, which reads nothing but the environment: here they must not say something else. */
export const isEnvironmentOnly = (name: SettingName): boolean => !name.startsWith(PREFIX);

/** `--tick-ms`; null for what only the environment may say. */
export const flagOf = (name: SettingName): string | null =>
  isEnvironmentOnly(name) ? null : `--${name.slice(PREFIX.length).toLowerCase().replaceAll("_", "-")}`;
