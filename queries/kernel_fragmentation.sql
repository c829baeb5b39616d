-- kernel_fragmentation: hosts whose free pages lie in pieces too small for the kernel, and whose compaction fails to mend it.
-- why:    network buffers, page tables and huge pages need contiguous pages; without them work waits or falls back.
--         Order 4 (16 pages) because it is the first that the kernel may refuse: up to order 3 it reclaims until it succeeds
--         (PAGE_ALLOC_COSTLY_ORDER). Huge pages (order 9) fail on most hosts that run for long, and small pages serve as
--         well: they are evidence here, no reason. Above 500 the kernel itself blames fragmentation and not want of memory
--         (vm.extfrag_threshold); below 0 the allocation would succeed. In all last rows, with failed compactions.
-- grain:  one row per host_id, boot_id
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 block_order bigint = 4, 4 fragmentation_index_min bigint = 500, 5 compact_fail_count_min bigint = 10, 6 index_row_count_min bigint = 5, 7 dt_first varchar, 8 dt_last varchar
-- result: host_id, boot_id, host_name, autoscaling_group, since, block_order, fragmentation_index_last, fragmentation_index_order_9_last, compact_fail_count, compact_stall_count, thp_fault_alloc_count, thp_fault_fallback_count, mem_free_bytes_last, min_free_bytes_last, thp_enabled
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS block_order,
    CAST(? AS bigint) AS fragmentation_index_min,
    CAST(? AS bigint) AS compact_fail_count_min,
    CAST(? AS bigint) AS index_row_count_min
),
samples AS (
  SELECT
    s.host_id,
    s.host_name,
    s.autoscaling_group,
    s.boot_id,
    s.sampled_at,
    p.block_order,
    p.index_row_count_min,
    element_at(s.fragmentation_index_by_order, p.block_order + 1) AS fragmentation_index,
    element_at(s.fragmentation_index_by_order, 10) AS fragmentation_index_order_9,
    s.compact_fail_count,
    s.compact_stall_count,
    s.thp_fault_alloc_count,
    s.thp_fault_fallback_count,
    s.mem_free_bytes,
    s.min_free_bytes,
    s.thp_enabled,
    row_number() OVER (PARTITION BY s.host_id, s.boot_id ORDER BY s.sampled_at DESC, s.sequence DESC) AS place_from_last
  FROM host_samples AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.sampled_at >= p.window_start
    AND s.sampled_at < p.window_end
    AND s.compact_fail_count IS NOT NULL
),
hosts AS (
  SELECT
    host_id,
    boot_id,
    block_order,
    max(host_name) AS host_name,
    max(autoscaling_group) AS autoscaling_group,
    min(sampled_at) AS since,
    count(fragmentation_index) AS index_count,
    min(CASE WHEN place_from_last <= index_row_count_min OR place_from_last = 1 THEN fragmentation_index END) AS fragmentation_index_least,
    max(CASE WHEN place_from_last = 1 THEN fragmentation_index END) AS fragmentation_index_last,
    max(CASE WHEN place_from_last = 1 THEN fragmentation_index_order_9 END) AS fragmentation_index_order_9_last,
    max(compact_fail_count) - min(compact_fail_count) AS compact_fail_count,
    max(compact_stall_count) - min(compact_stall_count) AS compact_stall_count,
    max(thp_fault_alloc_count) - min(thp_fault_alloc_count) AS thp_fault_alloc_count,
    max(thp_fault_fallback_count) - min(thp_fault_fallback_count) AS thp_fault_fallback_count,
    max(CASE WHEN place_from_last = 1 THEN mem_free_bytes END) AS mem_free_bytes_last,
    max(CASE WHEN place_from_last = 1 THEN min_free_bytes END) AS min_free_bytes_last,
    max(CASE WHEN place_from_last = 1 THEN thp_enabled END) AS thp_enabled
  FROM samples
  GROUP BY host_id, boot_id, block_order
)
SELECT
  h.host_id,
  h.boot_id,
  h.host_name,
  h.autoscaling_group,
  h.since,
  h.block_order,
  h.fragmentation_index_last,
  h.fragmentation_index_order_9_last,
  h.compact_fail_count,
  h.compact_stall_count,
  h.thp_fault_alloc_count,
  h.thp_fault_fallback_count,
  h.mem_free_bytes_last,
  h.min_free_bytes_last,
  h.thp_enabled
FROM hosts AS h
CROSS JOIN params AS p
WHERE h.index_count >= p.index_row_count_min
  AND h.compact_fail_count > 0
  AND h.compact_fail_count >= p.compact_fail_count_min
  AND h.fragmentation_index_least >= p.fragmentation_index_min
ORDER BY h.host_id, h.boot_id
