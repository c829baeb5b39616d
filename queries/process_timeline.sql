-- process_timeline: resident, live and free bytes of every process over time, in buckets.
-- why:    the picture behind a finding: what rose at the peak, and what came back.
-- grain:  one row per host_id, process_key, bucket
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 bucket_seconds bigint = 3600, 4 dt_first varchar, 5 dt_last varchar
-- result: host_id, process_key, service, pid, bucket (counted from window_start), rss_bytes, live_bytes, free_bytes
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS bucket_seconds
),
samples AS (
  SELECT
    s.host_id,
    s.process_key,
    s.service,
    s.pid,
    s.rss_bytes,
    s.live_bytes,
    s.free_bytes,
    date_diff('millisecond', p.window_start, s.sampled_at) / (p.bucket_seconds * 1000) AS bucket
  FROM process_samples AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.sampled_at >= p.window_start
    AND s.sampled_at < p.window_end
)
SELECT
  host_id,
  process_key,
  service,
  pid,
  bucket,
  CAST(round(avg(rss_bytes)) AS bigint) AS rss_bytes,
  CAST(round(avg(live_bytes)) AS bigint) AS live_bytes,
  CAST(round(avg(free_bytes)) AS bigint) AS free_bytes
FROM samples
GROUP BY host_id, process_key, service, pid, bucket
ORDER BY host_id, process_key, bucket
