-- sample_freshness: how old the newest sample is, and how many hosts have gone silent.
-- why:    a monitor that goes blind must show it. A host is silent when it sent samples in the window but none lately.
-- grain:  one row; none when the window has no samples at all
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 silent_seconds bigint = 3600, 4 dt_first varchar, 5 dt_last varchar
-- result: newest_sample_at, newest_sample_age_seconds, host_count, silent_host_count
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS silent_seconds
),
hosts AS (
  SELECT
    s.host_id,
    p.window_end,
    p.silent_seconds,
    max(s.sampled_at) AS newest_sample_at
  FROM collector_samples AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.sampled_at >= p.window_start
    AND s.sampled_at < p.window_end
  GROUP BY s.host_id, p.window_end, p.silent_seconds
)
SELECT
  max(newest_sample_at) AS newest_sample_at,
  date_diff('second', max(newest_sample_at), window_end) AS newest_sample_age_seconds,
  count(*) AS host_count,
  sum(CASE WHEN date_diff('second', newest_sample_at, window_end) > silent_seconds THEN 1 ELSE 0 END) AS silent_host_count
FROM hosts
GROUP BY window_end
ORDER BY newest_sample_at
