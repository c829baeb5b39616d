-- collector_cost: what watching cost on every host.
-- why:    a guest that measures others must show its own bill, and what it could not see.
-- grain:  one row per host_id
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 dt_first varchar, 4 dt_last varchar
-- result: host_id, collector_cpu_us, walk_cpu_us, walk_count, walk_unknown_count, process_denied_count_max, process_gone_count, malformed_count, row_count, row_dropped_count, collector_rss_bytes_max, tick_ms_max
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end
)
SELECT
  s.host_id,
  CAST(sum(s.collector_cpu_us) AS bigint) AS collector_cpu_us,
  CAST(sum(s.walk_cpu_us) AS bigint) AS walk_cpu_us,
  CAST(sum(s.walk_count) AS bigint) AS walk_count,
  CAST(sum(s.walk_unknown_count) AS bigint) AS walk_unknown_count,
  max(s.process_denied_count) AS process_denied_count_max,
  CAST(sum(s.process_gone_count) AS bigint) AS process_gone_count,
  CAST(sum(s.malformed_count) AS bigint) AS malformed_count,
  CAST(sum(s.row_count) AS bigint) AS row_count,
  CAST(sum(s.row_dropped_count) AS bigint) AS row_dropped_count,
  max(s.collector_rss_bytes) AS collector_rss_bytes_max,
  max(s.tick_ms_max) AS tick_ms_max
FROM collector_samples AS s
CROSS JOIN params AS p
WHERE s.dt BETWEEN ? AND ?
  AND s.sampled_at >= p.window_start
  AND s.sampled_at < p.window_end
GROUP BY s.host_id
ORDER BY s.host_id
