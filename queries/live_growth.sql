-- live_growth: processes whose live bytes rose from trough to trough and still rise in the last period.
-- why:    memory that the program holds and asks for more of: a leak, unless it is a cache that has not found its bound yet.
--         Troughs (the fewest live bytes of each period) are compared, so that peaks do not count; a period in which the
--         process started does not count either. One dip among many steps is no excuse, growth that has levelled off by
--         the last period is a cache. Judged of processes that still run. The window is a whole number of periods.
-- grain:  one row per host_id, process_key (pid plus start time, because pids are reused)
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 period_seconds bigint = 86400, 4 growth_bytes_min bigint = 33554432, 5 growth_share_min double = 0.1, 6 last_step_share_min double = 0.1, 7 rising_share_min double = 0.7, 8 hour_count_min bigint = 4, 9 dt_first varchar, 10 dt_last varchar
-- result: host_id, process_key, service, pid, since, period_count, live_bytes_first, live_bytes_last, growth_bytes, last_step_bytes
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS period_seconds,
    CAST(? AS bigint) AS growth_bytes_min,
    CAST(? AS double) AS growth_share_min,
    CAST(? AS double) AS last_step_share_min,
    CAST(? AS double) AS rising_share_min,
    CAST(? AS bigint) AS hour_count_min
),
hours AS (
  SELECT
    s.host_id,
    s.process_key,
    s.service,
    s.pid,
    s.hour,
    s.live_bytes_trough,
    p.period_seconds,
    p.hour_count_min,
    date_diff('second', p.window_start, s.hour) AS second,
    date_diff('second', p.window_start, s.hour) / p.period_seconds AS period,
    max(s.hour) OVER (PARTITION BY s.host_id) AS host_hour_last,
    max(s.hour) OVER (PARTITION BY s.host_id, s.process_key) AS process_hour_last,
    min(date_diff('second', p.window_start, s.hour)) OVER (PARTITION BY s.host_id, s.process_key) AS process_second_first
  FROM process_hours AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.hour >= p.window_start
    AND s.hour < p.window_end
),
troughs AS (
  SELECT
    host_id,
    process_key,
    max_by(service, hour) AS service,
    max(pid) AS pid,
    period,
    min(hour) AS period_started_at,
    min(live_bytes_trough) AS live_bytes
  FROM hours
  WHERE process_hour_last = host_hour_last
    AND live_bytes_trough IS NOT NULL
    AND process_second_first <= period * period_seconds + period_seconds / 8
  GROUP BY host_id, process_key, period, hour_count_min
  HAVING count(*) >= hour_count_min
),
steps AS (
  SELECT
    host_id,
    process_key,
    service,
    pid,
    period,
    period_started_at,
    live_bytes,
    live_bytes - lag(live_bytes) OVER (PARTITION BY host_id, process_key ORDER BY period) AS step_bytes,
    row_number() OVER (PARTITION BY host_id, process_key ORDER BY period) AS place,
    row_number() OVER (PARTITION BY host_id, process_key ORDER BY period DESC) AS place_from_last
  FROM troughs
),
growth AS (
  SELECT
    host_id,
    process_key,
    max(CASE WHEN place_from_last = 1 THEN service END) AS service,
    max(pid) AS pid,
    min(period_started_at) AS since,
    count(*) AS period_count,
    count(step_bytes) AS step_count,
    sum(CASE WHEN step_bytes > 0 THEN 1 ELSE 0 END) AS rising_step_count,
    max(CASE WHEN place = 1 THEN live_bytes END) AS live_bytes_first,
    max(CASE WHEN place_from_last = 1 THEN live_bytes END) AS live_bytes_last,
    max(CASE WHEN place_from_last = 1 THEN step_bytes END) AS last_step_bytes
  FROM steps
  GROUP BY host_id, process_key
)
SELECT
  g.host_id,
  g.process_key,
  g.service,
  g.pid,
  g.since,
  g.period_count,
  g.live_bytes_first,
  g.live_bytes_last,
  g.live_bytes_last - g.live_bytes_first AS growth_bytes,
  g.last_step_bytes
FROM growth AS g
CROSS JOIN params AS p
WHERE g.period_count >= 3
  AND g.rising_step_count >= g.step_count * p.rising_share_min
  AND g.live_bytes_last - g.live_bytes_first >= p.growth_bytes_min
  AND g.live_bytes_last - g.live_bytes_first >= g.live_bytes_first * p.growth_share_min
  AND g.last_step_bytes >= (g.live_bytes_last - g.live_bytes_first) * p.last_step_share_min
ORDER BY g.host_id, g.process_key
