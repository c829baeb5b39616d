-- cgroup_limit_near: containers close to their memory limit although their heaps keep memory that a trim would give back.
-- why:    the kernel can take page cache away, but not free memory of a heap: at the limit it kills instead.
--         Page cache is therefore taken off first, and a container that is full of it stays quiet: that is what a limit is
--         for. Judged by the container's last rows, all of which must agree; heaps are summed over its processes.
-- grain:  one row per host_id, cgroup (the container, else the service)
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 limit_share_min double = 0.9, 4 trim_bytes_min bigint = 33554432, 5 trim_share_min double = 0.05, 6 limit_row_count_min bigint = 3, 7 dt_first varchar, 8 dt_last varchar
-- result: host_id, cgroup, service, environment, since, process_count, cgroup_current_bytes, cgroup_cache_bytes, cgroup_limit_bytes, heap_reclaimable_bytes, reclaimable_in
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS double) AS limit_share_min,
    CAST(? AS bigint) AS trim_bytes_min,
    CAST(? AS double) AS trim_share_min,
    CAST(? AS bigint) AS limit_row_count_min
),
samples AS (
  SELECT
    s.host_id,
    coalesce(s.container_id, s.service) AS cgroup,
    s.process_key,
    s.service,
    s.environment,
    s.sampled_at,
    s.cgroup_limit_bytes,
    s.cgroup_current_bytes,
    s.cgroup_cache_bytes,
    s.reclaimable_bytes,
    max(s.sampled_at) OVER (PARTITION BY s.host_id) AS host_sampled_at_last,
    row_number() OVER (PARTITION BY s.host_id, s.process_key ORDER BY s.sampled_at DESC, s.sequence DESC) AS place_from_last
  FROM process_samples AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.sampled_at >= p.window_start
    AND s.sampled_at < p.window_end
    AND s.cgroup_limit_bytes > 0
    AND s.cgroup_current_bytes IS NOT NULL
),
processes AS (
  SELECT
    s.host_id,
    s.cgroup,
    s.process_key,
    max(CASE WHEN s.place_from_last = 1 THEN s.service END) AS service,
    max(CASE WHEN s.place_from_last = 1 THEN s.environment END) AS environment,
    min(s.sampled_at) AS since,
    count(*) AS row_count,
    max(CASE WHEN s.place_from_last = 1 THEN s.cgroup_limit_bytes END) AS cgroup_limit_bytes,
    max(CASE WHEN s.place_from_last = 1 THEN s.cgroup_current_bytes END) AS cgroup_current_bytes,
    max(CASE WHEN s.place_from_last = 1 THEN s.cgroup_cache_bytes END) AS cgroup_cache_bytes,
    min(CAST(s.cgroup_current_bytes - coalesce(s.cgroup_cache_bytes, 0) AS double) / s.cgroup_limit_bytes) AS used_share_min,
    min(s.reclaimable_bytes) AS reclaimable_bytes
  FROM samples AS s
  CROSS JOIN params AS p
  WHERE s.place_from_last <= p.limit_row_count_min
    AND date_diff('second', s.sampled_at, s.host_sampled_at_last) <= 900
  GROUP BY s.host_id, s.cgroup, s.process_key
),
cgroups AS (
  SELECT
    host_id,
    cgroup,
    max(service) AS service,
    max(environment) AS environment,
    min(since) AS since,
    count(*) AS process_count,
    max(row_count) AS row_count,
    max(cgroup_limit_bytes) AS cgroup_limit_bytes,
    max(cgroup_current_bytes) AS cgroup_current_bytes,
    max(cgroup_cache_bytes) AS cgroup_cache_bytes,
    min(used_share_min) AS used_share_min,
    CAST(sum(reclaimable_bytes) AS bigint) AS heap_reclaimable_bytes
  FROM processes
  GROUP BY host_id, cgroup
)
SELECT
  c.host_id,
  c.cgroup,
  c.service,
  c.environment,
  c.since,
  c.process_count,
  c.cgroup_current_bytes,
  c.cgroup_cache_bytes,
  c.cgroup_limit_bytes,
  c.heap_reclaimable_bytes,
  CASE WHEN c.cgroup_cache_bytes >= p.trim_bytes_min THEN 'heap and page cache' ELSE 'heap' END AS reclaimable_in
FROM cgroups AS c
CROSS JOIN params AS p
WHERE c.row_count >= p.limit_row_count_min
  AND c.used_share_min >= p.limit_share_min
  AND c.heap_reclaimable_bytes >= p.trim_bytes_min
  AND c.heap_reclaimable_bytes >= c.cgroup_limit_bytes * p.trim_share_min
ORDER BY c.host_id, c.cgroup
