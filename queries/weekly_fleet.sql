-- weekly_fleet: what the fleet holds in memory, period by period and by instance type; the weekly report asks about two weeks.
-- why:    the trend of the whole, and what its free memory is worth: memory has the price of the instance that it is in.
--         Figures are averages over the hours of a period in which anything ran at all, of sums at each hour's end, so
--         that instance types add up. Periods count from 0 at the window's start. The rows grow with periods and types.
-- grain:  one row per period, instance_type (NULL where it is not known)
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 period_seconds bigint = 86400, 4 dt_first varchar, 5 dt_last varchar
-- result: period, instance_type, hour_count, host_count, process_count, walked_process_count, rss_bytes, live_bytes, free_resident_bytes, reclaimable_bytes
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS period_seconds
),
hours AS (
  SELECT
    date_diff('second', p.window_start, s.hour) / p.period_seconds AS period,
    s.hour,
    s.instance_type,
    count(DISTINCT s.host_id) AS host_count,
    count(*) AS process_count,
    count(s.live_bytes_last) AS walked_process_count,
    sum(s.rss_bytes_last) AS rss_bytes,
    sum(s.live_bytes_last) AS live_bytes,
    sum(s.free_resident_bytes_last) AS free_resident_bytes,
    sum(s.reclaimable_bytes_last) AS reclaimable_bytes
  FROM process_hours AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.hour >= p.window_start
    AND s.hour < p.window_end
  GROUP BY date_diff('second', p.window_start, s.hour) / p.period_seconds, s.hour, s.instance_type
),
periods AS (
  SELECT
    period,
    count(DISTINCT hour) AS hour_count
  FROM hours
  GROUP BY period
)
SELECT
  h.period,
  h.instance_type,
  p.hour_count,
  CAST(round(CAST(sum(h.host_count) AS double) / p.hour_count) AS bigint) AS host_count,
  CAST(round(CAST(sum(h.process_count) AS double) / p.hour_count) AS bigint) AS process_count,
  CAST(round(CAST(sum(h.walked_process_count) AS double) / p.hour_count) AS bigint) AS walked_process_count,
  CAST(sum(h.rss_bytes) / p.hour_count AS bigint) AS rss_bytes,
  CAST(sum(h.live_bytes) / p.hour_count AS bigint) AS live_bytes,
  CAST(sum(h.free_resident_bytes) / p.hour_count AS bigint) AS free_resident_bytes,
  CAST(sum(h.reclaimable_bytes) / p.hour_count AS bigint) AS reclaimable_bytes
FROM hours AS h
JOIN periods AS p
  ON p.period = h.period
GROUP BY h.period, h.instance_type, p.hour_count
ORDER BY h.period, h.instance_type
