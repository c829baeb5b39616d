-- swap_growing: hosts that write to swap at a rate and have much of it in use.
-- why:    memory is short although nothing fails yet; what was swapped out comes back at the speed of a disk.
--         Pages that were put away once and lie there are harmless: only what is written within the window counts, over
--         the time between the host's first and last row, and only with a share of the swap in use.
-- grain:  one row per host_id, boot_id
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 swap_out_rate_min double = 1048576, 4 swapped_out_bytes_min bigint = 268435456, 5 swap_used_share_min double = 0.1, 6 swap_used_bytes_min bigint = 268435456, 7 dt_first varchar, 8 dt_last varchar
-- result: host_id, boot_id, host_name, autoscaling_group, since, swapped_out_bytes, swapped_in_bytes, seconds, swap_used_bytes_first, swap_used_bytes_last, swap_total_bytes, mem_available_bytes_last, swap_device_kind
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS double) AS swap_out_rate_min,
    CAST(? AS bigint) AS swapped_out_bytes_min,
    CAST(? AS double) AS swap_used_share_min,
    CAST(? AS bigint) AS swap_used_bytes_min
),
samples AS (
  SELECT
    s.host_id,
    s.host_name,
    s.autoscaling_group,
    s.boot_id,
    s.sampled_at,
    s.swapped_out_bytes,
    s.swapped_in_bytes,
    s.swap_total_bytes - s.swap_free_bytes AS swap_used_bytes,
    s.swap_total_bytes,
    s.mem_available_bytes,
    s.swap_device_kind,
    row_number() OVER (PARTITION BY s.host_id, s.boot_id ORDER BY s.sampled_at, s.sequence) AS place,
    row_number() OVER (PARTITION BY s.host_id, s.boot_id ORDER BY s.sampled_at DESC, s.sequence DESC) AS place_from_last
  FROM host_samples AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.sampled_at >= p.window_start
    AND s.sampled_at < p.window_end
    AND s.swapped_out_bytes IS NOT NULL
    AND s.swap_total_bytes > 0
    AND s.swap_free_bytes IS NOT NULL
),
hosts AS (
  SELECT
    host_id,
    boot_id,
    max(host_name) AS host_name,
    max(autoscaling_group) AS autoscaling_group,
    min(sampled_at) AS since,
    date_diff('second', min(sampled_at), max(sampled_at)) AS seconds,
    max(swapped_out_bytes) - min(swapped_out_bytes) AS swapped_out_bytes,
    max(swapped_in_bytes) - min(swapped_in_bytes) AS swapped_in_bytes,
    max(CASE WHEN place = 1 THEN swap_used_bytes END) AS swap_used_bytes_first,
    max(CASE WHEN place_from_last = 1 THEN swap_used_bytes END) AS swap_used_bytes_last,
    max(CASE WHEN place_from_last = 1 THEN swap_total_bytes END) AS swap_total_bytes,
    max(CASE WHEN place_from_last = 1 THEN mem_available_bytes END) AS mem_available_bytes_last,
    max(CASE WHEN place_from_last = 1 THEN swap_device_kind END) AS swap_device_kind
  FROM samples
  GROUP BY host_id, boot_id
)
SELECT
  h.host_id,
  h.boot_id,
  h.host_name,
  h.autoscaling_group,
  h.since,
  h.swapped_out_bytes,
  h.swapped_in_bytes,
  h.seconds,
  h.swap_used_bytes_first,
  h.swap_used_bytes_last,
  h.swap_total_bytes,
  h.mem_available_bytes_last,
  h.swap_device_kind
FROM hosts AS h
CROSS JOIN params AS p
WHERE h.seconds > 0
  AND h.swapped_out_bytes > 0
  AND h.swapped_out_bytes >= p.swapped_out_bytes_min
  AND h.swapped_out_bytes >= h.seconds * p.swap_out_rate_min
  AND h.swap_used_bytes_last >= p.swap_used_bytes_min
  AND h.swap_used_bytes_last >= h.swap_total_bytes * p.swap_used_share_min
ORDER BY h.host_id, h.boot_id
