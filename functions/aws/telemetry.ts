// What a Lambda tells its operators: structured logs and metrics (EMF, namespace Tidemark), by powertools.
// Which metrics have alarms is infra's; what a figure means is said where it is counted; traces are tracing.ts's.
import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import type { ConvertReport } from "../convert.ts";
import type { LakeObservation } from "../detect.ts";
import type { Log, Notifier } from "../edges.ts";
import type { RollupReport } from "../rollup.ts";
import type { QueryOutcome } from "./query-outcome.ts";

export interface Telemetry {
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Names and namespace come from POWERTOOLS_SERVICE_NAME and POWERTOOLS_METRICS_NAMESPACE. */
export const createTelemetry = (): Telemetry => ({
  logger: new Logger(),
  metrics: new Metrics(),
});

export const logOf = ({ logger }: Telemetry): Log => ({
  info: (message, fields = {}) => logger.info(message, { ...fields }),
  warn: (message, fields = {}) => logger.warn(message, { ...fields }),
  error: (message, fields = {}) => logger.error(message, { ...fields }),
});

/** Rejects counts every reason, also those that cost no row that anybody could count: unknown columns, lines that are no batch. */
export function countConversion({ metrics }: Telemetry, report: ConvertReport): void {
  if (report.kind === "refused") {
    metrics.addMetric("RejectedRows", MetricUnit.Count, 1);
    metrics.addMetric("Rejects", MetricUnit.Count, 1);
    return;
  }
  const { process, host, collector } = report.rows;
  metrics.addMetric("ConvertedObjects", MetricUnit.Count, 1);
  metrics.addMetric("ConvertedRows", MetricUnit.Count, process + host + collector);
  metrics.addMetric("RejectedRows", MetricUnit.Count, report.rejectedRows);
  metrics.addMetric("DamagedMembers", MetricUnit.Count, report.damagedMembers);
  metrics.addMetric("Rejects", MetricUnit.Count, report.rejects);
}

export function countRollup({ metrics, logger }: Telemetry, report: RollupReport): void {
  logger.info("hours rolled up", { ...report });
  metrics.addMetric("LateHours", MetricUnit.Count, report.lateHours);
  metrics.addMetric("FilesCompacted", MetricUnit.Count, report.filesCompacted);
}

/** Bytes with the query's name as a dimension, because one costly query must show; failures in one sum, for one alarm. */
export function countQuery({ metrics, logger }: Telemetry, outcome: QueryOutcome): void {
  logger.info("query ended", { ...outcome });
  metrics.addMetric("QueryFailures", MetricUnit.Count, outcome.state === "SUCCEEDED" ? 0 : 1);
  if (outcome.scannedBytes === null) return;
  const single = metrics.singleMetric();
  single.addDimension("query", outcome.name);
  single.addMetric("QueryScannedBytes", MetricUnit.Bytes, outcome.scannedBytes);
}

/** What is not known is not counted: the alarms treat a missing figure as a breach of its own. */
export function countLake(
  { metrics, logger }: Telemetry,
  { findingsOpen, newestSampleAgeSeconds, silentHosts, alertConfigProblems }: LakeObservation,
): void {
  for (const problem of alertConfigProblems) logger.error("the alert settings are not used", { problem });
  metrics.addMetric("AlertConfigProblems", MetricUnit.Count, alertConfigProblems.length);
  metrics.addMetric("FindingsOpen", MetricUnit.Count, findingsOpen);
  if (newestSampleAgeSeconds !== null) metrics.addMetric("NewestSampleAgeSeconds", MetricUnit.Seconds, newestSampleAgeSeconds);
  if (silentHosts !== null) metrics.addMetric("SilentHosts", MetricUnit.Count, silentHosts);
}

/** The notifier, counting what it has sent. */
export const countedNotifier = ({ metrics }: Telemetry, notifier: Notifier): Notifier => ({
  async send(message) {
    await notifier.send(message);
    metrics.addMetric("AlertsSent", MetricUnit.Count, 1);
  },
});
