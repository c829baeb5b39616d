-- memory_pressure: hosts on which all tasks at once waited for memory for a share of the time.
-- why:    the kernel's own measure of harm (PSI, full): no work was done at all. It shows where figures of bytes look well.
--         A share over the whole window and a floor in time, so that one short stall of a quiet host is none.
-- grain:  one row per host_id, boot_id
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 full_share_min double = 0.05, 4 full_us_min bigint = 60000000, 5 dt_first varchar, 6 dt_last varchar
-- result: host_id, boot_id, host_name, autoscaling_group, since, memory_full_us, memory_some_us, io_full_us, seconds, major_fault_count, alloc_stall_count, mem_available_bytes_last
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS double) AS full_share_min,
    CAST(? AS bigint) AS full_us_min
),
samples AS (
  SELECT
    s.host_id,
    s.host_name,
    s.autoscaling_group,
    s.boot_id,
    s.sampled_at,
    s.memory_full_us,
    s.memory_some_us,
    s.io_full_us,
    s.major_fault_count,
    s.alloc_stall_count,
    s.mem_available_bytes,
    row_number() OVER (PARTITION BY s.host_id, s.boot_id ORDER BY s.sampled_at DESC, s.sequence DESC) AS place_from_last
  FROM host_samples AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.sampled_at >= p.window_start
    AND s.sampled_at < p.window_end
    AND s.memory_full_us IS NOT NULL
),
hosts AS (
  SELECT
    host_id,
    boot_id,
    max(host_name) AS host_name,
    max(autoscaling_group) AS autoscaling_group,
    min(sampled_at) AS since,
    date_diff('second', min(sampled_at), max(sampled_at)) AS seconds,
    max(memory_full_us) - min(memory_full_us) AS memory_full_us,
    max(memory_some_us) - min(memory_some_us) AS memory_some_us,
    max(io_full_us) - min(io_full_us) AS io_full_us,
    max(major_fault_count) - min(major_fault_count) AS major_fault_count,
    max(alloc_stall_count) - min(alloc_stall_count) AS alloc_stall_count,
    max(CASE WHEN place_from_last = 1 THEN mem_available_bytes END) AS mem_available_bytes_last
  FROM samples
  GROUP BY host_id, boot_id
)
SELECT
  h.host_id,
  h.boot_id,
  h.host_name,
  h.autoscaling_group,
  h.since,
  h.memory_full_us,
  h.memory_some_us,
  h.io_full_us,
  h.seconds,
  h.major_fault_count,
  h.alloc_stall_count,
  h.mem_available_bytes_last
FROM hosts AS h
CROSS JOIN params AS p
WHERE h.seconds > 0
  AND h.memory_full_us > 0
  AND h.memory_full_us >= p.full_us_min
  AND h.memory_full_us >= h.seconds * 1e6 * p.full_share_min
ORDER BY h.host_id, h.boot_id
