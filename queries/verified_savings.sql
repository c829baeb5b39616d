-- verified_savings: what changes of settings have brought, each by its last measurement.
-- why:    advice is worth what it is measured to save: hosts with the change against hosts without it, with an interval.
--         A change is measured for some days and then settled: look back as far as the ledger is wanted.
-- grain:  one row per service, environment, recommendation_id (or setting, where nobody recommended it), changed_at
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 dt_first varchar, 4 dt_last varchar
-- result: verified_at, service, environment, recommendation_id, finding_id, setting, changed_at, host_count, control_host_count, before_bytes_per_host, after_bytes_per_host, saved_bytes_per_host, saved_bytes_per_host_low, saved_bytes_per_host_high, saved_bytes, dollars_per_month_least, dollars_per_month_most, verdict, evidence
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end
),
ranked AS (
  SELECT
    r.verified_at,
    r.service,
    r.environment,
    r.recommendation_id,
    r.finding_id,
    r.setting,
    r.changed_at,
    r.host_count,
    r.control_host_count,
    r.before_bytes_per_host,
    r.after_bytes_per_host,
    r.saved_bytes_per_host,
    r.saved_bytes_per_host_low,
    r.saved_bytes_per_host_high,
    r.saved_bytes,
    r.dollars_per_month_least,
    r.dollars_per_month_most,
    r.verdict,
    r.evidence,
    row_number() OVER (PARTITION BY r.service, r.environment, coalesce(r.recommendation_id, r.setting), r.changed_at ORDER BY r.verified_at DESC) AS place_from_last
  FROM savings AS r
  CROSS JOIN params AS p
  WHERE r.dt BETWEEN ? AND ?
    AND r.verified_at >= p.window_start
    AND r.verified_at < p.window_end
)
SELECT
  verified_at,
  service,
  environment,
  recommendation_id,
  finding_id,
  setting,
  changed_at,
  host_count,
  control_host_count,
  before_bytes_per_host,
  after_bytes_per_host,
  saved_bytes_per_host,
  saved_bytes_per_host_low,
  saved_bytes_per_host_high,
  saved_bytes,
  dollars_per_month_least,
  dollars_per_month_most,
  verdict,
  evidence
FROM ranked
WHERE place_from_last = 1
ORDER BY changed_at, service, environment, recommendation_id, setting
