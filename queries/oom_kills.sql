-- oom_kills: services whose processes the kernel killed at the limit of their cgroup.
-- why:    each kill is lost work, and the limit or the memory behind it has to change.
--         All processes of a cgroup count the same kills, so the most that one of them saw counts, once for each container
--         (processes of a service outside of containers are taken for one cgroup).
--         A killed process has no further row; what the collector shipped about its end (detail rows) counts as well.
-- grain:  one row per host_id, service
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 kill_count_min bigint = 1, 4 dt_first varchar, 5 dt_last varchar, 6 dt_first varchar, 7 dt_last varchar
-- result: host_id, service, environment, since, kill_count, process_count, rss_bytes_max, cgroup_current_bytes_max, cgroup_limit_bytes_max
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS kill_count_min
),
samples AS (
  SELECT
    s.host_id,
    s.process_key,
    s.service,
    s.environment,
    coalesce(s.container_id, '') AS cgroup,
    s.sampled_at,
    s.rss_bytes_max,
    s.cgroup_current_bytes,
    s.cgroup_limit_bytes,
    s.cgroup_oom_kill_count,
    lag(s.cgroup_oom_kill_count) OVER (PARTITION BY s.host_id, s.process_key ORDER BY s.sampled_at, s.sequence) AS count_before
  FROM process_samples AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.sampled_at >= p.window_start
    AND s.sampled_at < p.window_end
    AND s.cgroup_oom_kill_count IS NOT NULL
),
processes AS (
  SELECT
    host_id,
    process_key,
    service,
    cgroup,
    max(environment) AS environment,
    min(CASE WHEN cgroup_oom_kill_count > count_before THEN sampled_at END) AS since,
    sum(CASE WHEN cgroup_oom_kill_count > count_before THEN cgroup_oom_kill_count - count_before ELSE 0 END) AS kill_count,
    max(rss_bytes_max) AS rss_bytes_max,
    max(cgroup_current_bytes) AS cgroup_current_bytes_max,
    max(cgroup_limit_bytes) AS cgroup_limit_bytes_max
  FROM samples
  GROUP BY host_id, process_key, service, cgroup
),
cgroups AS (
  SELECT
    host_id,
    service,
    cgroup,
    max(environment) AS environment,
    min(since) AS since,
    max(kill_count) AS counted,
    0 AS told,
    count(*) AS process_count,
    max(rss_bytes_max) AS rss_bytes_max,
    max(cgroup_current_bytes_max) AS cgroup_current_bytes_max,
    max(cgroup_limit_bytes_max) AS cgroup_limit_bytes_max
  FROM processes
  GROUP BY host_id, service, cgroup
),
told AS (
  SELECT
    s.host_id,
    s.process_key,
    s.service,
    min(s.event_at) AS since,
    max(s.rss_bytes) AS rss_bytes_max
  FROM detail_samples AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.event = 'oom_kill'
    AND s.event_at >= p.window_start
    AND s.event_at < p.window_end
  GROUP BY s.host_id, s.process_key, s.service
),
kills AS (
  SELECT
    host_id,
    service,
    environment,
    since,
    counted,
    told,
    process_count,
    rss_bytes_max,
    cgroup_current_bytes_max,
    cgroup_limit_bytes_max
  FROM cgroups
  UNION ALL
  SELECT
    host_id,
    service,
    CAST(NULL AS varchar) AS environment,
    since,
    0 AS counted,
    1 AS told,
    0 AS process_count,
    rss_bytes_max,
    CAST(NULL AS bigint) AS cgroup_current_bytes_max,
    CAST(NULL AS bigint) AS cgroup_limit_bytes_max
  FROM told
),
services AS (
  SELECT
    host_id,
    service,
    max(environment) AS environment,
    min(since) AS since,
    CAST(greatest(sum(counted), sum(told)) AS bigint) AS kill_count,
    CAST(greatest(sum(process_count), sum(told)) AS bigint) AS process_count,
    max(rss_bytes_max) AS rss_bytes_max,
    max(cgroup_current_bytes_max) AS cgroup_current_bytes_max,
    max(cgroup_limit_bytes_max) AS cgroup_limit_bytes_max
  FROM kills
  GROUP BY host_id, service
)
SELECT
  s.host_id,
  s.service,
  s.environment,
  s.since,
  s.kill_count,
  s.process_count,
  s.rss_bytes_max,
  s.cgroup_current_bytes_max,
  s.cgroup_limit_bytes_max
FROM services AS s
CROSS JOIN params AS p
WHERE s.since IS NOT NULL
  AND s.kill_count >= p.kill_count_min
ORDER BY s.host_id, s.service
