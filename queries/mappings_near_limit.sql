-- mappings_near_limit: processes that climb towards vm.max_map_count and will be there soon.
-- why:    at the limit mmap fails, and malloc with it, whatever memory is free.
--         Climbing means that the fewest mappings of the later rows are no fewer than the most of the earlier ones: threads
--         that come and go swing, and swings are left out. The time that is left follows from the rise within the window.
-- grain:  one row per host_id, process_key (pid plus start time, because pids are reused)
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 vma_share_min double = 0.8, 4 vma_rise_min bigint = 64, 5 seconds_left_max bigint = 172800, 6 vma_row_count_min bigint = 4, 7 dt_first varchar, 8 dt_last varchar
-- result: host_id, process_key, service, environment, pid, since, vma_count_first, vma_count_last, vma_count_limit, seconds_left, small_mapping_count_last, mmapped_count_last
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS double) AS vma_share_min,
    CAST(? AS bigint) AS vma_rise_min,
    CAST(? AS bigint) AS seconds_left_max,
    CAST(? AS bigint) AS vma_row_count_min
),
samples AS (
  SELECT
    s.host_id,
    s.process_key,
    s.service,
    s.environment,
    s.pid,
    s.sampled_at,
    s.vma_count,
    s.vma_count_limit,
    s.small_mapping_count,
    s.mmapped_count,
    max(s.sampled_at) OVER (PARTITION BY s.host_id) AS host_sampled_at_last,
    row_number() OVER (PARTITION BY s.host_id, s.process_key ORDER BY s.sampled_at, s.sequence) AS place,
    row_number() OVER (PARTITION BY s.host_id, s.process_key ORDER BY s.sampled_at DESC, s.sequence DESC) AS place_from_last
  FROM process_samples AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.sampled_at >= p.window_start
    AND s.sampled_at < p.window_end
    AND s.vma_count IS NOT NULL
    AND s.vma_count_limit > 0
),
processes AS (
  SELECT
    host_id,
    process_key,
    max(CASE WHEN place_from_last = 1 THEN service END) AS service,
    max(CASE WHEN place_from_last = 1 THEN environment END) AS environment,
    max(pid) AS pid,
    min(sampled_at) AS since,
    count(*) AS row_count,
    date_diff('second', min(sampled_at), max(sampled_at)) AS seconds,
    date_diff('second', max(sampled_at), max(host_sampled_at_last)) AS seconds_ago,
    max(CASE WHEN place = 1 THEN vma_count END) AS vma_count_first,
    max(CASE WHEN place_from_last = 1 THEN vma_count END) AS vma_count_last,
    max(CASE WHEN place < place_from_last THEN vma_count END) AS vma_count_early_max,
    min(CASE WHEN place > place_from_last THEN vma_count END) AS vma_count_late_min,
    max(CASE WHEN place_from_last = 1 THEN vma_count_limit END) AS vma_count_limit,
    max(CASE WHEN place_from_last = 1 THEN small_mapping_count END) AS small_mapping_count_last,
    max(CASE WHEN place_from_last = 1 THEN mmapped_count END) AS mmapped_count_last
  FROM samples
  GROUP BY host_id, process_key
),
climbing AS (
  SELECT
    c.host_id,
    c.process_key,
    c.service,
    c.environment,
    c.pid,
    c.since,
    c.vma_count_first,
    c.vma_count_last,
    c.vma_count_limit,
    c.small_mapping_count_last,
    c.mmapped_count_last,
    CAST(round(CAST(c.vma_count_limit - c.vma_count_last AS double) * c.seconds / nullif(c.vma_count_last - c.vma_count_first, 0)) AS bigint) AS seconds_left
  FROM processes AS c
  CROSS JOIN params AS p
  WHERE c.row_count >= p.vma_row_count_min
    AND c.seconds_ago <= 300
    AND c.vma_count_last >= c.vma_count_limit * p.vma_share_min
    AND c.vma_count_last > c.vma_count_first
    AND c.vma_count_last - c.vma_count_first >= p.vma_rise_min
    AND c.vma_count_late_min >= c.vma_count_early_max
)
SELECT
  c.host_id,
  c.process_key,
  c.service,
  c.environment,
  c.pid,
  c.since,
  c.vma_count_first,
  c.vma_count_last,
  c.vma_count_limit,
  c.seconds_left,
  c.small_mapping_count_last,
  c.mmapped_count_last
FROM climbing AS c
CROSS JOIN params AS p
WHERE c.seconds_left <= p.seconds_left_max
ORDER BY c.host_id, c.process_key
