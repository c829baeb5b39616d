// Settings of the collector, read from the environment once at start; every problem is reported at once.
// The defaults are production's; the one-machine demo compresses time with other values and the same code.
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { err, ok, type Result } from "../schema/result.ts";
import { IMDS_ENDPOINT } from "./identity/imds.ts";
import { defaultSpoolFolder } from "./ship/spool-folder.ts";

const ms = (least: number, most: number, usual: number) => z.coerce.number().int().min(least).max(most).default(usual);
const share = (usual: number) => z.coerce.number().positive().max(0.5).default(usual);

const IMDS_ADDRESS = /^http:\/\/(169\.254\.169\.254|\[fd00:ec2::254\]|127\.0\.0\.1|\[::1\])(:\d{1,5})?\/?$/;

const environment = z.object({
  /** Folder that stands for the bucket; raw objects appear below raw/. Either this or a stream. */
  TIDEMARK_DELIVERY_FOLDER: z.string().min(1).optional(),
  /** Name of the Firehose stream. Source of the limits: Firehose API reference, DeliveryStreamName. */
  TIDEMARK_FIREHOSE_STREAM: z
    .string()
    .regex(/^[\w.-]{1,64}$/, "expected the name of a Firehose stream")
    .optional(),
  /** Time between looks at statm of every process. */
  TIDEMARK_TICK_MS: ms(100, 3_600_000, 10_000),
  /** Time between rows of a process. */
  TIDEMARK_ROW_MS: ms(100, 3_600_000, 60_000),
  /**
   * Rows are shipped when this old, however few. Five minutes of 30 processes cost half of what single ones do: rows of one
   * process compress beside each other, and fewer units of 5 KiB, as Firehose bills, stay half empty. Kept safe by the spool.
   */
  TIDEMARK_FLUSH_MS: ms(100, 3_600_000, 300_000),
  /** Smaller processes are counted but get no row: nothing worth recovering fits in them. */
  TIDEMARK_RSS_BYTES_MIN: z.coerce
    .number()
    .int()
    .nonnegative()
    .default(16 * 1_024 * 1_024),
  /** Time between histograms of one heap; the other figures of a walk come with every walk. */
  TIDEMARK_HISTOGRAM_MS: ms(100, 86_400_000, 480_000),
  /** CPU that walking one heap may take on average, as a share of a core. */
  TIDEMARK_WALK_COST_SHARE_MAX: share(0.002),
  /** CPU that all walks of the host together may take on average, as a share of a core; who has waited longest is next. */
  TIDEMARK_ALL_WALKS_COST_SHARE_MAX: share(0.02),
  /** The same for smaps_rollup and maps of one process. */
  TIDEMARK_ROLLUP_COST_SHARE_MAX: share(0.001),
  /** CPU after which one walk stops and says how far it got. */
  TIDEMARK_WALK_CPU_US_MAX: z.coerce.number().int().min(1_000).max(60_000_000).default(500_000),
  /** Longest stall of a target's mmap calls that a look at smaps_rollup may cause. */
  TIDEMARK_STALL_MS_MAX: z.coerce.number().positive().default(50),
  /** Where records wait on the disk; unless set, /var/lib/tidemark/spool for a stream where /var/lib/tidemark is there. */
  TIDEMARK_SPOOL_FOLDER: z.string().startsWith("/").optional(),
  /** Files of the spool; beyond it the oldest are dropped and counted. Three weeks of 30 processes. */
  TIDEMARK_SPOOL_BYTES_MAX: z.coerce
    .number()
    .int()
    .min(4 * 1_024 * 1_024)
    .default(256 * 1_024 * 1_024),
  /** Encoded records waiting in memory, where no disk takes them; beyond it the oldest are dropped and counted. */
  TIDEMARK_BUFFER_BYTES_MAX: z.coerce
    .number()
    .int()
    .min(1_000_000)
    .default(64 * 1_024 * 1_024),
  /** Where preloaded libraries leave their files: TIDEMARK_RING_FOLDER_DEFAULT of native/abi/tidemark_abi.h. */
  TIDEMARK_RING_FOLDER: z.string().startsWith("/").default("/run/tidemark/rings"),
  /** Whether EC2's instance metadata service is asked who this instance is; `off` where nothing may be asked. */
  TIDEMARK_IMDS: z.enum(["auto", "off"]).default("auto"),
  /** Both as the SDK has them. Its token goes to this address: only the instance's own link and loopback are taken. */
  AWS_EC2_METADATA_SERVICE_ENDPOINT: z
    .string()
    .regex(IMDS_ADDRESS, "expected http://169.254.169.254, http://[fd00:ec2::254] or a loopback address")
    .transform((endpoint) => endpoint.replace(/\/$/, ""))
    .default(IMDS_ENDPOINT),
  AWS_EC2_METADATA_DISABLED: z.string().optional(),
  TIDEMARK_WALKER: z
    .string()
    .min(1)
    .default(fileURLToPath(new URL("../native/build/tidemark-walk", import.meta.url))),
  /** `1`: standard input is a pipe from whoever started the collector, and its end is the order to stop. */
  TIDEMARK_STOP_ON_STDIN_END: z.enum(["0", "1"]).default("0"),
});

export type CollectorSettings = z.input<typeof environment>;

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
  readonly rollupCostShareMax: number;
  readonly walkCpuUsMax: number;
  readonly stallMsMax: number;
  readonly bufferBytesMax: number;
  /** Null: rows wait in memory alone. */
  readonly spoolFolder: string | null;
  readonly spoolBytesMax: number;
  readonly ringFolder: string;
  /** Where the instance metadata service is; null when nobody may be asked. */
  readonly imdsEndpoint: string | null;
  readonly walkerPath: string;
  readonly stopOnStdinEnd: boolean;
}

/** The settings, or one line a problem: name, value seen, limit. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Result<CollectorConfig, readonly string[]> {
  const parsed = environment.safeParse(env);
  const destination = destinationOf(env["TIDEMARK_DELIVERY_FOLDER"], env["TIDEMARK_FIREHOSE_STREAM"]);
  if (!parsed.success || !destination.ok) {
    const problems = parsed.error?.issues.map(
      ({ path, message }) => `${path.join(".")} is ${env[path.join(".")] ?? "not set"}: ${message}`,
    );
    return err([...(destination.ok ? [] : [destination.error]), ...(problems ?? [])]);
  }
  const settings = parsed.data;
  if (settings.TIDEMARK_ROW_MS < settings.TIDEMARK_TICK_MS) {
    return err([`TIDEMARK_ROW_MS is ${settings.TIDEMARK_ROW_MS}: at least TIDEMARK_TICK_MS, ${settings.TIDEMARK_TICK_MS}`]);
  }
  const mayAsk = settings.TIDEMARK_IMDS === "auto" && settings.AWS_EC2_METADATA_DISABLED?.toLowerCase() !== "true";
  return ok({
    destination: destination.value,
    tickMs: settings.TIDEMARK_TICK_MS,
    rowMs: settings.TIDEMARK_ROW_MS,
    flushMs: settings.TIDEMARK_FLUSH_MS,
    rssBytesMin: settings.TIDEMARK_RSS_BYTES_MIN,
    histogramMs: settings.TIDEMARK_HISTOGRAM_MS,
    walkCostShareMax: settings.TIDEMARK_WALK_COST_SHARE_MAX,
    allWalksCostShareMax: settings.TIDEMARK_ALL_WALKS_COST_SHARE_MAX,
    rollupCostShareMax: settings.TIDEMARK_ROLLUP_COST_SHARE_MAX,
    walkCpuUsMax: settings.TIDEMARK_WALK_CPU_US_MAX,
    stallMsMax: settings.TIDEMARK_STALL_MS_MAX,
    bufferBytesMax: settings.TIDEMARK_BUFFER_BYTES_MAX,
    // A folder is delivery to this machine, often beside a collector that ships: it must not come by that one's spool unasked.
    spoolFolder: settings.TIDEMARK_SPOOL_FOLDER ?? (destination.value.kind === "firehose" ? defaultSpoolFolder() : null),
    spoolBytesMax: settings.TIDEMARK_SPOOL_BYTES_MAX,
    ringFolder: settings.TIDEMARK_RING_FOLDER,
    imdsEndpoint: mayAsk ? settings.AWS_EC2_METADATA_SERVICE_ENDPOINT : null,
    walkerPath: settings.TIDEMARK_WALKER,
    stopOnStdinEnd: settings.TIDEMARK_STOP_ON_STDIN_END === "1",
  });
}

function destinationOf(folder: string | undefined, stream: string | undefined): Result<Destination, string> {
  if (folder !== undefined && stream === undefined) return ok({ kind: "folder", folder });
  if (stream !== undefined && folder === undefined) return ok({ kind: "firehose", stream });
  return err(
    `TIDEMARK_DELIVERY_FOLDER is ${folder ?? "not set"}, TIDEMARK_FIREHOSE_STREAM is ${stream ?? "not set"}: exactly one of them says where records go`,
  );
}
