// One dated table of list prices, us-east-1, US dollars. Prices change: look here first when a bill surprises.
// Sources: the services' pricing pages; what is marked was taken from memory and not looked up again.

export const PRICES_AS_OF = "2026-11";

export const prices = {
  /** Direct put, first 500 TB a month; each record is rounded up to 5 KiB (collector/ship/records.ts). */
  firehosePerGb: 0.029,
  s3PutPerMillion: 5,
  s3GetPerMillion: 0.4,
  s3StandardPerGbMonth: 0.023,
  /** Opt-in service events (S3 notifications); from memory. */
  eventBridgePerMillion: 1,
  /** From memory. */
  sqsPerMillion: 0.4,
  lambdaPerMillionRequests: 0.2,
  /** Graviton; from memory. */
  lambdaArmPerGbSecond: 0.0000133334,
  athenaPerTb: 5,
  athenaBytesMin: 10_000_000,
  /** From memory. */
  kmsKeyPerMonth: 1,
  /** From memory. */
  secretPerMonth: 0.4,
  /** Standard alarms and one dashboard beyond the free ones; from memory. */
  cloudWatchAlarmPerMonth: 0.1,
  cloudWatchDashboardPerMonth: 3,
  cloudWatchLogsPerGb: 0.5,
  /** Custom metrics, by tier: up to so many metrics at this price each; the later tiers from memory. */
  cloudWatchMetricTiers: [
    { upTo: 10_000, each: 0.3 },
    { upTo: 250_000, each: 0.1 },
    { upTo: 1_000_000, each: 0.05 },
    { upTo: Number.POSITIVE_INFINITY, each: 0.02 },
  ],
  datadogHostPerMonth: 15,
  grafanaBasePerMonth: 29,
  grafanaSeriesIncluded: 20_000,
  grafanaPerThousandSeries: 8,
} as const;
