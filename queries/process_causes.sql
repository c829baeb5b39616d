-- process_causes: what holds the memory of each process that still runs and is not healthy: one cause, and the figures that say so.
-- why:    RSS alone cannot tell a leak from fragmentation from memory merely kept. docs/detection.md explains each rule.
--         Peaks are found in the series itself: what a process has in use now and will have given back later is a peak,
--         the stretches between are its valleys. Causes are judged in valleys, so no length of a day or a cycle is assumed.
--         Anonymous memory is split in three: live in malloc, held free by the allocator, outside of malloc.
--         All counts of hours are of buckets. Every threshold is a share and the one floor of bytes, excess_bytes_min.
--         How peaks, valleys and the figures in them are found is in process_figures.part.sql; this half judges them.
-- grain:  one row per host_id, process_key (pid plus start time, because pids are reused) that is not found healthy; unknown where only RSS grew
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 excess_bytes_min bigint = 16777216, 4 held_share_min double = 0.3, 5 reclaimable_share_min double = 0.5, 6 arena_share_min double = 0.5, 7 arena_count_min bigint = 4, 8 growth_share_min double = 0.2, 9 late_share_min double = 0.4, 10 peak_share_min double = 0.25, 11 mapping_share_min double = 0.05, 12 limit_hit_count_min bigint = 1000, 13 valley_hours_min bigint = 8, 14 kept_hours_min bigint = 24, 15 history_hours_min bigint = 96, 16 dt_first varchar, 17 dt_last varchar, 18 dt_first varchar, 19 dt_last varchar
-- result: host_id, process_key, service, service_version, environment, region, zone, instance_type, pid, allocator, cause, confidence, since, excess_bytes, hour_count, valley_count, rss_bytes_peak, rss_bytes_valley, live_bytes_peak, live_bytes_valley, held_bytes, reclaimable_bytes, free_chunk_count, free_chunk_bytes_max, arena_count, non_main_arena_bytes, in_use_bytes_first, in_use_bytes_last, late_growth_bytes, outside_bytes_first, outside_bytes_last, runtime_used_bytes_first, runtime_used_bytes_last, file_growth_bytes, cache_growth_bytes, vma_count_min, vma_count_max, vma_count_limit, failure_count, oom_kill_count, limit_hit_count, major_fault_count, service_process_count, version_process_count, instance_type_process_count, zone_process_count
-- include: process_figures.part.sql
-- Growth from valley to valley where there are three of them, over two days at least, and deep ones: a dip in the rise of a peak
-- that has not ended does not give half of it back; where there are fewer, from third to third of a long
-- history (at its end, the least of its last sixth), which shows a leak only if peaks are few in it.
growth AS (
  SELECT
    r.*,
    c.host_id,
    c.process_key,
    c.service,
    c.service_version,
    c.environment,
    c.region,
    c.zone,
    c.instance_type,
    c.pid,
    c.allocator,
    c.hour_first,
    c.failing_since,
    c.mapping_since,
    c.walked_hour_count,
    c.runtime_hour_count,
    c.rss_bytes_peak,
    c.live_bytes_peak,
    c.cgroup_bytes_peak,
    c.vma_count_min,
    c.vma_count_limit,
    c.small_mapping_count,
    c.failure_count,
    c.oom_kill_count,
    c.limit_hit_count,
    c.major_fault_count,
    c.is_failing,
    c.service_process_count,
    c.version_process_count,
    c.instance_type_process_count,
    c.zone_process_count,
    CASE WHEN r.valley_count >= 3 THEN r.valley_count - 1 WHEN r.hour_count >= p.history_hours_min THEN 3 ELSE 0 END AS step_count,
    CASE WHEN r.valley_count >= 3 THEN r.valley_first ELSE r.growing_start END AS in_use_first,
    CASE WHEN r.valley_count >= 3 THEN r.valley_last ELSE r.growing_end END AS in_use_last,
    CASE WHEN r.valley_count >= 3 THEN r.valley_last - r.valley_before ELSE r.growing_end - r.growing_two_thirds END AS late_growth_bytes,
    CASE
      WHEN r.valley_count >= 3 THEN r.hour_count >= 2 * p.kept_hours_min
        AND 3 * r.rising_count >= 2 * (r.valley_count - 1)
        AND 4 * r.shallow_count <= r.valley_count - 1
      ELSE 10 * r.peak_hour_count <= r.hour_count AND r.growing_third > r.growing_start AND r.growing_two_thirds > r.growing_third AND r.growing_end > r.growing_two_thirds
    END AS is_rising,
    CASE
      WHEN c.runtime_hour_count > 0 THEN r.outside_runtime
      WHEN r.peak_hour_count = 0 AND r.outside_last <= r.outside_before * 1.1e0 THEN r.outside_kept
      WHEN r.peak_hour_count > 0 AND r.valley_count >= 3 THEN r.outside_valleys
    END AS outside_settled,
    CASE WHEN c.runtime_hour_count = 0 AND r.peak_hour_count > 0 THEN r.outside_valley_first ELSE r.outside_start END AS outside_first
  FROM figures AS r
  CROSS JOIN params AS p
  JOIN candidates AS c
    ON c.process_number = r.process_number
),
-- Each rule by itself; which of them counts is the next one's. A runtime's used figure is an upper bound of what lives in its
-- heap, after a collection it is close to it: a collection that leaves more than was ever used before is a leak.
rules AS (
  SELECT
    g.*,
    g.vma_count_recent >= g.vma_count_limit * 0.5e0
      OR (
        g.vma_count_recent >= g.vma_count_limit * p.mapping_share_min
        AND g.vma_count_recent >= 2 * g.vma_count_min
        AND coalesce(2 * g.small_mapping_count >= g.vma_count_recent, g.anon_last - g.anon_min < 65536 * (g.vma_count_recent - g.vma_count_min))
      ) AS is_mapping,
    g.in_use_last - g.in_use_first >= p.excess_bytes_min AND g.in_use_last - g.in_use_first >= g.in_use_first * p.growth_share_min AS is_grown,
    g.in_use_last - g.in_use_first >= coalesce(g.held_bytes, 0) * p.growth_share_min
      AND g.in_use_last - g.in_use_first >= (g.growing_most - g.in_use_first) * p.growth_share_min * 0.5e0 AS is_foremost,
    CASE
      WHEN g.step_count = 2 THEN g.late_growth_bytes >= (g.in_use_last - g.in_use_first) * 0.4e0
      ELSE g.late_growth_bytes >= (g.in_use_last - g.in_use_first) * p.late_share_min * ((g.step_count + 2) / 3) / nullif(g.step_count, 0)
    END AS is_late,
    (g.in_use_last - g.in_use_first) - g.late_growth_bytes >= (g.in_use_last - g.in_use_first) * p.late_share_min * (g.step_count - (g.step_count + 2) / 3) / nullif(g.step_count, 0) AS is_early,
    g.late_growth_bytes < (g.in_use_last - g.in_use_first) * p.late_share_min * ((g.step_count + 2) / 3) / nullif(g.step_count, 0) AS is_plateau,
    g.hour_count >= p.history_hours_min
      AND g.runtime_late - g.runtime_early >= p.excess_bytes_min
      AND g.runtime_late - g.runtime_early >= g.runtime_early * p.growth_share_min AS is_runtime_leak,
    g.is_held = 1 AND (g.peak_hour_count > 0 OR g.valley_hour_count >= p.kept_hours_min) AS is_holding,
    g.arena_count >= p.arena_count_min
      AND g.non_main_arena_bytes >= g.heap_bytes * p.arena_share_min
      AND coalesce(g.arena_bytes_max < g.heap_bytes * p.arena_share_min, true) AS is_arenas,
    coalesce(g.reclaimable_bytes + g.parked_bytes >= g.held_bytes * p.reclaimable_share_min, g.free_bytes >= 8192 * g.free_chunk_count) AS is_reclaimable,
    g.outside_settled - g.outside_first >= p.excess_bytes_min
      AND g.outside_settled - g.outside_first >= g.anon_last * p.growth_share_min AS is_outside,
    (g.file_growth_bytes >= p.excess_bytes_min AND g.file_growth_bytes >= g.rss_last * p.growth_share_min)
      OR (g.cache_growth_bytes >= p.excess_bytes_min AND g.cache_growth_bytes >= g.cgroup_bytes_peak * p.growth_share_min) AS is_file
  FROM growth AS g
  CROSS JOIN params AS p
),
-- The first that holds, in the order in which their cures matter: a leak pins pages as well, and with it the rest may go.
causes AS (
  SELECT
    u.*,
    CASE
      WHEN u.is_failing THEN 'alloc_failure'
      WHEN u.is_mapping THEN 'mapping_growth'
      WHEN u.is_grown AND u.is_rising AND u.is_early AND u.is_late AND u.is_foremost THEN 'leak'
      WHEN u.is_runtime_leak THEN 'leak'
      WHEN u.is_holding AND u.is_arenas THEN 'arena_bloat'
      WHEN u.is_holding AND u.is_reclaimable THEN 'retention'
      WHEN u.is_holding THEN 'fragmentation'
      WHEN u.is_outside AND u.walked_hour_count = 0 AND u.runtime_hour_count = 0 THEN 'unknown'
      WHEN u.is_outside THEN 'runtime_heap'
      WHEN u.is_grown AND u.is_plateau THEN 'cache_growth'
      WHEN u.is_file THEN 'file_growth'
      ELSE 'none'
    END AS cause
  FROM rules AS u
)
SELECT
  host_id,
  process_key,
  service,
  service_version,
  environment,
  region,
  zone,
  instance_type,
  pid,
  allocator,
  cause,
  CASE
    WHEN cause IN ('alloc_failure', 'mapping_growth') THEN 1e0
    WHEN cause = 'leak' THEN CASE WHEN valley_count >= 4 THEN 1e0 ELSE 0.75e0 END
    WHEN cause IN ('arena_bloat', 'retention', 'fragmentation') THEN CASE WHEN held_valley_count >= 3 THEN 1e0 WHEN held_valley_count = 2 THEN 0.75e0 ELSE 0.5e0 END
    WHEN cause IN ('runtime_heap', 'cache_growth', 'file_growth') THEN 0.75e0
  END AS confidence,
  CASE
    WHEN cause = 'alloc_failure' THEN coalesce(failing_since, hour_first)
    WHEN cause = 'mapping_growth' THEN mapping_since
    WHEN cause = 'file_growth' THEN hour_first
    WHEN cause IN ('arena_bloat', 'retention', 'fragmentation') THEN held_since
    WHEN cause IN ('runtime_heap', 'unknown') THEN coalesce(outside_since, hour_first)
    WHEN cause IN ('leak', 'cache_growth') THEN coalesce(growing_since, outside_since, hour_first)
  END AS since,
  CASE
    WHEN cause IN ('alloc_failure', 'arena_bloat', 'retention', 'fragmentation') THEN held_bytes
    WHEN cause = 'mapping_growth' THEN anon_last - anon_min
    WHEN cause IN ('leak', 'cache_growth') AND is_grown THEN in_use_last - in_use_first
    WHEN cause = 'leak' THEN runtime_late - runtime_early
    WHEN cause IN ('runtime_heap', 'unknown') THEN outside_settled - outside_first
    WHEN cause = 'file_growth' THEN greatest(coalesce(file_growth_bytes, 0), coalesce(cache_growth_bytes, 0))
  END AS excess_bytes,
  hour_count,
  CAST(valley_count AS bigint) AS valley_count,
  rss_bytes_peak,
  rss_bytes_valley,
  live_bytes_peak,
  live_bytes_valley,
  held_bytes,
  reclaimable_bytes,
  free_chunk_count,
  free_chunk_bytes_max,
  arena_count,
  non_main_arena_bytes,
  in_use_first AS in_use_bytes_first,
  in_use_last AS in_use_bytes_last,
  late_growth_bytes,
  outside_first AS outside_bytes_first,
  outside_settled AS outside_bytes_last,
  runtime_early AS runtime_used_bytes_first,
  runtime_late AS runtime_used_bytes_last,
  file_growth_bytes,
  cache_growth_bytes,
  vma_count_min,
  vma_count_recent AS vma_count_max,
  vma_count_limit,
  failure_count,
  oom_kill_count,
  limit_hit_count,
  major_fault_count,
  service_process_count,
  version_process_count,
  instance_type_process_count,
  zone_process_count
FROM causes
WHERE cause <> 'none'
ORDER BY host_id, process_key
