-- review_events: processes that died, were killed for memory, or could not allocate within a stretch of time, by service.
-- why:    a process that dies has no further row to count in: what became of it stands only in the rows of its black box.
--         Of several events of one process each kind counts once.
-- grain:  one row per service, event
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 dt_first varchar, 4 dt_last varchar
-- result: service, event, process_count, host_count, first_at, last_at, rss_bytes_max
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end
),
events AS (
  SELECT
    s.service,
    s.event,
    s.host_id,
    s.process_key,
    min(s.event_at) AS first_at,
    max(s.event_at) AS last_at,
    max(s.rss_bytes) AS rss_bytes_max
  FROM detail_samples AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.event_at >= p.window_start
    AND s.event_at < p.window_end
    AND s.event <> 'burst'
  GROUP BY s.service, s.event, s.host_id, s.process_key
)
SELECT
  service,
  event,
  count(*) AS process_count,
  count(DISTINCT host_id) AS host_count,
  min(first_at) AS first_at,
  max(last_at) AS last_at,
  max(rss_bytes_max) AS rss_bytes_max
FROM events
GROUP BY service, event
ORDER BY service, event
