-- The first half of process_causes: from the hours of processes to the figures of each, by which its cause is judged there.
-- Columns are handed on between CTEs as x.*: both engines read only what is used.
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
