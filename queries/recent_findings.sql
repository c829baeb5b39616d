-- recent_findings: the findings of a stretch of time, each with its latest state.
-- why:    what was said before need not be said again; what is new must be.
-- grain:  one row per finding_id
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 dt_first varchar, 4 dt_last varchar
-- result: finding_id, service, cause, found_at_first, found_at_last, excess_bytes_last
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end
),
ranked AS (
  SELECT
    f.finding_id,
    f.service,
    f.cause,
    f.found_at,
    f.excess_bytes,
    row_number() OVER (PARTITION BY f.finding_id ORDER BY f.found_at DESC) AS place_from_last
  FROM findings AS f
  CROSS JOIN params AS p
  WHERE f.dt BETWEEN ? AND ?
    AND f.found_at >= p.window_start
    AND f.found_at < p.window_end
)
SELECT
  finding_id,
  service,
  cause,
  min(found_at) AS found_at_first,
  max(found_at) AS found_at_last,
  max(CASE WHEN place_from_last = 1 THEN excess_bytes END) AS excess_bytes_last
FROM ranked
GROUP BY finding_id, service, cause
ORDER BY finding_id
