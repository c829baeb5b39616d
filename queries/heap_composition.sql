-- heap_composition: where the memory of every process was at its last measured sample.
-- why:    free memory is only worth something if it is resident, and only easy to get back if its pages are whole.
-- grain:  one row per host_id, process_key: its last sample with heap figures, or its last sample at all
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 dt_first varchar, 4 dt_last varchar
-- result: host_id, host_name, process_key, service, pid, comm, allocator, allocator_version, heap_unknown_reason, sampled_at, rss_bytes, live_bytes, free_bytes, heap_resident_bytes, mmapped_bytes, reclaimable_bytes, pinned_bytes_by_size
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end
),
ranked AS (
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
    s.heap_resident_bytes,
    s.mmapped_bytes,
    s.reclaimable_bytes,
    s.pinned_bytes_by_size,
    row_number() OVER (
      PARTITION BY s.host_id, s.process_key
      ORDER BY CASE WHEN s.live_bytes IS NULL THEN 1 ELSE 0 END, s.sampled_at DESC, s.sequence DESC
    ) AS place
  FROM process_samples AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.sampled_at >= p.window_start
    AND s.sampled_at < p.window_end
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
  heap_resident_bytes,
  mmapped_bytes,
  reclaimable_bytes,
  pinned_bytes_by_size
FROM ranked
WHERE place = 1
ORDER BY rss_bytes DESC, host_id, process_key
