-- rss_not_returned: processes whose resident memory did not return after the peak although their live bytes did, and why.
-- why:    that memory is held, not used. Who holds it decides the cure: many arenas, pinned pages, or pages merely kept.
--         Judged at the last trough (the hour of fewest live bytes of the last period), so that a peak in progress is no
--         finding, and of processes that still run: what the dead held is free. The window is a whole number of periods.
--         Held is free memory on resident pages. Live bytes must have fallen since a peak, or two troughs must agree.
-- grain:  one row per host_id, process_key (pid plus start time, because pids are reused)
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 period_seconds bigint = 86400, 4 held_bytes_min bigint = 33554432, 5 held_share_min double = 0.3, 6 arena_count_min bigint = 4, 7 hour_count_min bigint = 4, 8 dt_first varchar, 9 dt_last varchar
-- result: host_id, process_key, service, pid, cause, since, rss_bytes_peak, rss_bytes_trough, live_bytes_peak, live_bytes_trough, held_bytes, free_chunk_count, free_chunk_bytes_max, reclaimable_bytes, non_main_free_bytes, arena_count_over_1mib
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS period_seconds,
    CAST(? AS bigint) AS held_bytes_min,
    CAST(? AS double) AS held_share_min,
    CAST(? AS bigint) AS arena_count_min,
    CAST(? AS bigint) AS hour_count_min
),
hours AS (
  SELECT
    s.host_id,
    s.process_key,
    s.service,
    s.pid,
    s.hour,
    s.rss_bytes_max,
    s.rss_bytes_trough,
    s.live_bytes_max,
    s.live_bytes_trough,
    s.free_bytes_trough,
    s.free_resident_bytes_trough,
    s.free_chunk_count_trough,
    s.free_chunk_bytes_max_trough,
    s.reclaimable_bytes_trough,
    s.non_main_free_bytes_trough,
    s.heap_bytes_trough,
    s.arena_count_over_1mib_trough,
    s.arena_bytes_max_trough,
    date_diff('second', p.window_start, s.hour) / p.period_seconds AS period,
    max(s.hour) OVER (PARTITION BY s.host_id) AS host_hour_last,
    max(s.hour) OVER (PARTITION BY s.host_id, s.process_key) AS process_hour_last
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
    rss_bytes_trough,
    live_bytes_trough,
    free_bytes_trough,
    free_resident_bytes_trough,
    free_chunk_count_trough,
    free_chunk_bytes_max_trough,
    reclaimable_bytes_trough,
    non_main_free_bytes_trough,
    heap_bytes_trough,
    arena_count_over_1mib_trough,
    arena_bytes_max_trough,
    period,
    row_number() OVER (PARTITION BY host_id, process_key, period ORDER BY live_bytes_trough, hour DESC) AS place_in_period,
    count(*) OVER (PARTITION BY host_id, process_key, period) AS hour_count,
    max(period) OVER (PARTITION BY host_id, process_key) AS period_last,
    max(rss_bytes_max) OVER (PARTITION BY host_id, process_key) AS rss_bytes_peak,
    max(live_bytes_max) OVER (PARTITION BY host_id, process_key) AS live_bytes_peak
  FROM hours
  WHERE process_hour_last = host_hour_last
    AND live_bytes_trough IS NOT NULL
    AND free_resident_bytes_trough IS NOT NULL
),
troughs AS (
  SELECT
    r.host_id,
    r.process_key,
    r.service,
    r.pid,
    r.rss_bytes_trough,
    r.live_bytes_trough,
    r.free_bytes_trough,
    r.free_resident_bytes_trough,
    r.free_chunk_count_trough,
    r.free_chunk_bytes_max_trough,
    r.reclaimable_bytes_trough,
    r.non_main_free_bytes_trough,
    r.heap_bytes_trough,
    r.arena_count_over_1mib_trough,
    r.arena_bytes_max_trough,
    r.period,
    r.period_last,
    r.hour_count,
    r.rss_bytes_peak,
    r.live_bytes_peak,
    min(CASE WHEN r.free_resident_bytes_trough >= p.held_bytes_min THEN r.hour END) OVER (PARTITION BY r.host_id, r.process_key) AS since,
    sum(CASE WHEN r.free_resident_bytes_trough >= p.held_bytes_min THEN 1 ELSE 0 END) OVER (PARTITION BY r.host_id, r.process_key) AS held_period_count
  FROM ranked AS r
  CROSS JOIN params AS p
  WHERE r.place_in_period = 1
)
SELECT
  t.host_id,
  t.process_key,
  t.service,
  t.pid,
  CASE
    WHEN t.arena_count_over_1mib_trough >= p.arena_count_min
      AND t.arena_bytes_max_trough < t.heap_bytes_trough / 2
      AND t.non_main_free_bytes_trough >= t.free_bytes_trough / 2 THEN 'arena_bloat'
    WHEN t.reclaimable_bytes_trough >= t.free_resident_bytes_trough / 2 THEN 'retention'
    ELSE 'fragmentation'
  END AS cause,
  t.since,
  t.rss_bytes_peak,
  t.rss_bytes_trough,
  t.live_bytes_peak,
  t.live_bytes_trough,
  t.free_resident_bytes_trough AS held_bytes,
  t.free_chunk_count_trough AS free_chunk_count,
  t.free_chunk_bytes_max_trough AS free_chunk_bytes_max,
  t.reclaimable_bytes_trough AS reclaimable_bytes,
  t.non_main_free_bytes_trough AS non_main_free_bytes,
  t.arena_count_over_1mib_trough AS arena_count_over_1mib
FROM troughs AS t
CROSS JOIN params AS p
WHERE t.period = t.period_last
  AND t.hour_count >= p.hour_count_min
  AND t.free_resident_bytes_trough >= p.held_bytes_min
  AND t.free_resident_bytes_trough >= t.rss_bytes_trough * p.held_share_min
  AND (t.live_bytes_trough <= t.live_bytes_peak * 0.9e0 OR t.held_period_count >= 2)
ORDER BY t.host_id, t.process_key
