-- recent_recommendations: the last row of every recommendation of a stretch of time.
-- why:    what stands need not be filed again, what was withdrawn is not recommended again, and a change is known by it.
--         What is filed anew was said before: the first of its rows within the stretch says since when.
-- grain:  one row per finding_id, recommendation_id
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 dt_first varchar, 4 dt_last varchar
-- result: recommended_at, finding_id, service, environment, cause, recommendation_id, title, setting, changes, bytes_per_process_expected, bytes_fleet_expected, dollars_per_month_least, dollars_per_month_most, state, withdrawn_because, first_recommended_at
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end
),
ranked AS (
  SELECT
    r.recommended_at,
    r.finding_id,
    r.service,
    r.environment,
    r.cause,
    r.recommendation_id,
    r.title,
    r.setting,
    r.changes,
    r.bytes_per_process_expected,
    r.bytes_fleet_expected,
    r.dollars_per_month_least,
    r.dollars_per_month_most,
    r.state,
    r.withdrawn_because,
    min(r.recommended_at) OVER (PARTITION BY r.finding_id, r.recommendation_id) AS first_recommended_at,
    row_number() OVER (PARTITION BY r.finding_id, r.recommendation_id ORDER BY r.recommended_at DESC) AS place_from_last
  FROM recommendations AS r
  CROSS JOIN params AS p
  WHERE r.dt BETWEEN ? AND ?
    AND r.recommended_at >= p.window_start
    AND r.recommended_at < p.window_end
)
SELECT
  recommended_at,
  finding_id,
  service,
  environment,
  cause,
  recommendation_id,
  title,
  setting,
  changes,
  bytes_per_process_expected,
  bytes_fleet_expected,
  dollars_per_month_least,
  dollars_per_month_most,
  state,
  withdrawn_because,
  first_recommended_at
FROM ranked
WHERE place_from_last = 1
ORDER BY finding_id, recommendation_id
