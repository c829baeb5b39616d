-- rss_not_returned: processes whose resident memory did not return after the peak although their live bytes did, and why.
-- why:    that memory is held, not used. Who holds it decides the cure: many arenas, pinned pages, or pages merely kept.
--         Judged at the last trough (the hour of fewest live bytes of the last period), so that a peak in progress is no
--         finding and a peak before the window is no excuse. The window is a whole number of periods.
-- grain:  one row per host_id, process_key (pid plus start time, because pids are reused)
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 period_seconds bigint = 86400, 4 held_bytes_min bigint = 33554432, 5 held_share_min double = 0.3, 6 arena_count_min bigint = 4, 7 dt_first varchar, 8 dt_last varchar
-- result: host_id, process_key, service, pid, cause (arena_bloat, retention, fragmentation), since, rss_bytes_peak, rss_bytes_trough, live_bytes_peak, live_bytes_trough, held_bytes, free_bytes, free_chunk_count, free_chunk_bytes_max, reclaimable_bytes, non_main_free_bytes, arena_count
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS period_seconds,
    CAST(? AS bigint) AS held_bytes_min,
    CAST(? AS double) AS held_share_min,
    CAST(? AS bigint) AS arena_count_min
),
samples AS (
  SELECT
    s.host_id,
    s.process_key,
    s.service,
    s.pid,
    s.hour,
    s.rss_bytes_max,
    s.rss_bytes_trough AS rss_bytes,
    s.anon_bytes_trough AS anon_bytes,
    s.live_bytes_max,
    s.live_bytes_trough AS live_bytes,
    s.free_bytes_trough AS free_bytes,
    s.free_chunk_count_trough AS free_chunk_count,
    s.free_chunk_bytes_max_trough AS free_chunk_bytes_max,
    s.reclaimable_bytes_trough AS reclaimable_bytes,
    s.non_main_free_bytes_trough AS non_main_free_bytes,
    s.arena_count_trough AS arena_count,
    least(s.free_bytes_trough, greatest(s.anon_bytes_trough - s.live_bytes_trough, 0)) AS held_bytes,
    date_diff('second', p.window_start, s.hour) / p.period_seconds AS period
  FROM process_hours AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.hour >= p.window_start
    AND s.hour < p.window_end
    AND s.live_bytes_trough IS NOT NULL
    AND s.free_bytes_trough IS NOT NULL
    AND s.anon_bytes_trough IS NOT NULL
),
ranked AS (
  SELECT
    host_id,
    process_key,
    service,
    pid,
    hour,
    rss_bytes,
    anon_bytes,
    live_bytes,
    free_bytes,
    free_chunk_count,
    free_chunk_bytes_max,
    reclaimable_bytes,
    non_main_free_bytes,
    arena_count,
    held_bytes,
    period,
    row_number() OVER (PARTITION BY host_id, process_key, period ORDER BY live_bytes, hour DESC) AS place_in_period,
    max(rss_bytes_max) OVER (PARTITION BY host_id, process_key) AS rss_bytes_peak,
    max(live_bytes_max) OVER (PARTITION BY host_id, process_key) AS live_bytes_peak
  FROM samples
),
troughs AS (
  SELECT
    host_id,
    process_key,
    service,
    pid,
    rss_bytes,
    anon_bytes,
    live_bytes,
    free_bytes,
    free_chunk_count,
    free_chunk_bytes_max,
    reclaimable_bytes,
    non_main_free_bytes,
    arena_count,
    held_bytes,
    rss_bytes_peak,
    live_bytes_peak,
    row_number() OVER (PARTITION BY host_id, process_key ORDER BY period DESC) AS place_from_last,
    min(CASE WHEN held_bytes >= held_bytes_min THEN hour END) OVER (PARTITION BY host_id, process_key) AS since
  FROM ranked
  CROSS JOIN params
  WHERE place_in_period = 1
)
SELECT
  t.host_id,
  t.process_key,
  t.service,
  t.pid,
  CASE
    WHEN t.arena_count >= p.arena_count_min AND t.non_main_free_bytes >= t.free_bytes / 2 THEN 'arena_bloat'
    WHEN t.reclaimable_bytes >= t.held_bytes / 2 THEN 'retention'
    ELSE 'fragmentation'
  END AS cause,
  t.since,
  t.rss_bytes_peak,
  t.rss_bytes AS rss_bytes_trough,
  t.live_bytes_peak,
  t.live_bytes AS live_bytes_trough,
  t.held_bytes,
  t.free_bytes,
  t.free_chunk_count,
  t.free_chunk_bytes_max,
  t.reclaimable_bytes,
  t.non_main_free_bytes,
  t.arena_count
FROM troughs AS t
CROSS JOIN params AS p
WHERE t.place_from_last = 1
  AND t.held_bytes >= p.held_bytes_min
  AND t.held_bytes >= t.anon_bytes * p.held_share_min
ORDER BY t.host_id, t.process_key
