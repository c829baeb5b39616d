// Settings in effect: flags before the environment before the file before the defaults; every problem is reported at once.
// What settings there are is settings.ts's. The one-machine demo compresses time with other values and the same code.
import { err, ok, type Result } from "../schema/result.ts";
import { defaultBlackBoxFolder } from "./black-box/folder.ts";
import { type ConfigFile, readConfigFile } from "./config-file.ts";
import { nearestName } from "./nearest-name.ts";
import {
  flagOf,
  isEnvironmentOnly,
  isSettingName,
  type SettingName,
  type SettingValue,
  type SettingValues,
  settingNames,
  settingOf,
} from "./settings.ts";
import { defaultSpoolFolder } from "./ship/spool-folder.ts";

/** What a child process is given in its environment. */
export type CollectorSettings = { readonly [N in SettingName]?: string | number };

/** Where records go. */
export type Destination =
  | { readonly kind: "folder"; readonly folder: string }
  | { readonly kind: "firehose"; readonly stream: string };

export interface CollectorConfig {
  readonly destination: Destination;
  readonly tickMs: number;
  readonly rowMs: number;
  readonly flushMs: number;
  readonly rssBytesMin: number;
  readonly histogramMs: number;
  readonly walkCostShareMax: number;
  readonly allWalksCostShareMax: number;
  readonly allLooksCostShareMax: number;
  readonly rowsCostShareMax: number;
  readonly ticksCostShareMax: number;
  readonly rollupCostShareMax: number;
  readonly walkCpuUsMax: number;
  readonly stallMsMax: number;
  readonly bufferBytesMax: number;
  /** Null: rows wait in memory alone. */
  readonly spoolFolder: string | null;
  readonly spoolBytesMax: number;
  /** Null: the black box is in memory alone. */
  readonly blackBoxFolder: string | null;
  readonly blackBoxBytesMax: number;
  readonly ringFolder: string;
  /** Where the instance metadata service is; null when nobody may be asked. */
  readonly imdsEndpoint: string | null;
  readonly walkerPath: string;
  readonly stopOnStdinEnd: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** All places that settings are taken from. */
export interface Given {
  readonly flags: ReadonlyMap<SettingName, string>;
  readonly env: Environment;
  readonly filePath: string | null;
}

export type SourceKind = "flag" | "environment" | "file" | "default";

export interface Source {
  readonly kind: SourceKind;
  /** For people: `--tick-ms`, `the environment`, `/etc/tidemark/collector.conf line 3`, `default`. */
  readonly text: string;
}

/** Where there are problems, the defaults stand for what is wrong: good enough to be shown, not to run on. */
export interface Resolved {
  /** One line each: name, value seen, where it is from, and what is expected. */
  readonly problems: readonly string[];
  readonly values: SettingValues;
  readonly sources: ReadonlyMap<SettingName, Source>;
  readonly config: CollectorConfig;
  /** What was left aside and may have been meant. */
  readonly warnings: readonly string[];
}

/** The settings in the environment alone, or all problems. */
export function readConfig(env: Environment): Result<CollectorConfig, readonly string[]> {
  const { config, problems } = resolveConfig({ flags: new Map(), env, filePath: null });
  return problems.length === 0 ? ok(config) : err(problems);
}

/** Reads the file, if there is one. */
export function resolveConfig({ flags, env, filePath }: Given): Resolved {
  const file = filePath === null ? null : readConfigFile(filePath);
  const fileProblems = file === null ? [] : file.ok ? unknownNames(file.value) : file.error;
  const seen = seenValues(flags, env, file?.ok ? file.value : null);
  const parsed = settingNames.map((name) => [name, parse(name, seen.get(name))] as const);
  const values = Object.fromEntries(parsed.map(([name, { value }]) => [name, value])) as unknown as SettingValues;
  const bad = new Set(parsed.flatMap(([name, { problem }]) => (problem === undefined ? [] : [name])));
  const problems = [
    ...fileProblems,
    ...parsed.flatMap(([, { problem }]) => problem ?? []),
    // A file that could not be read may have said it.
    ...(file?.ok === false ? [] : destinationProblem(seen)),
    ...(INTERVALS.some((name) => bad.has(name)) ? [] : intervalProblem(values, seen)),
  ];
  const sources = new Map(settingNames.map((name) => [name, seen.get(name)?.source ?? DEFAULT] as const));
  return { problems, values, sources, config: configOf(values), warnings: nearMisses(env) };
}

const DEFAULT: Source = { kind: "default", text: "default" };

interface Seen {
  readonly value: string;
  readonly source: Source;
}
type SeenValues = ReadonlyMap<SettingName, Seen>;

/** Empty means not set, wherever it stands: manifests and units pass variables on that nobody has filled. */
function seenValues(flags: Given["flags"], env: Environment, file: ConfigFile | null): SeenValues {
  const layers: readonly ((name: SettingName) => Seen | null)[] = [
    (name) => seenAs(flags.get(name), { kind: "flag", text: flagOf(name) ?? name }),
    (name) => seenAs(env[name], { kind: "environment", text: "the environment" }),
    (name) => {
      const said = file?.settings.get(name);
      return seenAs(said?.value, { kind: "file", text: `${file?.path} line ${said?.line}` });
    },
  ];
  const seen = new Map<SettingName, Seen>();
  for (const layer of layers) {
    // Both destinations are one choice: whoever is asked first and names one decides it.
    const isDecided = DESTINATIONS.some((name) => seen.has(name));
    for (const name of settingNames) {
      const said = seen.has(name) || (isDecided && DESTINATIONS.includes(name)) ? null : layer(name);
      if (said !== null) seen.set(name, said);
    }
  }
  return seen;
}
const DESTINATIONS: readonly SettingName[] = ["TIDEMARK_DELIVERY_FOLDER", "TIDEMARK_FIREHOSE_STREAM"];

const seenAs = (value: string | undefined, source: Source): Seen | null =>
  value === undefined || value === "" ? null : { value, source };

function parse(name: SettingName, seen: Seen | undefined): { readonly value: SettingValue; readonly problem?: string } {
  const { usual, limits, parse: parseText } = settingOf(name);
  if (seen === undefined) return { value: usual };
  const value = parseText(seen.value);
  return value === null
    ? { value: usual, problem: `${name} is ${seen.value} (${seen.source.text}): expected ${limits}` }
    : { value };
}

function destinationProblem(seen: SeenValues): readonly string[] {
  const [folder, stream] = DESTINATIONS.map((name) => seen.get(name)?.value);
  if ((folder === undefined) !== (stream === undefined)) return [];
  return [
    `TIDEMARK_DELIVERY_FOLDER is ${folder ?? "not set"}, TIDEMARK_FIREHOSE_STREAM is ${stream ?? "not set"}: exactly one of them says where records go`,
  ];
}

const INTERVALS: readonly SettingName[] = ["TIDEMARK_ROW_MS", "TIDEMARK_TICK_MS"];

function intervalProblem({ TIDEMARK_ROW_MS, TIDEMARK_TICK_MS }: SettingValues, seen: SeenValues): readonly string[] {
  if (TIDEMARK_ROW_MS >= TIDEMARK_TICK_MS) return [];
  const from = seen.get("TIDEMARK_ROW_MS")?.source ?? DEFAULT;
  return [`TIDEMARK_ROW_MS is ${TIDEMARK_ROW_MS} (${from.text}): expected at least TIDEMARK_TICK_MS, ${TIDEMARK_TICK_MS}`];
}

function unknownNames({ path, settings }: ConfigFile): readonly string[] {
  return Array.from(settings).flatMap(([name, { line }]) => {
    const where = `${name} in ${path} line ${line}`;
    if (isSettingName(name) ? isEnvironmentOnly(name) : name.startsWith("AWS_")) {
      return [`${where} belongs in the environment: the SDK reads nothing else`];
    }
    if (isSettingName(name)) return [];
    const nearest = nearestName(name, settingNames);
    return [`${where} is no setting${nearest === null ? "" : `: did you mean ${nearest}?`}`];
  });
}

/** Others' variables begin with TIDEMARK_ as well; one that is a letter beside ours is more likely a slip. */
function nearMisses(env: Environment): readonly string[] {
  return Object.keys(env).flatMap((name) => {
    if (!name.startsWith("TIDEMARK_") || isSettingName(name)) return [];
    const nearest = nearestName(name, settingNames);
    return nearest === null ? [] : [`${name} in the environment is no setting: did you mean ${nearest}?`];
  });
}

/** The values in the shape that the collector works with. */
export function configOf(values: SettingValues): CollectorConfig {
  const destination: Destination =
    values.TIDEMARK_FIREHOSE_STREAM === null
      ? { kind: "folder", folder: values.TIDEMARK_DELIVERY_FOLDER ?? "" }
      : { kind: "firehose", stream: values.TIDEMARK_FIREHOSE_STREAM };
  const mayAsk = values.TIDEMARK_IMDS === "auto" && values.AWS_EC2_METADATA_DISABLED?.toLowerCase() !== "true";
  return {
    destination,
    tickMs: values.TIDEMARK_TICK_MS,
    rowMs: values.TIDEMARK_ROW_MS,
    flushMs: values.TIDEMARK_FLUSH_MS,
    rssBytesMin: values.TIDEMARK_RSS_BYTES_MIN,
    histogramMs: values.TIDEMARK_HISTOGRAM_MS,
    walkCostShareMax: values.TIDEMARK_WALK_COST_SHARE_MAX,
    allWalksCostShareMax: values.TIDEMARK_ALL_WALKS_COST_SHARE_MAX,
    allLooksCostShareMax: values.TIDEMARK_ALL_LOOKS_COST_SHARE_MAX,
    rowsCostShareMax: values.TIDEMARK_ROWS_COST_SHARE_MAX,
    ticksCostShareMax: values.TIDEMARK_TICKS_COST_SHARE_MAX,
    rollupCostShareMax: values.TIDEMARK_ROLLUP_COST_SHARE_MAX,
    walkCpuUsMax: values.TIDEMARK_WALK_CPU_US_MAX,
    stallMsMax: values.TIDEMARK_STALL_MS_MAX,
    bufferBytesMax: values.TIDEMARK_BUFFER_BYTES_MAX,
    spoolFolder: values.TIDEMARK_SPOOL_FOLDER ?? (destination.kind === "firehose" ? defaultSpoolFolder() : null),
    spoolBytesMax: values.TIDEMARK_SPOOL_BYTES_MAX,
    blackBoxFolder: values.TIDEMARK_BLACK_BOX_FOLDER ?? (destination.kind === "firehose" ? defaultBlackBoxFolder() : null),
    blackBoxBytesMax: values.TIDEMARK_BLACK_BOX_BYTES_MAX,
    ringFolder: values.TIDEMARK_RING_FOLDER,
    imdsEndpoint: mayAsk ? values.AWS_EC2_METADATA_SERVICE_ENDPOINT.replace(/\/$/, "") : null,
    walkerPath: values.TIDEMARK_WALKER,
    stopOnStdinEnd: values.TIDEMARK_STOP_ON_STDIN_END === "1",
  };
}
