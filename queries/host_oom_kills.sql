-- host_oom_kills: hosts on which the kernel killed processes for want of memory.
-- why:    the host as a whole ran out, or a cgroup on it; where the cgroup is one that is watched, oom_kills names its service.
--         The counter runs since boot, so only rises within one boot count.
-- grain:  one row per host_id
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 kill_count_min bigint = 1, 4 dt_first varchar, 5 dt_last varchar
-- result: host_id, host_name, autoscaling_group, since, kill_count, mem_available_bytes_min, mem_total_bytes
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS kill_count_min
),
samples AS (
  SELECT
    s.host_id,
    s.host_name,
    s.autoscaling_group,
    s.boot_id,
    s.sampled_at,
    s.mem_available_bytes,
    s.mem_total_bytes,
    s.oom_kill_count,
    lag(s.oom_kill_count) OVER (PARTITION BY s.host_id, s.boot_id ORDER BY s.sampled_at, s.sequence) AS count_before
  FROM host_samples AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.sampled_at >= p.window_start
    AND s.sampled_at < p.window_end
    AND s.oom_kill_count IS NOT NULL
),
hosts AS (
  SELECT
    host_id,
    max(host_name) AS host_name,
    max(autoscaling_group) AS autoscaling_group,
    min(CASE WHEN oom_kill_count > count_before THEN sampled_at END) AS since,
    CAST(sum(CASE WHEN oom_kill_count > count_before THEN oom_kill_count - count_before ELSE 0 END) AS bigint) AS kill_count,
    min(mem_available_bytes) AS mem_available_bytes_min,
    max(mem_total_bytes) AS mem_total_bytes
  FROM samples
  GROUP BY host_id
)
SELECT
  h.host_id,
  h.host_name,
  h.autoscaling_group,
  h.since,
  h.kill_count,
  h.mem_available_bytes_min,
  h.mem_total_bytes
FROM hosts AS h
CROSS JOIN params AS p
WHERE h.since IS NOT NULL
  AND h.kill_count >= p.kill_count_min
ORDER BY h.host_id
