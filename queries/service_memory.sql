-- service_memory: the memory of one service hour by hour, of its processes that hold most.
-- why:    what an alert speaks of: when it rose, what came back, what is held, and whether a limit was met.
-- grain:  one row per host_id, process_key, hour, of the processes with the largest RSS or held free memory
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 service varchar, 4 process_count_max bigint = 5, 5 dt_first varchar, 6 dt_last varchar
-- result: host_id, host_name, process_key, pid, environment, service_version, allocator, allocator_version, tunables, hour, rss_bytes_max, rss_bytes, live_bytes, free_resident_bytes, reclaimable_bytes, vma_count, vma_count_limit, cgroup_current_bytes_max, cgroup_limit_bytes, alloc_failure_count
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS varchar) AS service,
    CAST(? AS bigint) AS process_count_max
),
hours AS (
  SELECT
    h.host_id,
    h.host_name,
    h.process_key,
    h.pid,
    h.environment,
    h.service_version,
    h.allocator,
    h.allocator_version,
    h.tunables,
    h.hour,
    h.rss_bytes_max,
    h.rss_bytes_last,
    h.live_bytes_last,
    h.free_resident_bytes_last,
    h.reclaimable_bytes_last,
    h.vma_count_max,
    h.vma_count_limit,
    h.cgroup_current_bytes_max,
    h.cgroup_limit_bytes_last,
    h.alloc_failure_count_last,
    max(h.rss_bytes_max) OVER (PARTITION BY h.host_id, h.process_key) AS rss_bytes_largest,
    max(h.free_resident_bytes_last) OVER (PARTITION BY h.host_id, h.process_key) AS free_resident_bytes_largest
  FROM process_hours AS h
  CROSS JOIN params AS p
  WHERE h.dt BETWEEN ? AND ?
    AND h.hour >= p.window_start
    AND h.hour < p.window_end
    AND h.service = p.service
),
ranked AS (
  SELECT
    h.*,
    dense_rank() OVER (ORDER BY h.rss_bytes_largest DESC NULLS LAST, h.host_id, h.process_key) AS rss_place,
    dense_rank() OVER (ORDER BY h.free_resident_bytes_largest DESC NULLS LAST, h.host_id, h.process_key) AS held_place
  FROM hours AS h
)
SELECT
  r.host_id,
  r.host_name,
  r.process_key,
  r.pid,
  r.environment,
  r.service_version,
  r.allocator,
  r.allocator_version,
  r.tunables,
  r.hour,
  r.rss_bytes_max,
  r.rss_bytes_last AS rss_bytes,
  r.live_bytes_last AS live_bytes,
  r.free_resident_bytes_last AS free_resident_bytes,
  r.reclaimable_bytes_last AS reclaimable_bytes,
  r.vma_count_max AS vma_count,
  r.vma_count_limit,
  r.cgroup_current_bytes_max,
  r.cgroup_limit_bytes_last AS cgroup_limit_bytes,
  r.alloc_failure_count_last AS alloc_failure_count
FROM ranked AS r
CROSS JOIN params AS p
WHERE r.rss_place <= p.process_count_max
  OR (r.free_resident_bytes_largest > 0 AND r.held_place <= p.process_count_max)
ORDER BY r.host_id, r.process_key, r.hour
