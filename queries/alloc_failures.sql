-- alloc_failures: processes in which allocations fail, with what memory they had when they did.
-- why:    a failed malloc is an outage in the making, and often there was free memory: a limit, or pieces too small.
--         Told by the rise of the counter from row to row (a counter that falls has begun anew, and is no failure), or by
--         the detail rows that the collector ships: a process that dies of the failure has no further row to count in.
-- grain:  one row per host_id, process_key (pid plus start time, because pids are reused)
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 failure_count_min bigint = 1, 4 dt_first varchar, 5 dt_last varchar, 6 dt_first varchar, 7 dt_last varchar
-- result: host_id, process_key, service, environment, pid, since, failure_count, rss_bytes_last, live_bytes_last, free_bytes_last, free_chunk_bytes_max_last, vma_count_last, vma_count_limit, cgroup_current_bytes_last, cgroup_limit_bytes_last
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS failure_count_min
),
samples AS (
  SELECT
    s.host_id,
    s.process_key,
    s.service,
    s.environment,
    s.pid,
    s.sampled_at,
    s.alloc_failure_count,
    s.rss_bytes,
    s.live_bytes,
    s.free_bytes,
    s.free_chunk_bytes_max,
    s.vma_count,
    s.vma_count_limit,
    s.cgroup_current_bytes,
    s.cgroup_limit_bytes,
    lag(s.alloc_failure_count) OVER (PARTITION BY s.host_id, s.process_key ORDER BY s.sampled_at, s.sequence) AS count_before,
    row_number() OVER (PARTITION BY s.host_id, s.process_key ORDER BY s.sampled_at DESC, s.sequence DESC) AS place_from_last
  FROM process_samples AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.sampled_at >= p.window_start
    AND s.sampled_at < p.window_end
    AND s.alloc_failure_count IS NOT NULL
),
told AS (
  SELECT DISTINCT
    s.host_id,
    s.process_key,
    s.service,
    s.pid,
    s.event_at
  FROM detail_samples AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.event = 'alloc_failure'
    AND s.event_at >= p.window_start
    AND s.event_at < p.window_end
),
failures AS (
  SELECT
    host_id,
    process_key,
    service,
    environment,
    pid,
    CASE WHEN alloc_failure_count > count_before THEN sampled_at END AS failed_at,
    CASE WHEN alloc_failure_count > count_before THEN alloc_failure_count - count_before ELSE 0 END AS counted,
    0 AS told,
    place_from_last,
    rss_bytes,
    live_bytes,
    free_bytes,
    free_chunk_bytes_max,
    vma_count,
    vma_count_limit,
    cgroup_current_bytes,
    cgroup_limit_bytes
  FROM samples
  UNION ALL
  SELECT
    host_id,
    process_key,
    service,
    CAST(NULL AS varchar) AS environment,
    pid,
    event_at AS failed_at,
    CAST(0 AS bigint) AS counted,
    1 AS told,
    CAST(NULL AS bigint) AS place_from_last,
    CAST(NULL AS bigint) AS rss_bytes,
    CAST(NULL AS bigint) AS live_bytes,
    CAST(NULL AS bigint) AS free_bytes,
    CAST(NULL AS bigint) AS free_chunk_bytes_max,
    CAST(NULL AS bigint) AS vma_count,
    CAST(NULL AS bigint) AS vma_count_limit,
    CAST(NULL AS bigint) AS cgroup_current_bytes,
    CAST(NULL AS bigint) AS cgroup_limit_bytes
  FROM told
),
processes AS (
  SELECT
    host_id,
    process_key,
    max(service) AS service,
    max(environment) AS environment,
    max(pid) AS pid,
    min(failed_at) AS since,
    CAST(greatest(sum(counted), sum(told)) AS bigint) AS failure_count,
    max(CASE WHEN place_from_last = 1 THEN rss_bytes END) AS rss_bytes_last,
    max(CASE WHEN place_from_last = 1 THEN live_bytes END) AS live_bytes_last,
    max(CASE WHEN place_from_last = 1 THEN free_bytes END) AS free_bytes_last,
    max(CASE WHEN place_from_last = 1 THEN free_chunk_bytes_max END) AS free_chunk_bytes_max_last,
    max(CASE WHEN place_from_last = 1 THEN vma_count END) AS vma_count_last,
    max(CASE WHEN place_from_last = 1 THEN vma_count_limit END) AS vma_count_limit,
    max(CASE WHEN place_from_last = 1 THEN cgroup_current_bytes END) AS cgroup_current_bytes_last,
    max(CASE WHEN place_from_last = 1 THEN cgroup_limit_bytes END) AS cgroup_limit_bytes_last
  FROM failures
  GROUP BY host_id, process_key
)
SELECT
  f.host_id,
  f.process_key,
  f.service,
  f.environment,
  f.pid,
  f.since,
  f.failure_count,
  f.rss_bytes_last,
  f.live_bytes_last,
  f.free_bytes_last,
  f.free_chunk_bytes_max_last,
  f.vma_count_last,
  f.vma_count_limit,
  f.cgroup_current_bytes_last,
  f.cgroup_limit_bytes_last
FROM processes AS f
CROSS JOIN params AS p
WHERE f.since IS NOT NULL
  AND f.failure_count >= p.failure_count_min
ORDER BY f.host_id, f.process_key
