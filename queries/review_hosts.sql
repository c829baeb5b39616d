-- review_hosts: how many hosts were seen around a peak, and how many ran out of memory, swapped, fell silent or were not seen for a while in it.
-- why:    a peak is judged by those who reported. A host that stopped reporting in it is the first to look at, and a gap hides
--         what happened. A host that said that it was being stopped is not silent, and one that came within the peak is no gap.
--         Counters run since boot: only rises within one boot count.
-- grain:  one row per trouble; the row `seen` is there whenever any host was
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 peak_from timestamp, 4 peak_to timestamp, 5 silent_seconds_min bigint = 1800, 6 gap_seconds_min bigint = 600, 7 swapped_out_bytes_min bigint = 268435456, 8 available_share_max double = 0.05, 9 dt_first varchar, 10 dt_last varchar
-- result: trouble, host_count, event_count, bytes, since, host_id
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS timestamp) AS peak_from,
    CAST(? AS timestamp) AS peak_to,
    CAST(? AS bigint) AS silent_seconds_min,
    CAST(? AS bigint) AS gap_seconds_min,
    CAST(? AS bigint) AS swapped_out_bytes_min,
    CAST(? AS double) AS available_share_max
),
samples AS (
  SELECT
    s.host_id,
    s.sampled_at,
    s.mem_available_bytes,
    s.mem_total_bytes,
    s.is_last_row,
    p.peak_from,
    p.peak_to,
    p.silent_seconds_min,
    p.gap_seconds_min,
    p.swapped_out_bytes_min,
    p.available_share_max,
    CASE WHEN s.sampled_at >= p.peak_from AND s.sampled_at < p.peak_to THEN 1 ELSE 0 END AS is_in,
    s.oom_kill_count - lag(s.oom_kill_count) OVER (PARTITION BY s.host_id, s.boot_id ORDER BY s.sampled_at, s.sequence) AS killed,
    s.swapped_out_bytes - lag(s.swapped_out_bytes) OVER (PARTITION BY s.host_id, s.boot_id ORDER BY s.sampled_at, s.sequence) AS swapped_out,
    lag(s.sampled_at) OVER (PARTITION BY s.host_id ORDER BY s.sampled_at, s.sequence) AS sampled_before,
    lag(s.is_last_row) OVER (PARTITION BY s.host_id ORDER BY s.sampled_at, s.sequence) AS stopped_before,
    row_number() OVER (PARTITION BY s.host_id ORDER BY s.sampled_at DESC, s.sequence DESC) AS place_from_last,
    max(s.sampled_at) OVER () AS newest
  FROM host_samples AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.sampled_at >= p.window_start
    AND s.sampled_at < p.window_end
),
hosts AS (
  SELECT
    host_id,
    min(sampled_at) AS first_at,
    max(sampled_at) AS last_at,
    CAST(coalesce(sum(CASE WHEN is_in = 1 AND killed > 0 THEN killed END), 0) AS bigint) AS killed,
    min(CASE WHEN is_in = 1 AND killed > 0 THEN sampled_at END) AS killed_at,
    CAST(coalesce(sum(CASE WHEN is_in = 1 AND swapped_out > 0 THEN swapped_out END), 0) AS bigint) AS swapped_out,
    min(CASE WHEN is_in = 1 AND swapped_out > 0 THEN sampled_at END) AS swapped_at,
    min(CASE WHEN is_in = 1 AND mem_available_bytes <= mem_total_bytes * available_share_max THEN sampled_at END) AS low_at,
    min(CASE WHEN is_in = 1 THEN mem_available_bytes END) AS available_bytes_min,
    min(CASE
      WHEN stopped_before IS NULL AND sampled_before < peak_to AND sampled_at > peak_from AND date_diff('second', sampled_before, sampled_at) >= gap_seconds_min THEN sampled_before
    END) AS gap_at,
    max(CASE WHEN place_from_last = 1 AND is_last_row IS NULL AND sampled_at < peak_to AND date_diff('second', sampled_at, newest) >= silent_seconds_min THEN 1 ELSE 0 END) AS is_silent,
    max(swapped_out_bytes_min) AS swapped_out_bytes_min
  FROM samples
  GROUP BY host_id
),
troubles AS (
  SELECT
    'seen' AS trouble,
    host_id,
    CAST(0 AS bigint) AS event_count,
    CAST(NULL AS bigint) AS bytes,
    first_at AS since
  FROM hosts
  UNION ALL
  SELECT
    'oom_kills' AS trouble,
    host_id,
    killed AS event_count,
    available_bytes_min AS bytes,
    killed_at AS since
  FROM hosts
  WHERE killed > 0
  UNION ALL
  SELECT
    'swap' AS trouble,
    host_id,
    CAST(0 AS bigint) AS event_count,
    swapped_out AS bytes,
    swapped_at AS since
  FROM hosts
  WHERE swapped_out > 0
    AND swapped_out >= swapped_out_bytes_min
  UNION ALL
  SELECT
    'low_memory' AS trouble,
    host_id,
    CAST(0 AS bigint) AS event_count,
    available_bytes_min AS bytes,
    low_at AS since
  FROM hosts
  WHERE low_at IS NOT NULL
  UNION ALL
  SELECT
    'silent' AS trouble,
    host_id,
    CAST(0 AS bigint) AS event_count,
    CAST(NULL AS bigint) AS bytes,
    last_at AS since
  FROM hosts
  WHERE is_silent = 1
  UNION ALL
  SELECT
    'gap' AS trouble,
    host_id,
    CAST(0 AS bigint) AS event_count,
    CAST(NULL AS bigint) AS bytes,
    gap_at AS since
  FROM hosts
  WHERE gap_at IS NOT NULL
),
-- The host that is named is the first that had it.
placed AS (
  SELECT
    t.*,
    row_number() OVER (PARTITION BY t.trouble ORDER BY t.since, t.host_id) AS place
  FROM troubles AS t
)
SELECT
  trouble,
  count(*) AS host_count,
  CAST(sum(event_count) AS bigint) AS event_count,
  CAST(CASE WHEN trouble = 'swap' THEN sum(bytes) ELSE min(bytes) END AS bigint) AS bytes,
  min(since) AS since,
  max(CASE WHEN place = 1 THEN host_id END) AS host_id
FROM placed
GROUP BY trouble
ORDER BY trouble
