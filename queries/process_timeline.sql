-- process_timeline: resident, live and free bytes over time of the processes that matter most, hour by hour.
-- why:    the picture behind a finding: what rose at the peak, and what came back. A fleet has too many processes to draw.
-- grain:  one row per host_id, process_key, hour, of the processes among the largest by RSS or by held free memory
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 process_count_max bigint = 100, 4 dt_first varchar, 5 dt_last varchar
-- result: host_id, process_key, service, pid, hour, rss_bytes, live_bytes, free_bytes
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS process_count_max
),
hours AS (
  SELECT
    s.host_id,
    s.process_key,
    s.service,
    s.pid,
    s.hour,
    s.rss_bytes_last,
    s.live_bytes_last,
    s.free_bytes_last,
    p.process_count_max,
    coalesce(max(s.rss_bytes_max) OVER (PARTITION BY s.host_id, s.process_key), 0) AS rss_bytes_peak,
    coalesce(max(s.free_resident_bytes_trough) OVER (PARTITION BY s.host_id, s.process_key), 0) AS held_bytes_peak
  FROM process_hours AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.hour >= p.window_start
    AND s.hour < p.window_end
),
ranked AS (
  SELECT
    host_id,
    process_key,
    service,
    pid,
    hour,
    rss_bytes_last,
    live_bytes_last,
    free_bytes_last,
    process_count_max,
    held_bytes_peak,
    dense_rank() OVER (ORDER BY rss_bytes_peak DESC, host_id, process_key) AS place_by_rss,
    dense_rank() OVER (ORDER BY held_bytes_peak DESC, host_id, process_key) AS place_by_held
  FROM hours
)
SELECT
  host_id,
  process_key,
  service,
  pid,
  hour,
  rss_bytes_last AS rss_bytes,
  live_bytes_last AS live_bytes,
  free_bytes_last AS free_bytes
FROM ranked
WHERE place_by_rss <= process_count_max
  OR (place_by_held <= process_count_max AND held_bytes_peak > 0)
ORDER BY host_id, process_key, hour
