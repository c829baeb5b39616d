-- collector_losses: hosts whose collector lost rows, cannot deliver, or may not look.
-- why:    a monitor that goes blind must show it: what was dropped is in no other query.
--         Lost are rows that were dropped, above a count and a share of those made. Held up are deliveries that fail again
--         and again while rows pile up in the spool. Blind is a collector without leave to read a share of the processes.
--         Details lost are rows about a death or a kill, of which an interval ships only so many.
-- grain:  one row per host_id
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 dropped_count_min bigint = 100, 4 dropped_share_min double = 0.01, 5 delivery_failure_count_min bigint = 3, 6 spool_row_rise_min bigint = 1000, 7 denied_count_min bigint = 3, 8 denied_share_min double = 0.1, 9 detail_dropped_count_min bigint = 1, 10 dt_first varchar, 11 dt_last varchar
-- result: host_id, host_name, autoscaling_group, since, loss, row_count, row_dropped_count, delivery_failure_count, spool_row_count_first, spool_row_count_last, detail_dropped_count, process_denied_count_last, process_count_last
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS dropped_count_min,
    CAST(? AS double) AS dropped_share_min,
    CAST(? AS bigint) AS delivery_failure_count_min,
    CAST(? AS bigint) AS spool_row_rise_min,
    CAST(? AS bigint) AS denied_count_min,
    CAST(? AS double) AS denied_share_min,
    CAST(? AS bigint) AS detail_dropped_count_min
),
samples AS (
  SELECT
    s.host_id,
    s.host_name,
    s.autoscaling_group,
    s.sampled_at,
    s.row_count,
    s.row_dropped_count,
    s.delivery_failure_count,
    s.spool_row_count,
    s.detail_dropped_count,
    s.process_denied_count,
    s.process_count,
    row_number() OVER (PARTITION BY s.host_id ORDER BY s.sampled_at, s.sequence) AS place,
    row_number() OVER (PARTITION BY s.host_id ORDER BY s.sampled_at DESC, s.sequence DESC) AS place_from_last
  FROM collector_samples AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.sampled_at >= p.window_start
    AND s.sampled_at < p.window_end
),
hosts AS (
  SELECT
    host_id,
    max(host_name) AS host_name,
    max(autoscaling_group) AS autoscaling_group,
    min(CASE WHEN row_dropped_count > 0 OR delivery_failure_count > 0 OR detail_dropped_count > 0 OR process_denied_count > 0 THEN sampled_at END) AS since,
    CAST(sum(row_count) AS bigint) AS row_count,
    CAST(sum(row_dropped_count) AS bigint) AS row_dropped_count,
    CAST(sum(delivery_failure_count) AS bigint) AS delivery_failure_count,
    max(CASE WHEN place = 1 THEN spool_row_count END) AS spool_row_count_first,
    max(CASE WHEN place_from_last = 1 THEN spool_row_count END) AS spool_row_count_last,
    CAST(sum(detail_dropped_count) AS bigint) AS detail_dropped_count,
    max(CASE WHEN place_from_last = 1 THEN process_denied_count END) AS process_denied_count_last,
    max(CASE WHEN place_from_last = 1 THEN process_count END) AS process_count_last
  FROM samples
  GROUP BY host_id
),
judged AS (
  SELECT
    h.host_id,
    h.host_name,
    h.autoscaling_group,
    h.since,
    CASE
      WHEN h.row_dropped_count > 0
        AND h.row_dropped_count >= p.dropped_count_min
        AND h.row_dropped_count >= (h.row_count + h.row_dropped_count) * p.dropped_share_min THEN 'rows'
      WHEN h.delivery_failure_count > 0
        AND h.delivery_failure_count >= p.delivery_failure_count_min
        AND h.spool_row_count_last - h.spool_row_count_first >= p.spool_row_rise_min THEN 'delivery'
      WHEN h.process_denied_count_last > 0
        AND h.process_denied_count_last >= p.denied_count_min
        AND h.process_denied_count_last >= (h.process_count_last + h.process_denied_count_last) * p.denied_share_min THEN 'sight'
      WHEN h.detail_dropped_count > 0
        AND h.detail_dropped_count >= p.detail_dropped_count_min THEN 'details'
    END AS loss,
    h.row_count,
    h.row_dropped_count,
    h.delivery_failure_count,
    h.spool_row_count_first,
    h.spool_row_count_last,
    h.detail_dropped_count,
    h.process_denied_count_last,
    h.process_count_last
  FROM hosts AS h
  CROSS JOIN params AS p
)
SELECT
  host_id,
  host_name,
  autoscaling_group,
  since,
  loss,
  row_count,
  row_dropped_count,
  delivery_failure_count,
  spool_row_count_first,
  spool_row_count_last,
  detail_dropped_count,
  process_denied_count_last,
  process_count_last
FROM judged
WHERE loss IS NOT NULL
ORDER BY host_id
