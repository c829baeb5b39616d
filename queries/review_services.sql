-- review_services: what every version of every service had before, at and after one peak, and what failed within it.
-- why:    totals say what a peak costs; what stayed is told by the processes that lived through it alone, or every deploy
--         and every scale-out within a peak would pass for memory that went back, or that did not.
--         Before and after are the calmest moment of each process there (least live bytes, else least RSS), the peak its
--         fullest. Buckets that only touch the peak belong to it. Counters of a cgroup are those of all its processes, and count once.
-- grain:  one row per service, environment, service_version
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 peak_from timestamp, 4 peak_to timestamp, 5 bucket_seconds bigint = 3600, 6 reads varchar = hours, 7 dt_first varchar, 8 dt_last varchar, 9 reads varchar = hours, 10 dt_first varchar, 11 dt_last varchar
-- result: service, environment, service_version, host_count, process_count, walked_count, process_count_before, process_count_peak, process_count_after, stayed_count, stayed_walked_count, started_count, ended_count, first_seen, rss_bytes_before, rss_bytes_peak, rss_bytes_after, live_bytes_before, live_bytes_peak, live_bytes_after, free_resident_bytes_before, free_resident_bytes_peak, free_resident_bytes_after, reclaimable_bytes_after, stayed_rss_bytes_before, stayed_rss_bytes_peak, stayed_rss_bytes_after, stayed_live_bytes_before, stayed_live_bytes_after, through_count, through_rss_bytes_peak, through_rss_bytes_after, alloc_failure_count, oom_kill_count, limit_hit_count, swap_bytes_before, swap_bytes_peak
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS timestamp) AS peak_from,
    CAST(? AS timestamp) AS peak_to,
    CAST(? AS bigint) AS bucket_seconds
),
-- Hours of the rollup, or rows as they came for a peak too short for hours: the one that is not asked for is not read.
buckets AS (
  SELECT
    h.host_id,
    h.process_key,
    h.service,
    h.environment,
    h.service_version,
    coalesce(h.container_id, h.service) AS cgroup,
    h.hour AS bucket,
    h.rss_bytes_trough AS rss_bytes_low,
    h.rss_bytes_max AS rss_bytes_high,
    h.live_bytes_trough AS live_bytes_low,
    h.live_bytes_max AS live_bytes_high,
    h.free_resident_bytes_trough AS free_resident_bytes_low,
    h.free_resident_bytes_last AS free_resident_bytes_high,
    h.reclaimable_bytes_trough AS reclaimable_bytes_low,
    h.alloc_failure_count_first,
    h.alloc_failure_count_last,
    h.cgroup_oom_kill_count_first,
    h.cgroup_oom_kill_count_last,
    h.cgroup_max_count_last AS cgroup_max_count,
    h.swap_bytes_max AS swap_bytes
  FROM process_hours AS h
  CROSS JOIN params AS p
  WHERE ? = 'hours'
    AND h.dt BETWEEN ? AND ?
    AND h.hour >= p.window_start
    AND h.hour < p.window_end
  UNION ALL
  SELECT
    s.host_id,
    s.process_key,
    s.service,
    s.environment,
    s.service_version,
    coalesce(s.container_id, s.service) AS cgroup,
    s.sampled_at AS bucket,
    s.rss_bytes AS rss_bytes_low,
    coalesce(s.rss_bytes_max, s.rss_bytes) AS rss_bytes_high,
    s.live_bytes AS live_bytes_low,
    s.live_bytes AS live_bytes_high,
    s.free_resident_bytes AS free_resident_bytes_low,
    s.free_resident_bytes AS free_resident_bytes_high,
    s.reclaimable_bytes AS reclaimable_bytes_low,
    s.alloc_failure_count AS alloc_failure_count_first,
    s.alloc_failure_count AS alloc_failure_count_last,
    s.cgroup_oom_kill_count AS cgroup_oom_kill_count_first,
    s.cgroup_oom_kill_count AS cgroup_oom_kill_count_last,
    s.cgroup_max_count,
    s.swap_bytes
  FROM process_samples AS s
  CROSS JOIN params AS p
  WHERE ? = 'minutes'
    AND s.dt BETWEEN ? AND ?
    AND s.sampled_at >= p.window_start
    AND s.sampled_at < p.window_end
),
phased AS (
  SELECT
    b.*,
    CASE
      WHEN b.bucket + p.bucket_seconds * INTERVAL '1' SECOND <= p.peak_from THEN 1
      WHEN b.bucket < p.peak_to THEN 2
      ELSE 3
    END AS phase
  FROM buckets AS b
  CROSS JOIN params AS p
),
-- Both engines put NULL last: where the heap is not known RSS decides.
ranked AS (
  SELECT
    f.*,
    row_number() OVER (
      PARTITION BY f.host_id, f.process_key, f.phase
      ORDER BY CASE WHEN f.phase = 2 THEN -f.live_bytes_high ELSE f.live_bytes_low END, CASE WHEN f.phase = 2 THEN -f.rss_bytes_high ELSE f.rss_bytes_low END, f.bucket
    ) AS place
  FROM phased AS f
),
processes AS (
  SELECT
    host_id,
    process_key,
    max(service) AS service,
    max(environment) AS environment,
    max(service_version) AS service_version,
    max(cgroup) AS cgroup,
    min(bucket) AS first_seen,
    max(CASE WHEN phase = 1 THEN 1 ELSE 0 END) AS is_before,
    max(CASE WHEN phase = 2 THEN 1 ELSE 0 END) AS is_peak,
    max(CASE WHEN phase = 3 THEN 1 ELSE 0 END) AS is_after,
    max(CASE WHEN live_bytes_low IS NOT NULL THEN 1 ELSE 0 END) AS is_walked,
    max(CASE WHEN phase = 1 AND place = 1 THEN rss_bytes_low END) AS rss_bytes_before,
    max(CASE WHEN phase = 2 THEN rss_bytes_high END) AS rss_bytes_peak,
    max(CASE WHEN phase = 3 AND place = 1 THEN rss_bytes_low END) AS rss_bytes_after,
    max(CASE WHEN phase = 1 AND place = 1 THEN live_bytes_low END) AS live_bytes_before,
    max(CASE WHEN phase = 2 THEN live_bytes_high END) AS live_bytes_peak,
    max(CASE WHEN phase = 3 AND place = 1 THEN live_bytes_low END) AS live_bytes_after,
    max(CASE WHEN phase = 1 AND place = 1 THEN free_resident_bytes_low END) AS free_resident_bytes_before,
    max(CASE WHEN phase = 2 AND place = 1 THEN free_resident_bytes_high END) AS free_resident_bytes_peak,
    max(CASE WHEN phase = 3 AND place = 1 THEN free_resident_bytes_low END) AS free_resident_bytes_after,
    max(CASE WHEN phase = 3 AND place = 1 THEN reclaimable_bytes_low END) AS reclaimable_bytes_after,
    max(CASE WHEN phase = 2 THEN alloc_failure_count_last END)
      - coalesce(max(CASE WHEN phase = 1 THEN alloc_failure_count_last END), min(CASE WHEN phase = 2 THEN alloc_failure_count_first END)) AS alloc_failure_count,
    max(CASE WHEN phase = 2 THEN cgroup_oom_kill_count_last END)
      - coalesce(max(CASE WHEN phase = 1 THEN cgroup_oom_kill_count_last END), min(CASE WHEN phase = 2 THEN cgroup_oom_kill_count_first END)) AS oom_kill_count,
    max(CASE WHEN phase = 2 THEN cgroup_max_count END)
      - coalesce(max(CASE WHEN phase = 1 THEN cgroup_max_count END), min(CASE WHEN phase = 2 THEN cgroup_max_count END)) AS limit_hit_count,
    max(CASE WHEN phase = 1 THEN swap_bytes END) AS swap_bytes_before,
    max(CASE WHEN phase = 2 THEN swap_bytes END) AS swap_bytes_peak
  FROM ranked
  GROUP BY host_id, process_key
),
-- A process that lived through it all with RSS on both sides; its live bytes count where both sides have them.
marked AS (
  SELECT
    r.*,
    CASE WHEN r.rss_bytes_before IS NOT NULL AND r.rss_bytes_after IS NOT NULL THEN 1 ELSE 0 END AS is_stayed,
    CASE WHEN r.rss_bytes_before IS NOT NULL AND r.rss_bytes_after IS NOT NULL AND r.live_bytes_before IS NOT NULL AND r.live_bytes_after IS NOT NULL THEN 1 ELSE 0 END AS is_stayed_walked,
    CASE WHEN r.rss_bytes_peak IS NOT NULL AND r.rss_bytes_after IS NOT NULL THEN 1 ELSE 0 END AS is_through
  FROM processes AS r
),
cgroups AS (
  SELECT
    service,
    environment,
    service_version,
    host_id,
    cgroup,
    count(*) AS process_count,
    sum(is_walked) AS walked_count,
    sum(is_before) AS process_count_before,
    sum(is_peak) AS process_count_peak,
    sum(is_after) AS process_count_after,
    sum(is_stayed) AS stayed_count,
    sum(is_stayed_walked) AS stayed_walked_count,
    sum(CASE WHEN is_before = 0 THEN 1 ELSE 0 END) AS started_count,
    sum(CASE WHEN is_after = 0 THEN 1 ELSE 0 END) AS ended_count,
    min(first_seen) AS first_seen,
    sum(rss_bytes_before) AS rss_bytes_before,
    sum(rss_bytes_peak) AS rss_bytes_peak,
    sum(rss_bytes_after) AS rss_bytes_after,
    sum(live_bytes_before) AS live_bytes_before,
    sum(live_bytes_peak) AS live_bytes_peak,
    sum(live_bytes_after) AS live_bytes_after,
    sum(free_resident_bytes_before) AS free_resident_bytes_before,
    sum(free_resident_bytes_peak) AS free_resident_bytes_peak,
    sum(free_resident_bytes_after) AS free_resident_bytes_after,
    sum(reclaimable_bytes_after) AS reclaimable_bytes_after,
    sum(CASE WHEN is_stayed = 1 THEN rss_bytes_before END) AS stayed_rss_bytes_before,
    sum(CASE WHEN is_stayed = 1 THEN rss_bytes_peak END) AS stayed_rss_bytes_peak,
    sum(CASE WHEN is_stayed = 1 THEN rss_bytes_after END) AS stayed_rss_bytes_after,
    sum(CASE WHEN is_stayed_walked = 1 THEN live_bytes_before END) AS stayed_live_bytes_before,
    sum(CASE WHEN is_stayed_walked = 1 THEN live_bytes_after END) AS stayed_live_bytes_after,
    sum(is_through) AS through_count,
    sum(CASE WHEN is_through = 1 THEN rss_bytes_peak END) AS through_rss_bytes_peak,
    sum(CASE WHEN is_through = 1 THEN rss_bytes_after END) AS through_rss_bytes_after,
    sum(alloc_failure_count) AS alloc_failure_count,
    max(oom_kill_count) AS oom_kill_count,
    max(limit_hit_count) AS limit_hit_count,
    sum(swap_bytes_before) AS swap_bytes_before,
    sum(swap_bytes_peak) AS swap_bytes_peak
  FROM marked
  GROUP BY service, environment, service_version, host_id, cgroup
)
SELECT
  service,
  environment,
  service_version,
  count(DISTINCT host_id) AS host_count,
  CAST(sum(process_count) AS bigint) AS process_count,
  CAST(sum(walked_count) AS bigint) AS walked_count,
  CAST(sum(process_count_before) AS bigint) AS process_count_before,
  CAST(sum(process_count_peak) AS bigint) AS process_count_peak,
  CAST(sum(process_count_after) AS bigint) AS process_count_after,
  CAST(sum(stayed_count) AS bigint) AS stayed_count,
  CAST(sum(stayed_walked_count) AS bigint) AS stayed_walked_count,
  CAST(sum(started_count) AS bigint) AS started_count,
  CAST(sum(ended_count) AS bigint) AS ended_count,
  min(first_seen) AS first_seen,
  CAST(sum(rss_bytes_before) AS bigint) AS rss_bytes_before,
  CAST(sum(rss_bytes_peak) AS bigint) AS rss_bytes_peak,
  CAST(sum(rss_bytes_after) AS bigint) AS rss_bytes_after,
  CAST(sum(live_bytes_before) AS bigint) AS live_bytes_before,
  CAST(sum(live_bytes_peak) AS bigint) AS live_bytes_peak,
  CAST(sum(live_bytes_after) AS bigint) AS live_bytes_after,
  CAST(sum(free_resident_bytes_before) AS bigint) AS free_resident_bytes_before,
  CAST(sum(free_resident_bytes_peak) AS bigint) AS free_resident_bytes_peak,
  CAST(sum(free_resident_bytes_after) AS bigint) AS free_resident_bytes_after,
  CAST(sum(reclaimable_bytes_after) AS bigint) AS reclaimable_bytes_after,
  CAST(sum(stayed_rss_bytes_before) AS bigint) AS stayed_rss_bytes_before,
  CAST(sum(stayed_rss_bytes_peak) AS bigint) AS stayed_rss_bytes_peak,
  CAST(sum(stayed_rss_bytes_after) AS bigint) AS stayed_rss_bytes_after,
  CAST(sum(stayed_live_bytes_before) AS bigint) AS stayed_live_bytes_before,
  CAST(sum(stayed_live_bytes_after) AS bigint) AS stayed_live_bytes_after,
  CAST(sum(through_count) AS bigint) AS through_count,
  CAST(sum(through_rss_bytes_peak) AS bigint) AS through_rss_bytes_peak,
  CAST(sum(through_rss_bytes_after) AS bigint) AS through_rss_bytes_after,
  CAST(sum(alloc_failure_count) AS bigint) AS alloc_failure_count,
  CAST(sum(oom_kill_count) AS bigint) AS oom_kill_count,
  CAST(sum(limit_hit_count) AS bigint) AS limit_hit_count,
  CAST(sum(swap_bytes_before) AS bigint) AS swap_bytes_before,
  CAST(sum(swap_bytes_peak) AS bigint) AS swap_bytes_peak
FROM cgroups
GROUP BY service, environment, service_version
ORDER BY service, environment, service_version
