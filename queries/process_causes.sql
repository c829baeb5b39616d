-- process_causes: what holds the memory of each process that still runs and is not healthy: one cause, and the figures that say so.
-- why:    RSS alone cannot tell a leak from fragmentation from memory merely kept. docs/detection.md explains each rule.
--         Peaks are found in the series itself: what a process has in use now and will have given back later is a peak,
--         the stretches between are its valleys. Causes are judged in valleys, so no length of a day or a cycle is assumed.
--         Anonymous memory is split in three: live in malloc, held free by the allocator, outside of malloc.
--         All counts of hours are of buckets. Between CTEs columns are handed on as x.*: both engines read what is used. Every threshold is a share and the one floor of bytes, excess_bytes_min.
-- grain:  one row per host_id, process_key (pid plus start time, because pids are reused) that is not found healthy; unknown where only RSS grew
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 excess_bytes_min bigint = 16777216, 4 held_share_min double = 0.3, 5 reclaimable_share_min double = 0.5, 6 arena_share_min double = 0.5, 7 arena_count_min bigint = 4, 8 growth_share_min double = 0.2, 9 late_share_min double = 0.4, 10 peak_share_min double = 0.25, 11 mapping_share_min double = 0.05, 12 limit_hit_count_min bigint = 1000, 13 valley_hours_min bigint = 8, 14 kept_hours_min bigint = 24, 15 history_hours_min bigint = 96, 16 dt_first varchar, 17 dt_last varchar, 18 dt_first varchar, 19 dt_last varchar
-- result: host_id, process_key, service, service_version, environment, region, zone, instance_type, pid, allocator, cause, confidence, since, excess_bytes, hour_count, valley_count, rss_bytes_peak, rss_bytes_valley, live_bytes_peak, live_bytes_valley, held_bytes, reclaimable_bytes, free_chunk_count, free_chunk_bytes_max, arena_count, non_main_arena_bytes, in_use_bytes_first, in_use_bytes_last, late_growth_bytes, outside_bytes_first, outside_bytes_last, runtime_used_bytes_first, runtime_used_bytes_last, file_growth_bytes, cache_growth_bytes, vma_count_min, vma_count_max, vma_count_limit, failure_count, oom_kill_count, limit_hit_count, major_fault_count, service_process_count, version_process_count, instance_type_process_count, zone_process_count
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS excess_bytes_min,
    CAST(? AS double) AS held_share_min,
    CAST(? AS double) AS reclaimable_share_min,
    CAST(? AS double) AS arena_share_min,
    CAST(? AS bigint) AS arena_count_min,
    CAST(? AS double) AS growth_share_min,
    CAST(? AS double) AS late_share_min,
    CAST(? AS double) AS peak_share_min,
    CAST(? AS double) AS mapping_share_min,
    CAST(? AS bigint) AS limit_hit_count_min,
    CAST(? AS bigint) AS valley_hours_min,
    CAST(? AS bigint) AS kept_hours_min,
    CAST(? AS bigint) AS history_hours_min
),
-- Every process as a whole: who it is, its extremes, and whether it has moved or held enough to be worth the rest.
processes AS (
  SELECT
    s.host_id,
    s.process_key,
    row_number() OVER (ORDER BY s.host_id, s.process_key) AS process_number,
    max_by(s.service, s.hour) AS service,
    max_by(s.service_version, CASE WHEN s.service_version IS NOT NULL THEN s.hour END) AS service_version,
    max_by(s.environment, CASE WHEN s.environment IS NOT NULL THEN s.hour END) AS environment,
    max(s.region) AS region,
    max(s.zone) AS zone,
    max(s.instance_type) AS instance_type,
    max(s.pid) AS pid,
    max_by(s.allocator, CASE WHEN s.allocator IS NOT NULL THEN s.hour END) AS allocator,
    min(s.hour) AS hour_first,
    max(s.hour) AS hour_last,
    max(max(s.hour)) OVER (PARTITION BY s.host_id) AS host_hour_last,
    count(s.live_bytes_trough) AS walked_hour_count,
    count(s.runtime_heap_used_bytes_min) AS runtime_hour_count,
    max(coalesce(s.rss_bytes_max, s.rss_bytes_last)) AS rss_bytes_peak,
    max(s.live_bytes_max) AS live_bytes_peak,
    max(s.cgroup_current_bytes_max) AS cgroup_bytes_peak,
    min(s.vma_count_max) AS vma_count_min,
    max(s.vma_count_max) AS vma_count_max,
    coalesce(max(s.vma_count_limit), 65530) AS vma_count_limit,
    max(s.small_mapping_count_last) AS small_mapping_count,
    max_by(s.alloc_failure_count_last, CASE WHEN s.alloc_failure_count_last IS NOT NULL THEN s.hour END)
      - max_by(s.alloc_failure_count_first, CASE WHEN s.alloc_failure_count_first IS NOT NULL THEN date_diff('second', s.hour, p.window_end) END) AS failure_count,
    max_by(s.cgroup_oom_kill_count_last, CASE WHEN s.cgroup_oom_kill_count_last IS NOT NULL THEN s.hour END)
      - max_by(s.cgroup_oom_kill_count_first, CASE WHEN s.cgroup_oom_kill_count_first IS NOT NULL THEN date_diff('second', s.hour, p.window_end) END) AS oom_kill_count,
    max(s.cgroup_max_count_last) - min(s.cgroup_max_count_last) AS limit_hit_count,
    max(s.major_fault_count_last) - min(s.major_fault_count_last) AS major_fault_count,
    min(CASE WHEN s.alloc_failure_count_last > s.alloc_failure_count_first OR s.cgroup_oom_kill_count_last > s.cgroup_oom_kill_count_first THEN s.hour END) AS failing_since,
    min(CASE WHEN s.vma_count_max >= coalesce(s.vma_count_limit, 65530) * p.mapping_share_min THEN s.hour END) AS mapping_since,
    greatest(
      coalesce(max(coalesce(s.rss_bytes_max, s.rss_bytes_last)) - min(s.rss_bytes_min), 0),
      coalesce(max(s.free_bytes_trough), 0) + coalesce(max(s.tcache_bytes_trough), 0) + coalesce(max(s.fastbin_bytes_trough), 0),
      coalesce(max(s.swap_bytes_trough) - min(s.swap_bytes_trough), 0),
      coalesce(max(s.cgroup_cache_bytes_last) - min(s.cgroup_cache_bytes_last), 0)
    ) AS movement_bytes
  FROM process_hours AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.hour >= p.window_start
    AND s.hour < p.window_end
  GROUP BY s.host_id, s.process_key
),
-- Those that still run, because the dead hold nothing; how many there are of each kind tells what sets the affected apart.
running AS (
  SELECT
    r.*,
    count(*) OVER (PARTITION BY r.service, r.environment) AS service_process_count,
    count(*) OVER (PARTITION BY r.service, r.environment, r.service_version) AS version_process_count,
    count(*) OVER (PARTITION BY r.service, r.environment, r.instance_type) AS instance_type_process_count,
    count(*) OVER (PARTITION BY r.service, r.environment, r.zone) AS zone_process_count
  FROM processes AS r
  WHERE r.hour_last = r.host_hour_last
),
-- Those of them of which there is something to judge: most of a fleet have not moved.
candidates AS (
  SELECT
    r.*,
    coalesce(r.failure_count > 0, false)
      OR coalesce(r.oom_kill_count > 0, false)
      OR coalesce(r.limit_hit_count >= p.limit_hit_count_min AND r.major_fault_count >= p.limit_hit_count_min, false) AS is_failing
  FROM running AS r
  CROSS JOIN params AS p
  WHERE r.movement_bytes >= p.excess_bytes_min
    OR r.failure_count > 0
    OR r.oom_kill_count > 0
    OR r.limit_hit_count >= p.limit_hit_count_min
    OR r.vma_count_max >= r.vma_count_limit * p.mapping_share_min
),
-- What the kernel and the allocator said of each hour; of processes with heap figures, of the hours that have them.
-- Chunks parked in tcaches and fastbins were freed: nobody uses them, and a setting gives them back.
hours AS (
  SELECT
    c.process_number,
    s.hour,
    CASE WHEN s.allocator = 'jemalloc' THEN coalesce(s.dirty_bytes_trough, 0) ELSE 0 END AS decaying_bytes,
    s.rss_bytes_trough AS rss_bytes,
    coalesce(s.anon_bytes_trough, s.rss_bytes_trough) + coalesce(s.swap_bytes_trough, 0) AS anon_bytes,
    s.live_bytes_trough - coalesce(s.tcache_bytes_trough, 0) - coalesce(s.fastbin_bytes_trough, 0) AS live_bytes,
    coalesce(s.tcache_bytes_trough, 0) + coalesce(s.fastbin_bytes_trough, 0) AS parked_bytes,
    s.free_bytes_trough AS free_bytes,
    s.free_resident_bytes_trough AS free_resident_bytes,
    s.reclaimable_bytes_trough AS reclaimable_bytes,
    s.free_chunk_count_trough AS free_chunk_count,
    s.free_chunk_bytes_max_trough AS free_chunk_bytes_max,
    s.heap_bytes_trough AS heap_bytes,
    s.arena_count_over_1mib_trough AS arena_count,
    s.arena_bytes_max_trough AS arena_bytes_max,
    s.non_main_arena_bytes_trough AS non_main_arena_bytes,
    coalesce(s.file_bytes_trough, 0) + coalesce(s.shmem_bytes_trough, 0) AS file_bytes,
    s.cgroup_cache_bytes_last AS cache_bytes,
    s.vma_count_max AS vma_count,
    s.runtime_heap_used_bytes_min AS runtime_used_bytes,
    s.runtime_heap_used_after_gc_bytes_min AS runtime_collected_bytes
  FROM candidates AS c
  CROSS JOIN params AS p
  JOIN process_hours AS s
    ON s.host_id = c.host_id
    AND s.process_key = c.process_key
  WHERE (s.live_bytes_trough IS NOT NULL OR c.walked_hour_count = 0)
    AND coalesce(s.anon_bytes_trough, s.rss_bytes_trough) IS NOT NULL
    AND s.dt BETWEEN ? AND ?
    AND s.hour >= p.window_start
    AND s.hour < p.window_end
),
-- Held: free memory on resident pages; where only its address space is known, no more than the anonymous memory beside live.
held AS (
  SELECT
    h.*,
    CASE
      WHEN h.live_bytes IS NULL THEN NULL
      WHEN h.free_resident_bytes IS NOT NULL THEN h.free_resident_bytes + h.parked_bytes
      ELSE least(coalesce(h.free_bytes, 0), greatest(h.anon_bytes - h.live_bytes - h.parked_bytes, 0)) + h.parked_bytes
    END AS held_bytes
  FROM hours AS h
),
-- In use: all that is not held. Growing: what a leak would grow; what a runtime has in its heap is garbage in part, so not that.
parts AS (
  SELECT
    h.*,
    CASE WHEN h.live_bytes IS NULL THEN h.anon_bytes ELSE greatest(h.anon_bytes - h.held_bytes, h.live_bytes) END AS in_use_bytes,
    CASE WHEN h.live_bytes IS NULL THEN h.anon_bytes ELSE greatest(h.anon_bytes - h.held_bytes - h.live_bytes, 0) END AS outside_bytes,
    CASE
      WHEN h.runtime_used_bytes IS NOT NULL OR h.live_bytes IS NULL THEN coalesce(h.live_bytes, 0)
      ELSE greatest(h.anon_bytes - h.held_bytes, h.live_bytes)
    END AS growing_bytes
  FROM held AS h
),
-- Lasting: the least that is still to come. What lies above it will have been given back by the end of the window.
lasting AS (
  SELECT
    a.*,
    row_number() OVER (PARTITION BY a.process_number ORDER BY a.hour DESC) AS place_from_last,
    count(*) OVER (PARTITION BY a.process_number) AS hour_count,
    max(a.in_use_bytes) OVER (PARTITION BY a.process_number) AS in_use_most,
    min(a.growing_bytes) OVER (PARTITION BY a.process_number) AS growing_least,
    min(a.outside_bytes) OVER (PARTITION BY a.process_number) AS outside_least,
    min(a.in_use_bytes) OVER (PARTITION BY a.process_number ORDER BY a.hour DESC) AS in_use_lasting,
    max(a.growing_bytes) OVER (PARTITION BY a.process_number ORDER BY a.hour DESC ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS growing_most_so_far,
    min(a.growing_bytes) OVER (PARTITION BY a.process_number ORDER BY a.hour DESC) AS growing_lasting,
    min(a.outside_bytes) OVER (PARTITION BY a.process_number ORDER BY a.hour DESC) AS outside_lasting,
    min(a.file_bytes) OVER (PARTITION BY a.process_number ORDER BY a.hour DESC) AS file_lasting,
    min(a.cache_bytes) OVER (PARTITION BY a.process_number ORDER BY a.hour DESC) AS cache_lasting,
    lead(a.runtime_used_bytes) OVER (PARTITION BY a.process_number ORDER BY a.hour DESC) AS runtime_used_before
  FROM parts AS a
),
-- A peak towers above what lasts, by the floor of bytes, a tenth of the process and a share of its highest peak.
heights AS (
  SELECT
    l.*,
    l.hour_count + 1 - l.place_from_last AS place,
    greatest(
      CAST(p.excess_bytes_min AS double),
      l.in_use_most * 0.1e0,
      max(l.in_use_bytes - l.in_use_lasting) OVER (PARTITION BY l.process_number) * p.peak_share_min
    ) AS peak_bytes
  FROM lasting AS l
  CROSS JOIN params AS p
),
peaks AS (
  SELECT
    t.*,
    CASE WHEN t.in_use_bytes - t.in_use_lasting > t.peak_bytes THEN 1 ELSE 0 END AS is_peak
  FROM heights AS t
),
-- Hours without a peak between them have the same number of peak hours before them: that names their valley.
numbered AS (
  SELECT
    k.*,
    sum(k.is_peak) OVER (PARTITION BY k.process_number ORDER BY k.hour DESC) AS valley
  FROM peaks AS k
),
valleys AS (
  SELECT
    n.*,
    min(n.in_use_bytes) OVER (PARTITION BY n.process_number, n.is_peak, n.valley) AS in_use_valley,
    count(*) OVER (PARTITION BY n.process_number, n.is_peak, n.valley) AS valley_hour_count,
    row_number() OVER (PARTITION BY n.process_number, n.is_peak, n.valley ORDER BY n.hour DESC) AS place_from_valley_last
  FROM numbered AS n
),
-- Settled: the later two thirds of a valley, because allocators give back with some delay; not the rise of a peak in progress.
settled AS (
  SELECT
    v.*,
    CASE
      WHEN v.is_peak = 0
        AND v.valley_hour_count >= p.valley_hours_min
        AND 3 * v.place_from_valley_last <= 2 * v.valley_hour_count + 2
        AND v.in_use_bytes <= v.in_use_valley + v.peak_bytes THEN 1
      ELSE 0
    END AS is_settled
  FROM valleys AS v
  CROSS JOIN params AS p
),
-- The middle one of the settled hours, by what is held, stands for its valley: one odd hour, or a trim, decides nothing.
middles AS (
  SELECT
    d.*,
    min(d.decaying_bytes) OVER (PARTITION BY d.process_number, d.is_settled, d.valley) AS decaying_bytes_least,
    min(d.growing_bytes) OVER (PARTITION BY d.process_number, d.is_settled, d.valley) AS growing_valley,
    min(d.outside_bytes) OVER (PARTITION BY d.process_number, d.is_settled, d.valley) AS outside_valley,
    CASE
      WHEN row_number() OVER (PARTITION BY d.process_number, d.is_settled, d.valley ORDER BY d.held_bytes, d.hour) = (count(*) OVER (PARTITION BY d.process_number, d.is_settled, d.valley) + 1) / 2 THEN d.is_settled
      ELSE 0
    END AS is_valley
  FROM settled AS d
),
-- From valley to valley. jemalloc gives dirty pages back by time: they count where they have outlasted a peak, or days of quiet.
steps AS (
  SELECT
    m.*,
    row_number() OVER (PARTITION BY m.process_number, m.is_valley ORDER BY m.hour DESC) AS valley_place_from_last,
    count(*) OVER (PARTITION BY m.process_number, m.is_valley) AS valley_count,
    m.growing_valley - lead(m.growing_valley) OVER (PARTITION BY m.process_number, m.is_valley ORDER BY m.hour DESC) AS step_bytes,
    m.growing_most_so_far - lead(m.growing_valley) OVER (PARTITION BY m.process_number, m.is_valley ORDER BY m.hour DESC) AS rise_bytes,
    CASE
      WHEN m.valley_hour_count >= p.history_hours_min THEN m.held_bytes
      ELSE m.held_bytes - greatest(m.decaying_bytes - coalesce(lead(m.decaying_bytes_least) OVER (PARTITION BY m.process_number, m.is_valley ORDER BY m.hour DESC), 0), 0)
    END AS kept_bytes
  FROM middles AS m
  CROSS JOIN params AS p
),
judged AS (
  SELECT
    e.*,
    CASE WHEN e.is_valley = 1 AND e.kept_bytes >= p.excess_bytes_min AND e.kept_bytes >= e.anon_bytes * p.held_share_min THEN 1 ELSE 0 END AS is_held,
    CASE WHEN e.is_valley = 1 AND e.valley_place_from_last = 1 THEN 1 ELSE 0 END AS is_last_valley,
    p.excess_bytes_min,
    p.valley_hours_min,
    p.kept_hours_min
  FROM steps AS e
  CROSS JOIN params AS p
),
figures AS (
  SELECT
    j.process_number,
    count(*) AS hour_count,
    sum(j.is_peak) AS peak_hour_count,
    sum(j.is_valley) AS valley_count,
    sum(j.is_held) AS held_valley_count,
    max(CASE WHEN j.is_last_valley = 1 THEN j.is_held END) AS is_held,
    max(CASE WHEN j.is_last_valley = 1 THEN j.valley_hour_count END) AS valley_hour_count,
    max(CASE WHEN j.is_last_valley = 1 THEN j.rss_bytes END) AS rss_bytes_valley,
    max(CASE WHEN j.is_last_valley = 1 THEN j.live_bytes END) AS live_bytes_valley,
    max(CASE WHEN j.is_last_valley = 1 THEN j.held_bytes END) AS held_bytes,
    max(CASE WHEN j.is_last_valley = 1 THEN j.reclaimable_bytes END) AS reclaimable_bytes,
    max(CASE WHEN j.is_last_valley = 1 THEN j.parked_bytes END) AS parked_bytes,
    max(CASE WHEN j.is_last_valley = 1 THEN j.free_bytes END) AS free_bytes,
    max(CASE WHEN j.is_last_valley = 1 THEN j.free_chunk_count END) AS free_chunk_count,
    max(CASE WHEN j.is_last_valley = 1 THEN j.free_chunk_bytes_max END) AS free_chunk_bytes_max,
    max(CASE WHEN j.is_last_valley = 1 THEN j.heap_bytes END) AS heap_bytes,
    max(CASE WHEN j.is_last_valley = 1 THEN j.arena_count END) AS arena_count,
    max(CASE WHEN j.is_last_valley = 1 THEN j.arena_bytes_max END) AS arena_bytes_max,
    max(CASE WHEN j.is_last_valley = 1 THEN j.non_main_arena_bytes END) AS non_main_arena_bytes,
    max(CASE WHEN j.is_valley = 1 AND j.valley_place_from_last = j.valley_count THEN j.growing_valley END) AS valley_first,
    max(CASE WHEN j.is_last_valley = 1 THEN j.growing_valley END) AS valley_last,
    max(CASE WHEN j.is_valley = 1 AND j.valley_place_from_last = 1 + (j.valley_count + 1) / 3 THEN j.growing_valley END) AS valley_before,
    sum(CASE WHEN j.is_valley = 1 AND j.step_bytes > 0 THEN 1 ELSE 0 END) AS rising_count,
    sum(CASE WHEN j.is_valley = 1 AND 2 * j.step_bytes > j.rise_bytes THEN 1 ELSE 0 END) AS shallow_count,
    max(j.growing_bytes) AS growing_most,
    max(CASE WHEN j.place = 1 THEN j.growing_lasting END) AS growing_start,
    max(CASE WHEN j.place = j.hour_count / 3 THEN j.growing_lasting END) AS growing_third,
    max(CASE WHEN j.place = 2 * j.hour_count / 3 THEN j.growing_lasting END) AS growing_two_thirds,
    max(CASE WHEN j.place = 5 * j.hour_count / 6 THEN j.growing_lasting END) AS growing_end,
    max(CASE WHEN j.place = 1 THEN j.outside_lasting END) AS outside_start,
    max(CASE WHEN j.is_valley = 1 AND j.valley_place_from_last = j.valley_count THEN j.outside_valley END) AS outside_valley_first,
    min(CASE WHEN j.is_valley = 1 AND j.valley_place_from_last <= 2 THEN j.outside_valley END) AS outside_valleys,
    max(CASE WHEN j.place_from_last = 2 * j.kept_hours_min THEN j.outside_bytes END) AS outside_before,
    max(CASE WHEN j.place_from_last = 2 * j.kept_hours_min THEN j.outside_lasting END) AS outside_kept,
    max(CASE WHEN j.place_from_last = j.kept_hours_min THEN j.outside_lasting END) AS outside_runtime,
    max(CASE WHEN j.place_from_last = 1 THEN j.outside_bytes END) AS outside_last,
    coalesce(
      min(CASE WHEN j.place > j.hour_count / 6 AND j.place <= j.hour_count / 3 THEN j.runtime_collected_bytes END),
      min(CASE WHEN j.place > j.hour_count / 6 AND j.place <= j.hour_count / 3 THEN j.runtime_used_bytes END)
    ) AS runtime_early,
    coalesce(
      min(CASE WHEN j.place > j.hour_count / 2 THEN j.runtime_collected_bytes END),
      min(CASE WHEN j.place > j.hour_count / 2 AND j.runtime_used_bytes < j.runtime_used_before THEN j.runtime_used_bytes END)
    ) AS runtime_late,
    max(CASE WHEN j.place_from_last = 1 THEN j.anon_bytes END) AS anon_last,
    min(j.anon_bytes) AS anon_min,
    max(CASE WHEN j.place_from_last = 1 THEN j.rss_bytes END) AS rss_last,
    max(CASE WHEN j.place_from_last = j.kept_hours_min THEN j.file_lasting END) - max(CASE WHEN j.place = j.valley_hours_min THEN j.file_lasting END) AS file_growth_bytes,
    max(CASE WHEN j.place_from_last = j.kept_hours_min THEN j.cache_lasting END) - max(CASE WHEN j.place = j.valley_hours_min THEN j.cache_lasting END) AS cache_growth_bytes,
    max(CASE WHEN j.place_from_last <= j.kept_hours_min THEN j.vma_count END) AS vma_count_recent,
    min(CASE WHEN j.is_held = 1 THEN j.hour END) AS held_since,
    min(CASE WHEN j.growing_lasting >= j.growing_least + j.excess_bytes_min THEN j.hour END) AS growing_since,
    min(CASE WHEN j.outside_lasting >= j.outside_least + j.excess_bytes_min THEN j.hour END) AS outside_since
  FROM judged AS j
  GROUP BY j.process_number
),
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
      AND g.in_use_last - g.in_use_first >= (g.growing_most - g.in_use_first) * p.growth_share_min AS is_foremost,
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
