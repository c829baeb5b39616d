-- review_timeline: memory of every service over a stretch of time, in equal steps: RSS, live, and free but resident.
-- why:    a peak is believed when it is seen: its rise, what came back, and when. The figures of a step are sums over the last
--         row of each process in it. A service with less RSS at its fullest than others that are drawn is left out.
-- grain:  one row per service, environment, step
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 step_seconds bigint = 3600, 4 service_count_max bigint = 40, 5 reads varchar = hours, 6 dt_first varchar, 7 dt_last varchar, 8 reads varchar = hours, 9 dt_first varchar, 10 dt_last varchar
-- result: service, environment, step, process_count, rss_bytes, live_bytes, free_resident_bytes
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS step_seconds,
    CAST(? AS bigint) AS service_count_max
),
points AS (
  SELECT
    h.service,
    h.environment,
    h.host_id,
    h.process_key,
    h.hour AS sampled_at,
    CAST(0 AS bigint) AS sequence,
    h.rss_bytes_last AS rss_bytes,
    h.live_bytes_last AS live_bytes,
    h.free_resident_bytes_last AS free_resident_bytes
  FROM process_hours AS h
  CROSS JOIN params AS p
  WHERE ? = 'hours'
    AND h.dt BETWEEN ? AND ?
    AND h.hour >= p.window_start
    AND h.hour < p.window_end
  UNION ALL
  SELECT
    s.service,
    s.environment,
    s.host_id,
    s.process_key,
    s.sampled_at,
    s.sequence,
    s.rss_bytes,
    s.live_bytes,
    s.free_resident_bytes
  FROM process_samples AS s
  CROSS JOIN params AS p
  WHERE ? = 'minutes'
    AND s.dt BETWEEN ? AND ?
    AND s.sampled_at >= p.window_start
    AND s.sampled_at < p.window_end
),
stepped AS (
  SELECT
    o.*,
    p.window_start + date_diff('second', p.window_start, o.sampled_at) / p.step_seconds * p.step_seconds * INTERVAL '1' SECOND AS step
  FROM points AS o
  CROSS JOIN params AS p
),
lasts AS (
  SELECT
    d.*,
    row_number() OVER (PARTITION BY d.host_id, d.process_key, d.step ORDER BY d.sampled_at DESC, d.sequence DESC) AS place
  FROM stepped AS d
),
steps AS (
  SELECT
    service,
    environment,
    step,
    count(*) AS process_count,
    CAST(sum(rss_bytes) AS bigint) AS rss_bytes,
    CAST(sum(live_bytes) AS bigint) AS live_bytes,
    CAST(sum(free_resident_bytes) AS bigint) AS free_resident_bytes
  FROM lasts
  WHERE place = 1
  GROUP BY service, environment, step
),
highs AS (
  SELECT
    t.*,
    max(coalesce(t.rss_bytes, 0)) OVER (PARTITION BY t.service, t.environment) AS rss_bytes_high
  FROM steps AS t
),
placed AS (
  SELECT
    g.*,
    dense_rank() OVER (ORDER BY g.rss_bytes_high DESC, g.service, g.environment) AS place
  FROM highs AS g
)
SELECT
  g.service,
  g.environment,
  g.step,
  g.process_count,
  g.rss_bytes,
  g.live_bytes,
  g.free_resident_bytes
FROM placed AS g
CROSS JOIN params AS p
WHERE g.place <= p.service_count_max
ORDER BY g.service, g.environment, g.step
