-- weekly_worst_processes: of each service the process that holds most free memory, with all that advice is given on.
-- why:    what helps depends on allocator, version and settings, and on where the free memory lies, of a real process. The
--         window is the last hour in the weekly report, because minutes are read. A process is taken at its last row with
--         heap figures, else at its last row. Services are listed by what that process holds, and by what it has resident.
-- grain:  one row per service, environment
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 service_count_max bigint = 50, 4 dt_first varchar, 5 dt_last varchar
-- result: host_id, process_key, service, environment, pid, comm, allocator, allocator_version, heap_source, tunables, runtime, runtime_version, instance_type, sampled_at, rss_bytes, anon_bytes, heap_bytes, heap_resident_bytes, live_bytes, free_bytes, free_resident_bytes, free_chunk_count, free_chunk_bytes_max, reclaimable_bytes, top_bytes, arena_count, arena_count_over_1mib, non_main_arena_bytes, non_main_free_bytes, mmapped_bytes, mmapped_count, tcache_bytes, tcache_chunk_count, dirty_bytes, muzzy_bytes, cache_bytes, bin_waste_bytes, thread_count, vma_count, vma_count_limit, runtime_heap_bytes, runtime_heap_used_bytes, runtime_heap_used_after_gc_bytes, runtime_heap_limit_bytes, cgroup_limit_bytes, cgroup_current_bytes, swap_bytes, live_bytes_peak, pinned_bytes_by_size
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS service_count_max
),
samples AS (
  SELECT
    p.service_count_max,
    s.host_id,
    s.process_key,
    s.service,
    s.environment,
    s.pid,
    s.comm,
    s.allocator,
    s.allocator_version,
    s.heap_source,
    s.tunables,
    s.runtime,
    s.runtime_version,
    s.instance_type,
    s.sampled_at,
    s.rss_bytes,
    s.anon_bytes,
    s.heap_bytes,
    s.heap_resident_bytes,
    s.live_bytes,
    s.free_bytes,
    s.free_resident_bytes,
    s.free_chunk_count,
    s.free_chunk_bytes_max,
    s.reclaimable_bytes,
    s.top_bytes,
    s.arena_count,
    s.arena_count_over_1mib,
    s.non_main_arena_bytes,
    s.non_main_free_bytes,
    s.mmapped_bytes,
    s.mmapped_count,
    s.tcache_bytes,
    s.tcache_chunk_count,
    s.dirty_bytes,
    s.muzzy_bytes,
    s.cache_bytes,
    s.bin_waste_bytes,
    s.thread_count,
    s.vma_count,
    s.vma_count_limit,
    s.runtime_heap_bytes,
    s.runtime_heap_used_bytes,
    s.runtime_heap_used_after_gc_bytes,
    s.runtime_heap_limit_bytes,
    s.cgroup_limit_bytes,
    s.cgroup_current_bytes,
    s.swap_bytes,
    max(s.live_bytes) OVER (PARTITION BY s.host_id, s.process_key) AS live_bytes_peak,
    max_by(s.pinned_bytes_by_size, CASE WHEN s.pinned_bytes_by_size IS NOT NULL THEN s.sampled_at END) OVER (PARTITION BY s.host_id, s.process_key) AS pinned_bytes_by_size,
    row_number() OVER (
      PARTITION BY s.host_id, s.process_key
      ORDER BY CASE WHEN s.live_bytes IS NULL THEN 1 ELSE 0 END, s.sampled_at DESC, s.sequence DESC
    ) AS place
  FROM process_samples AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.sampled_at >= p.window_start
    AND s.sampled_at < p.window_end
),
processes AS (
  SELECT
    x.*,
    row_number() OVER (
      PARTITION BY x.service, x.environment
      ORDER BY coalesce(x.free_resident_bytes, 0) DESC, coalesce(x.rss_bytes, 0) DESC, x.host_id, x.process_key
    ) AS place_in_service
  FROM samples AS x
  WHERE x.place = 1
),
services AS (
  SELECT
    w.*,
    row_number() OVER (ORDER BY coalesce(w.free_resident_bytes, 0) DESC, w.service, w.environment) AS place_by_held,
    row_number() OVER (ORDER BY coalesce(w.rss_bytes, 0) DESC, w.service, w.environment) AS place_by_rss
  FROM processes AS w
  WHERE w.place_in_service = 1
)
SELECT
  host_id,
  process_key,
  service,
  environment,
  pid,
  comm,
  allocator,
  allocator_version,
  heap_source,
  tunables,
  runtime,
  runtime_version,
  instance_type,
  sampled_at,
  rss_bytes,
  anon_bytes,
  heap_bytes,
  heap_resident_bytes,
  live_bytes,
  free_bytes,
  free_resident_bytes,
  free_chunk_count,
  free_chunk_bytes_max,
  reclaimable_bytes,
  top_bytes,
  arena_count,
  arena_count_over_1mib,
  non_main_arena_bytes,
  non_main_free_bytes,
  mmapped_bytes,
  mmapped_count,
  tcache_bytes,
  tcache_chunk_count,
  dirty_bytes,
  muzzy_bytes,
  cache_bytes,
  bin_waste_bytes,
  thread_count,
  vma_count,
  vma_count_limit,
  runtime_heap_bytes,
  runtime_heap_used_bytes,
  runtime_heap_used_after_gc_bytes,
  runtime_heap_limit_bytes,
  cgroup_limit_bytes,
  cgroup_current_bytes,
  swap_bytes,
  live_bytes_peak,
  pinned_bytes_by_size
FROM services
WHERE place_by_held <= service_count_max
  OR place_by_rss <= service_count_max
ORDER BY place_by_held
