// The monthly bill of a fleet, service by service, from measured sizes and speeds and the price table.
// Measuring is the caller's; every factor that is an assumption is a named constant here.
import { prices } from "./prices.ts";

export interface Fleet {
  readonly hosts: number;
  readonly processesPerHost: number;
}

/** What was measured on rows made and encoded by the real code. */
export interface Measured {
  /** Bytes of one gzip record: what a host sends of all its processes in one flush. */
  readonly recordBytes: number;
  /** The same, each record rounded up as Firehose bills it. */
  readonly recordBilledBytes: number;
  /** Parquet bytes of a process row and of a rolled-up hour. */
  readonly processRowBytes: number;
  readonly hourRowBytes: number;
  /** Conversion, rows per second of one CPU. */
  readonly rowsPerCpuSecond: number;
}

export interface BillLine {
  readonly service: string;
  readonly what: string;
  readonly dollarsPerMonth: number;
}

const HOURS_PER_MONTH = 730;
const FLUSHES_PER_HOUR = 12;
const ROWS_PER_PROCESS_HOUR = 60;
const FIREHOSE_BUFFER_BYTES = 64 * 1_024 * 1_024;
const FIREHOSE_BUFFERS_PER_HOUR_MIN = 12;
const RAW_RETENTION_MONTHS = 14 / 30;
const PROCESS_RETENTION_MONTHS = 35 / 30;
const HOUR_RETENTION_MONTHS = 13;
/** Kinds times partitions: an object that spans two hours makes two files of each kind. */
const LAKE_FILES_PER_RAW_OBJECT = 4;
/** One vCPU of Lambda comes with this memory. */
const CONVERT_MEMORY_GB = 1_769 / 1_024;
/** A Lambda's core against the one that was measured, cold starts and waiting for S3 included. */
const CONVERT_OVERHEAD = 3;
const DETECTION_QUERIES = 4;
const DETECTION_HOURS = 7 * 24;
/** Athena reads the columns asked for alone: the widest of these queries names 18 of 67, which hold this share of the bytes. */
const DETECTION_COLUMN_SHARE = 0.27;
/** The hour that has ended and the one before it, for late rows. */
const ROLLUP_HOURS = 2;
const OTHER_LAMBDA_GB_SECONDS_PER_HOUR = 60;
const ALARMS = 20;
const OWN_METRICS = 20;
const KMS_KEYS = 1;
const LOG_GB_PER_MILLION_OBJECTS = 2;
const GB = 1e9;
const MILLION = 1e6;

export function monthlyBill({ hosts, processesPerHost }: Fleet, measured: Measured): readonly BillLine[] {
  const records = hosts * FLUSHES_PER_HOUR * HOURS_PER_MONTH;
  const billedBytes = records * measured.recordBilledBytes;
  const rawBytes = records * measured.recordBytes;
  const rawObjects = Math.max(HOURS_PER_MONTH * FIREHOSE_BUFFERS_PER_HOUR_MIN, rawBytes / FIREHOSE_BUFFER_BYTES);
  const processHours = hosts * processesPerHost * HOURS_PER_MONTH;
  const rows = processHours * ROWS_PER_PROCESS_HOUR;
  const storedGb =
    (rawBytes * RAW_RETENTION_MONTHS +
      rows * measured.processRowBytes * PROCESS_RETENTION_MONTHS +
      processHours * measured.hourRowBytes * HOUR_RETENTION_MONTHS) /
    GB;
  const convertGbSeconds = (rows / measured.rowsPerCpuSecond) * CONVERT_OVERHEAD * CONVERT_MEMORY_GB;
  const processesAtOnce = hosts * processesPerHost;
  const rollupBytes = processesAtOnce * ROWS_PER_PROCESS_HOUR * ROLLUP_HOURS * measured.processRowBytes;
  const detectionBytes = processesAtOnce * DETECTION_HOURS * measured.hourRowBytes * DETECTION_COLUMN_SHARE;
  const scannedBytes =
    HOURS_PER_MONTH * (scan(rollupBytes / ROLLUP_HOURS) * ROLLUP_HOURS + DETECTION_QUERIES * scan(detectionBytes) + scan(0));
  return [
    line("Firehose", "ingest, records rounded up to 5 KB", (billedBytes / GB) * prices.firehosePerGb),
    line("S3", "storage of raw objects, minutes and hours", storedGb * prices.s3StandardPerGbMonth),
    line(
      "S3",
      "requests",
      ((rawObjects * (1 + LAKE_FILES_PER_RAW_OBJECT)) / MILLION) * prices.s3PutPerMillion +
        (rawObjects / MILLION) * prices.s3GetPerMillion,
    ),
    line(
      "EventBridge, SQS",
      "one message a raw object",
      (rawObjects / MILLION) * (prices.eventBridgePerMillion + 3 * prices.sqsPerMillion),
    ),
    line(
      "Lambda",
      "conversion, and the scheduled functions",
      (convertGbSeconds + OTHER_LAMBDA_GB_SECONDS_PER_HOUR * HOURS_PER_MONTH) * prices.lambdaArmPerGbSecond +
        (rawObjects / MILLION) * prices.lambdaPerMillionRequests,
    ),
    line("Athena", "hourly rollup and detection", (scannedBytes / 1e12) * prices.athenaPerTb),
    line(
      "CloudWatch",
      "alarms, dashboard, Tidemark's own metrics and logs",
      ALARMS * prices.cloudWatchAlarmPerMonth +
        prices.cloudWatchDashboardPerMonth +
        tiered(OWN_METRICS) +
        (rawObjects / MILLION) * LOG_GB_PER_MILLION_OBJECTS * prices.cloudWatchLogsPerGb,
    ),
    line("KMS, Secrets Manager", "one key, the Slack webhook", KMS_KEYS * prices.kmsKeyPerMonth + prices.secretPerMonth),
  ];
}

/** The same four figures of every process kept elsewhere. */
export function alternatives({ hosts, processesPerHost }: Fleet): readonly BillLine[] {
  const series = hosts * processesPerHost * SERIES_PER_PROCESS;
  const paidSeries = Math.max(0, series - prices.grafanaSeriesIncluded);
  return [
    line("CloudWatch", `${SERIES_PER_PROCESS} custom metrics a process`, tiered(series)),
    line("Datadog", "infrastructure hosts", hosts * prices.datadogHostPerMonth),
    line(
      "Grafana Cloud",
      `${SERIES_PER_PROCESS} active series a process`,
      prices.grafanaBasePerMonth + (paidSeries / 1_000) * prices.grafanaPerThousandSeries,
    ),
  ];
}

const SERIES_PER_PROCESS = 4;

export const total = (lines: readonly BillLine[]): number =>
  lines.reduce((sum, { dollarsPerMonth }) => sum + dollarsPerMonth, 0);

const line = (service: string, what: string, dollarsPerMonth: number): BillLine => ({ service, what, dollarsPerMonth });

const scan = (bytes: number): number => Math.max(prices.athenaBytesMin, bytes);

function tiered(metrics: number): number {
  let [dollars, from] = [0, 0];
  for (const { upTo, each } of prices.cloudWatchMetricTiers) {
    dollars += Math.max(0, Math.min(metrics, upTo) - from) * each;
    from = upTo;
  }
  return dollars;
}
