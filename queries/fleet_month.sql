-- fleet_month: every service over a month: its hosts and processes, what it keeps in memory, what of it nobody uses, and its trend.
-- why:    where memory goes, and where it will be next month, before anybody asks about one process.
--         Averages are over the hours of the window in which the service ran, of the sums over its processes at each hour's end.
--         The slope is of least squares over these hours: a daily wave cancels out over whole days, growth stays. It is
--         taken over the least of them, so that large sums do not eat small differences.
-- grain:  one row per service, environment
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 dt_first varchar, 4 dt_last varchar
-- result: service, environment, hour_count, host_count_max, process_count_max, rss_bytes_avg, rss_bytes_max, live_bytes_avg, free_resident_bytes_avg, reclaimable_bytes_avg, rss_bytes_slope_per_day
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end
),
hours AS (
  SELECT
    s.service,
    s.environment,
    s.host_count,
    s.process_count,
    s.rss_bytes,
    s.rss_bytes_max,
    s.live_bytes,
    s.free_resident_bytes,
    s.reclaimable_bytes,
    CAST(s.rss_bytes - min(s.rss_bytes) OVER (PARTITION BY s.service, s.environment) AS double) AS rss_bytes_over_least,
    CASE WHEN s.rss_bytes IS NOT NULL THEN CAST(date_diff('second', p.window_start, s.hour) AS double) / 86400e0 END AS days_in
  FROM service_hours AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.hour >= p.window_start
    AND s.hour < p.window_end
)
SELECT
  service,
  environment,
  count(*) AS hour_count,
  max(host_count) AS host_count_max,
  max(process_count) AS process_count_max,
  CAST(round(avg(CAST(rss_bytes AS double))) AS bigint) AS rss_bytes_avg,
  max(rss_bytes_max) AS rss_bytes_max,
  CAST(round(avg(CAST(live_bytes AS double))) AS bigint) AS live_bytes_avg,
  CAST(round(avg(CAST(free_resident_bytes AS double))) AS bigint) AS free_resident_bytes_avg,
  CAST(round(avg(CAST(reclaimable_bytes AS double))) AS bigint) AS reclaimable_bytes_avg,
  CAST(round(
    (count(days_in) * sum(days_in * rss_bytes_over_least) - sum(days_in) * sum(rss_bytes_over_least))
    / nullif(count(days_in) * sum(days_in * days_in) - sum(days_in) * sum(days_in), 0)
  ) AS bigint) AS rss_bytes_slope_per_day
FROM hours
GROUP BY service, environment
ORDER BY service, environment
