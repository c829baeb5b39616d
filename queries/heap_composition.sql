-- heap_composition: where the memory of the processes that matter most was at their last measured sample.
-- why:    free memory is only worth something if it is resident, and only easy to get back if its pages are whole.
-- grain:  one row per host_id, process_key: its last sample with heap figures, or its last sample at all
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 process_count_max bigint = 100, 4 dt_first varchar, 5 dt_last varchar
-- result: host_id, host_name, process_key, service, pid, comm, allocator, allocator_version, heap_unknown_reason, sampled_at, rss_bytes, live_bytes, free_bytes, free_resident_bytes, heap_resident_bytes, mmapped_bytes, reclaimable_bytes, pinned_bytes_by_size, process_count, unknown_count
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS process_count_max
),
samples AS (
  SELECT
    s.host_id,
    s.host_name,
    s.process_key,
    s.service,
    s.pid,
    s.comm,
    s.allocator,
    s.allocator_version,
    s.heap_unknown_reason,
    s.sampled_at,
    s.rss_bytes,
    s.live_bytes,
    s.free_bytes,
    s.free_resident_bytes,
    s.heap_resident_bytes,
    s.mmapped_bytes,
    s.reclaimable_bytes,
    p.process_count_max,
    max_by(s.pinned_bytes_by_size, CASE WHEN s.pinned_bytes_by_size IS NOT NULL THEN s.sampled_at END) OVER (PARTITION BY s.host_id, s.process_key) AS pinned_bytes_by_size,
    row_number() OVER (
      PARTITION BY s.host_id, s.process_key
      ORDER BY CASE WHEN s.live_bytes IS NULL THEN 1 ELSE 0 END, s.sampled_at DESC, s.sequence DESC
    ) AS place
  FROM process_samples AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.sampled_at >= p.window_start
    AND s.sampled_at < p.window_end
),
ranked AS (
  SELECT
    host_id,
    host_name,
    process_key,
    service,
    pid,
    comm,
    allocator,
    allocator_version,
    heap_unknown_reason,
    sampled_at,
    rss_bytes,
    live_bytes,
    free_bytes,
    free_resident_bytes,
    heap_resident_bytes,
    mmapped_bytes,
    reclaimable_bytes,
    pinned_bytes_by_size,
    process_count_max,
    count(*) OVER () AS process_count,
    sum(CASE WHEN live_bytes IS NULL THEN 1 ELSE 0 END) OVER () AS unknown_count,
    row_number() OVER (ORDER BY coalesce(rss_bytes, 0) DESC, host_id, process_key) AS place_by_rss,
    row_number() OVER (ORDER BY coalesce(free_resident_bytes, 0) DESC, host_id, process_key) AS place_by_held
  FROM samples
  WHERE place = 1
)
SELECT
  host_id,
  host_name,
  process_key,
  service,
  pid,
  comm,
  allocator,
  allocator_version,
  heap_unknown_reason,
  sampled_at,
  rss_bytes,
  live_bytes,
  free_bytes,
  free_resident_bytes,
  heap_resident_bytes,
  mmapped_bytes,
  reclaimable_bytes,
  pinned_bytes_by_size,
  process_count,
  CAST(unknown_count AS bigint) AS unknown_count
FROM ranked
WHERE place_by_rss <= process_count_max
  OR (place_by_held <= process_count_max AND free_resident_bytes > 0)
ORDER BY place_by_rss
