-- cgroup_limit_thrashing: containers that run into their memory limit again and again and wait for pages they had to give up.
-- why:    nobody is killed and nothing is logged, but the service stands still: it reads its own code back from the disk.
--         Both must hold in most intervals: the cgroup met its limit (memory.events max), and its processes had major
--         faults at a rate. Meeting the limit alone is page cache being recycled; faults alone are a start.
-- grain:  one row per host_id, cgroup (the container, else the service)
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 thrash_hit_count_min bigint = 100, 4 major_fault_rate_min double = 20, 5 interval_share_min double = 0.5, 6 interval_count_min bigint = 5, 7 dt_first varchar, 8 dt_last varchar
-- result: host_id, cgroup, service, environment, since, process_count, limit_hit_count, major_fault_rate, interval_count, cgroup_current_bytes, cgroup_cache_bytes, cgroup_limit_bytes
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS thrash_hit_count_min,
    CAST(? AS double) AS major_fault_rate_min,
    CAST(? AS double) AS interval_share_min,
    CAST(? AS bigint) AS interval_count_min
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
    s.cgroup_max_count,
    s.major_fault_count,
    lag(s.cgroup_max_count) OVER (PARTITION BY s.host_id, s.process_key ORDER BY s.sampled_at, s.sequence) AS max_count_before,
    lag(s.major_fault_count) OVER (PARTITION BY s.host_id, s.process_key ORDER BY s.sampled_at, s.sequence) AS fault_count_before,
    lag(s.sampled_at) OVER (PARTITION BY s.host_id, s.process_key ORDER BY s.sampled_at, s.sequence) AS sampled_at_before
  FROM process_samples AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.sampled_at >= p.window_start
    AND s.sampled_at < p.window_end
    AND s.cgroup_max_count IS NOT NULL
    AND s.major_fault_count IS NOT NULL
),
intervals AS (
  SELECT
    host_id,
    cgroup,
    process_key,
    service,
    environment,
    sampled_at,
    cgroup_limit_bytes,
    cgroup_current_bytes,
    cgroup_cache_bytes,
    date_diff('millisecond', sampled_at_before, sampled_at) / 1e3 AS seconds,
    CASE WHEN cgroup_max_count > max_count_before THEN cgroup_max_count - max_count_before ELSE 0 END AS limit_hits,
    CASE WHEN major_fault_count > fault_count_before THEN major_fault_count - fault_count_before ELSE 0 END AS faults
  FROM samples
  WHERE sampled_at_before < sampled_at
),
processes AS (
  SELECT
    i.host_id,
    i.cgroup,
    i.process_key,
    max(i.service) AS service,
    max(i.environment) AS environment,
    min(CASE WHEN i.limit_hits > 0 THEN i.sampled_at END) AS since,
    count(*) AS interval_count,
    CAST(sum(i.limit_hits) AS bigint) AS limit_hit_count,
    CAST(sum(i.faults) AS double) / sum(i.seconds) AS fault_rate,
    sum(CASE WHEN i.limit_hits > 0 AND i.faults > 0 THEN 1 ELSE 0 END) AS thrashing_interval_count,
    max(i.cgroup_current_bytes) AS cgroup_current_bytes,
    max(i.cgroup_cache_bytes) AS cgroup_cache_bytes,
    max(i.cgroup_limit_bytes) AS cgroup_limit_bytes
  FROM intervals AS i
  GROUP BY i.host_id, i.cgroup, i.process_key
),
cgroups AS (
  SELECT
    host_id,
    cgroup,
    max(service) AS service,
    max(environment) AS environment,
    min(since) AS since,
    count(*) AS process_count,
    max(limit_hit_count) AS limit_hit_count,
    sum(fault_rate) AS major_fault_rate,
    max(interval_count) AS interval_count,
    max(thrashing_interval_count) AS thrashing_interval_count,
    max(cgroup_current_bytes) AS cgroup_current_bytes,
    max(cgroup_cache_bytes) AS cgroup_cache_bytes,
    max(cgroup_limit_bytes) AS cgroup_limit_bytes
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
  c.limit_hit_count,
  c.major_fault_rate,
  c.interval_count,
  c.cgroup_current_bytes,
  c.cgroup_cache_bytes,
  c.cgroup_limit_bytes
FROM cgroups AS c
CROSS JOIN params AS p
WHERE c.since IS NOT NULL
  AND c.interval_count >= p.interval_count_min
  AND c.limit_hit_count >= p.thrash_hit_count_min
  AND c.major_fault_rate >= p.major_fault_rate_min
  AND c.thrashing_interval_count >= c.interval_count * p.interval_share_min
ORDER BY c.host_id, c.cgroup
