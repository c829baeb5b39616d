-- rollup_process_hours: the rows of one process and hour (or shorter bucket) in one row: extremes, ends, its trough.
-- why:    questions over weeks read hours instead of minutes; troughs are kept whole, because causes are judged there.
--         The window lies within one hour, so that one partition is read (hr).
--         Buckets are an hour in production and a second where time is compressed; either way the column is called hour.
-- grain:  one row per host_id, process_key, hour; columns in the order of the table process_hour
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 bucket_seconds bigint = 3600, 4 dt_first varchar, 5 dt_last varchar, 6 hr bigint
-- result: hour, host_id, host_name, boot_id, pid, process_key, service, service_version, environment, allocator, sample_count, walk_count, rss_bytes_min, rss_bytes_max, rss_bytes_last, swap_bytes_max, live_bytes_first, live_bytes_last, live_bytes_max, free_bytes_last, live_bytes_trough, rss_bytes_trough, anon_bytes_trough, free_bytes_trough, free_resident_bytes_trough, top_bytes_trough, heap_bytes_trough, free_chunk_count_trough, free_chunk_bytes_max_trough, reclaimable_bytes_trough, non_main_free_bytes_trough, arena_count_over_1mib_trough, arena_bytes_max_trough
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS bucket_seconds
),
samples AS (
  SELECT
    p.window_start + date_diff('second', p.window_start, s.sampled_at) / p.bucket_seconds * p.bucket_seconds * INTERVAL '1' SECOND AS hour,
    s.host_id,
    s.host_name,
    s.boot_id,
    s.pid,
    s.process_key,
    s.service,
    s.service_version,
    s.environment,
    s.allocator,
    s.sampled_at,
    s.sequence,
    s.rss_bytes,
    s.rss_bytes_max,
    s.anon_bytes,
    s.swap_bytes,
    s.live_bytes,
    s.free_bytes,
    s.free_resident_bytes,
    s.top_bytes,
    s.heap_bytes,
    s.free_chunk_count,
    s.free_chunk_bytes_max,
    s.reclaimable_bytes,
    s.non_main_free_bytes,
    s.arena_count_over_1mib,
    s.arena_bytes_max,
    CASE WHEN s.live_bytes IS NULL THEN 1 ELSE 0 END AS is_unwalked
  FROM process_samples AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.hr = ?
    AND s.sampled_at >= p.window_start
    AND s.sampled_at < p.window_end
),
ranked AS (
  SELECT
    hour,
    host_id,
    host_name,
    boot_id,
    pid,
    process_key,
    service,
    service_version,
    environment,
    allocator,
    rss_bytes,
    rss_bytes_max,
    anon_bytes,
    swap_bytes,
    live_bytes,
    free_bytes,
    free_resident_bytes,
    top_bytes,
    heap_bytes,
    free_chunk_count,
    free_chunk_bytes_max,
    reclaimable_bytes,
    non_main_free_bytes,
    arena_count_over_1mib,
    arena_bytes_max,
    is_unwalked,
    row_number() OVER (PARTITION BY host_id, process_key, hour ORDER BY sampled_at DESC, sequence DESC) AS place_from_last,
    row_number() OVER (PARTITION BY host_id, process_key, hour ORDER BY is_unwalked, sampled_at, sequence) AS walk_place,
    row_number() OVER (PARTITION BY host_id, process_key, hour ORDER BY is_unwalked, sampled_at DESC, sequence DESC) AS walk_place_from_last,
    row_number() OVER (PARTITION BY host_id, process_key, hour ORDER BY is_unwalked, live_bytes, sampled_at DESC, sequence DESC) AS trough_place
  FROM samples
)
SELECT
  hour,
  host_id,
  max(host_name) AS host_name,
  boot_id,
  pid,
  process_key,
  max(CASE WHEN place_from_last = 1 THEN service END) AS service,
  max(CASE WHEN place_from_last = 1 THEN service_version END) AS service_version,
  max(CASE WHEN place_from_last = 1 THEN environment END) AS environment,
  max(CASE WHEN place_from_last = 1 THEN allocator END) AS allocator,
  count(*) AS sample_count,
  count(live_bytes) AS walk_count,
  min(rss_bytes) AS rss_bytes_min,
  max(rss_bytes_max) AS rss_bytes_max,
  max(CASE WHEN place_from_last = 1 THEN rss_bytes END) AS rss_bytes_last,
  max(swap_bytes) AS swap_bytes_max,
  max(CASE WHEN walk_place = 1 THEN live_bytes END) AS live_bytes_first,
  max(CASE WHEN walk_place_from_last = 1 THEN live_bytes END) AS live_bytes_last,
  max(live_bytes) AS live_bytes_max,
  max(CASE WHEN walk_place_from_last = 1 THEN free_bytes END) AS free_bytes_last,
  min(live_bytes) AS live_bytes_trough,
  max(CASE WHEN trough_place = 1 AND is_unwalked = 0 THEN rss_bytes END) AS rss_bytes_trough,
  max(CASE WHEN trough_place = 1 AND is_unwalked = 0 THEN anon_bytes END) AS anon_bytes_trough,
  max(CASE WHEN trough_place = 1 THEN free_bytes END) AS free_bytes_trough,
  max(CASE WHEN trough_place = 1 THEN free_resident_bytes END) AS free_resident_bytes_trough,
  max(CASE WHEN trough_place = 1 THEN top_bytes END) AS top_bytes_trough,
  max(CASE WHEN trough_place = 1 THEN heap_bytes END) AS heap_bytes_trough,
  max(CASE WHEN trough_place = 1 THEN free_chunk_count END) AS free_chunk_count_trough,
  max(CASE WHEN trough_place = 1 THEN free_chunk_bytes_max END) AS free_chunk_bytes_max_trough,
  max(CASE WHEN trough_place = 1 THEN reclaimable_bytes END) AS reclaimable_bytes_trough,
  max(CASE WHEN trough_place = 1 THEN non_main_free_bytes END) AS non_main_free_bytes_trough,
  max(CASE WHEN trough_place = 1 THEN arena_count_over_1mib END) AS arena_count_over_1mib_trough,
  max(CASE WHEN trough_place = 1 THEN arena_bytes_max END) AS arena_bytes_max_trough
FROM ranked
GROUP BY hour, host_id, boot_id, pid, process_key
ORDER BY hour, host_id, process_key
