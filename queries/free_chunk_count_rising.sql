-- free_chunk_count_rising: heaps whose free chunks become more while total free memory does not fall.
-- why:    the same free memory lies in ever smaller pieces. An early warning, not a verdict.
-- grain:  one row per host_id, process_key (pid plus start time, because pids are reused)
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 period_seconds bigint = 86400, 4 free_bytes_min bigint = 16777216, 5 free_chunk_count_min bigint = 1000, 6 count_rise_min double = 0.2, 7 dt_first varchar, 8 dt_last varchar
-- result: host_id, process_key, service, pid, free_chunk_count_first, free_chunk_count_last, free_bytes_first, free_bytes_last
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS period_seconds,
    CAST(? AS bigint) AS free_bytes_min,
    CAST(? AS bigint) AS free_chunk_count_min,
    CAST(? AS double) AS count_rise_min
),
samples AS (
  SELECT
    s.host_id,
    s.process_key,
    s.service,
    s.pid,
    s.hour,
    s.free_bytes_trough AS free_bytes,
    s.free_chunk_count_trough AS free_chunk_count,
    date_diff('second', p.window_start, s.hour) / p.period_seconds AS period
  FROM process_hours AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.hour >= p.window_start
    AND s.hour < p.window_end
    AND s.free_chunk_count_trough IS NOT NULL
),
periods AS (
  SELECT
    host_id,
    process_key,
    max_by(service, hour) AS service,
    max(pid) AS pid,
    period,
    avg(free_chunk_count) AS free_chunk_count,
    avg(free_bytes) AS free_bytes,
    min(period) OVER (PARTITION BY host_id, process_key) AS period_first,
    max(period) OVER (PARTITION BY host_id, process_key) AS period_last
  FROM samples
  GROUP BY host_id, process_key, period
),
ends AS (
  SELECT
    host_id,
    process_key,
    max(CASE WHEN period = period_last THEN service END) AS service,
    max(pid) AS pid,
    CAST(round(max(CASE WHEN period = period_first THEN free_chunk_count END)) AS bigint) AS free_chunk_count_first,
    CAST(round(max(CASE WHEN period = period_last THEN free_chunk_count END)) AS bigint) AS free_chunk_count_last,
    CAST(round(max(CASE WHEN period = period_first THEN free_bytes END)) AS bigint) AS free_bytes_first,
    CAST(round(max(CASE WHEN period = period_last THEN free_bytes END)) AS bigint) AS free_bytes_last
  FROM periods
  WHERE period_last > period_first
  GROUP BY host_id, process_key
)
SELECT
  e.host_id,
  e.process_key,
  e.service,
  e.pid,
  e.free_chunk_count_first,
  e.free_chunk_count_last,
  e.free_bytes_first,
  e.free_bytes_last
FROM ends AS e
CROSS JOIN params AS p
WHERE e.free_bytes_last >= p.free_bytes_min
  AND e.free_bytes_last >= e.free_bytes_first
  AND e.free_chunk_count_last >= p.free_chunk_count_min
  AND e.free_chunk_count_last >= e.free_chunk_count_first * (1 + p.count_rise_min)
ORDER BY e.host_id, e.process_key
