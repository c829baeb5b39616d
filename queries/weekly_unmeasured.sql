-- weekly_unmeasured: processes whose heap has no figures, by allocator and by the reason that was given.
-- why:    a report must say what it does not know; and most of the reasons can be mended.
--         The window is the last hour in the weekly report, because minutes are read. Counted is a process without any row
--         with heap figures in the window. The rows grow with allocators and reasons, and the largest by memory are listed.
-- grain:  one row per allocator, heap_unknown_reason (NULL where no measurement was due)
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 group_count_max bigint = 20, 4 dt_first varchar, 5 dt_last varchar
-- result: allocator, heap_unknown_reason, service_count, host_count, process_count, rss_bytes, largest_service, process_count_all, rss_bytes_all
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS group_count_max
),
samples AS (
  SELECT
    s.host_id,
    s.process_key,
    s.service,
    coalesce(s.allocator, 'unknown') AS allocator,
    nullif(s.heap_unknown_reason, '') AS heap_unknown_reason,
    s.rss_bytes,
    p.group_count_max,
    max(s.live_bytes) OVER (PARTITION BY s.host_id, s.process_key) AS live_bytes_max,
    row_number() OVER (PARTITION BY s.host_id, s.process_key ORDER BY s.sampled_at DESC, s.sequence DESC) AS place
  FROM process_samples AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.sampled_at >= p.window_start
    AND s.sampled_at < p.window_end
),
processes AS (
  SELECT
    host_id,
    process_key,
    service,
    allocator,
    heap_unknown_reason,
    rss_bytes,
    group_count_max,
    live_bytes_max,
    count(*) OVER () AS process_count_all,
    sum(rss_bytes) OVER () AS rss_bytes_all
  FROM samples
  WHERE place = 1
),
services AS (
  SELECT
    allocator,
    heap_unknown_reason,
    service,
    group_count_max,
    process_count_all,
    rss_bytes_all,
    count(*) AS process_count,
    sum(rss_bytes) AS rss_bytes,
    row_number() OVER (PARTITION BY allocator, heap_unknown_reason ORDER BY coalesce(sum(rss_bytes), 0) DESC, service) AS place
  FROM processes
  WHERE live_bytes_max IS NULL
  GROUP BY allocator, heap_unknown_reason, service, group_count_max, process_count_all, rss_bytes_all
),
hosts AS (
  SELECT
    allocator,
    heap_unknown_reason,
    count(DISTINCT host_id) AS host_count
  FROM processes
  WHERE live_bytes_max IS NULL
  GROUP BY allocator, heap_unknown_reason
),
reasons AS (
  SELECT
    s.allocator,
    s.heap_unknown_reason,
    s.group_count_max,
    s.process_count_all,
    s.rss_bytes_all,
    h.host_count,
    count(*) AS service_count,
    sum(s.process_count) AS process_count,
    sum(s.rss_bytes) AS rss_bytes,
    max(CASE WHEN s.place = 1 THEN s.service END) AS largest_service,
    row_number() OVER (ORDER BY coalesce(sum(s.rss_bytes), 0) DESC, s.allocator, s.heap_unknown_reason) AS place
  FROM services AS s
  JOIN hosts AS h
    ON h.allocator = s.allocator
    AND coalesce(h.heap_unknown_reason, '') = coalesce(s.heap_unknown_reason, '')
  GROUP BY s.allocator, s.heap_unknown_reason, s.group_count_max, s.process_count_all, s.rss_bytes_all, h.host_count
)
SELECT
  allocator,
  heap_unknown_reason,
  service_count,
  host_count,
  CAST(process_count AS bigint) AS process_count,
  CAST(rss_bytes AS bigint) AS rss_bytes,
  largest_service,
  process_count_all,
  CAST(rss_bytes_all AS bigint) AS rss_bytes_all
FROM reasons
WHERE place <= group_count_max
ORDER BY place
