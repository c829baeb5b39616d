-- largest_free_chunk_falling: heaps whose largest free chunk shrinks relative to total free memory while that memory holds.
-- why:    the heap is splitting, not filling; a large request will soon need fresh pages. An early warning, not a verdict.
--         Tops are left out: a heap grows from them, they are no chunk that splits.
--         Weighted by bytes within a period: at a peak there is little free memory, and its ratio says little.
-- grain:  one row per host_id, process_key (pid plus start time, because pids are reused)
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 period_seconds bigint = 86400, 4 free_bytes_min bigint = 16777216, 5 chunk_ratio_drop_min double = 0.2, 6 dt_first varchar, 7 dt_last varchar
-- result: host_id, process_key, service, pid, chunk_ratio_first, chunk_ratio_last, free_bytes_first, free_bytes_last
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS period_seconds,
    CAST(? AS bigint) AS free_bytes_min,
    CAST(? AS double) AS chunk_ratio_drop_min
),
samples AS (
  SELECT
    s.host_id,
    s.process_key,
    s.service,
    s.pid,
    s.hour,
    s.free_bytes_trough - s.top_bytes_trough AS free_bytes,
    s.free_chunk_bytes_max_trough AS free_chunk_bytes_max,
    date_diff('second', p.window_start, s.hour) / p.period_seconds AS period
  FROM process_hours AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.hour >= p.window_start
    AND s.hour < p.window_end
    AND s.free_chunk_bytes_max_trough IS NOT NULL
),
periods AS (
  SELECT
    host_id,
    process_key,
    max_by(service, hour) AS service,
    max(pid) AS pid,
    period,
    CAST(sum(free_chunk_bytes_max) AS double) / nullif(sum(free_bytes), 0) AS chunk_ratio,
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
    max(CASE WHEN period = period_first THEN chunk_ratio END) AS chunk_ratio_first,
    max(CASE WHEN period = period_last THEN chunk_ratio END) AS chunk_ratio_last,
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
  e.chunk_ratio_first,
  e.chunk_ratio_last,
  e.free_bytes_first,
  e.free_bytes_last
FROM ends AS e
CROSS JOIN params AS p
WHERE e.free_bytes_last >= p.free_bytes_min
  AND e.free_bytes_last >= e.free_bytes_first
  AND e.chunk_ratio_first > 0
  AND e.chunk_ratio_last <= e.chunk_ratio_first * (1 - p.chunk_ratio_drop_min)
ORDER BY e.host_id, e.process_key
