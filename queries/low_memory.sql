-- low_memory: hosts with little memory left, in share and in bytes, in all of their last rows.
-- why:    MemAvailable counts what the kernel can take back; when that is gone everything on the host waits or is killed.
--         A share alone would call 100 GB little on a large host, bytes alone would call every small host low.
-- grain:  one row per host_id
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 available_share_max double = 0.05, 4 available_bytes_max bigint = 1073741824, 5 low_row_count_min bigint = 5, 6 dt_first varchar, 7 dt_last varchar
-- result: host_id, host_name, autoscaling_group, since, mem_available_bytes_last, mem_total_bytes, swap_free_bytes_last, anon_bytes_last, shmem_bytes_last, slab_unreclaimable_bytes_last
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS double) AS available_share_max,
    CAST(? AS bigint) AS available_bytes_max,
    CAST(? AS bigint) AS low_row_count_min
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
    s.swap_free_bytes,
    s.anon_bytes,
    s.shmem_bytes,
    s.slab_unreclaimable_bytes,
    CASE WHEN s.mem_available_bytes <= s.mem_total_bytes * p.available_share_max AND s.mem_available_bytes <= p.available_bytes_max THEN 1 ELSE 0 END AS is_low,
    row_number() OVER (PARTITION BY s.host_id ORDER BY s.sampled_at DESC, s.sequence DESC) AS place_from_last
  FROM host_samples AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.sampled_at >= p.window_start
    AND s.sampled_at < p.window_end
    AND s.mem_available_bytes IS NOT NULL
    AND s.mem_total_bytes IS NOT NULL
),
hosts AS (
  SELECT
    host_id,
    max(host_name) AS host_name,
    max(autoscaling_group) AS autoscaling_group,
    count(*) AS row_count,
    min(CASE WHEN is_low = 0 THEN place_from_last END) AS good_place_from_last,
    max(CASE WHEN is_low = 0 THEN sampled_at END) AS good_at_last,
    min(sampled_at) AS sampled_at_first,
    max(CASE WHEN place_from_last = 1 THEN mem_available_bytes END) AS mem_available_bytes_last,
    max(CASE WHEN place_from_last = 1 THEN mem_total_bytes END) AS mem_total_bytes,
    max(CASE WHEN place_from_last = 1 THEN swap_free_bytes END) AS swap_free_bytes_last,
    max(CASE WHEN place_from_last = 1 THEN anon_bytes END) AS anon_bytes_last,
    max(CASE WHEN place_from_last = 1 THEN shmem_bytes END) AS shmem_bytes_last,
    max(CASE WHEN place_from_last = 1 THEN slab_unreclaimable_bytes END) AS slab_unreclaimable_bytes_last
  FROM samples
  GROUP BY host_id
)
SELECT
  h.host_id,
  h.host_name,
  h.autoscaling_group,
  coalesce(h.good_at_last, h.sampled_at_first) AS since,
  h.mem_available_bytes_last,
  h.mem_total_bytes,
  h.swap_free_bytes_last,
  h.anon_bytes_last,
  h.shmem_bytes_last,
  h.slab_unreclaimable_bytes_last
FROM hosts AS h
CROSS JOIN params AS p
WHERE h.row_count >= p.low_row_count_min
  AND h.row_count > 0
  AND coalesce(h.good_place_from_last, h.row_count + 1) > p.low_row_count_min
  AND coalesce(h.good_place_from_last, h.row_count + 1) > 1
ORDER BY h.host_id
