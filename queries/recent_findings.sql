-- recent_findings: the last row of every finding of a stretch of time.
-- why:    what was said before need not be said again, what is gone is said once, and what is new must be said.
-- grain:  one row per finding_id
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 dt_first varchar, 4 dt_last varchar
-- result: found_at, finding_id, service, environment, cause, scope, detector, state, severity, since, first_found_at, host_count, host_id, process_count, excess_bytes, reclaimable_bytes, trend_bytes_per_day, confidence, service_version, explained_by, evidence, early_warnings, class_at, class_excess_bytes, class_host_count, class_severity, announced_at, announced_state, muted
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end
),
ranked AS (
  SELECT
    f.found_at,
    f.finding_id,
    f.service,
    f.environment,
    f.cause,
    f.scope,
    f.detector,
    f.state,
    f.severity,
    f.since,
    f.first_found_at,
    f.host_count,
    f.host_id,
    f.process_count,
    f.excess_bytes,
    f.reclaimable_bytes,
    f.trend_bytes_per_day,
    f.confidence,
    f.service_version,
    f.explained_by,
    f.evidence,
    f.early_warnings,
    f.class_at,
    f.class_excess_bytes,
    f.class_host_count,
    f.class_severity,
    f.announced_at,
    f.announced_state,
    f.muted,
    row_number() OVER (PARTITION BY f.finding_id ORDER BY f.found_at DESC) AS place_from_last
  FROM findings AS f
  CROSS JOIN params AS p
  WHERE f.dt BETWEEN ? AND ?
    AND f.found_at >= p.window_start
    AND f.found_at < p.window_end
)
SELECT
  found_at,
  finding_id,
  service,
  environment,
  cause,
  scope,
  detector,
  state,
  severity,
  since,
  first_found_at,
  host_count,
  host_id,
  process_count,
  excess_bytes,
  reclaimable_bytes,
  trend_bytes_per_day,
  confidence,
  service_version,
  explained_by,
  evidence,
  early_warnings,
  class_at,
  class_excess_bytes,
  class_host_count,
  class_severity,
  announced_at,
  announced_state,
  muted
FROM ranked
WHERE place_from_last = 1
ORDER BY finding_id
