-- weekly_services: what each service holds in the second half of the window beside its first: this week and the week before.
-- why:    who holds the fleet's memory, and who holds more than a week ago. The window is two weeks in the weekly report.
--         Figures are averages over the hours of a half in which anything ran at all, of sums at each hour's end. Listed
--         are the services that hold most free memory now, and those whose free or live memory rose most.
-- grain:  one row per service, environment
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 service_count_max bigint = 50, 4 dt_first varchar, 5 dt_last varchar
-- result: service, environment, instance_type, host_count, process_count, walked_process_count, rss_bytes, live_bytes, free_resident_bytes, reclaimable_bytes, rss_bytes_before, live_bytes_before, free_resident_bytes_before, reclaimable_bytes_before, service_count
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS service_count_max
),
hours AS (
  SELECT
    CASE WHEN date_diff('second', p.window_start, s.hour) * 2 >= date_diff('second', p.window_start, p.window_end) THEN 1 ELSE 0 END AS is_now,
    s.hour,
    s.service,
    s.environment,
    s.instance_type,
    p.service_count_max,
    count(DISTINCT s.host_id) AS host_count,
    count(*) AS process_count,
    count(s.live_bytes_last) AS walked_process_count,
    sum(s.rss_bytes_last) AS rss_bytes,
    sum(s.live_bytes_last) AS live_bytes,
    sum(s.free_resident_bytes_last) AS free_resident_bytes,
    sum(s.reclaimable_bytes_last) AS reclaimable_bytes
  FROM process_hours AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.hour >= p.window_start
    AND s.hour < p.window_end
  GROUP BY s.hour, p.window_start, p.window_end, p.service_count_max, s.service, s.environment, s.instance_type
),
halves AS (
  SELECT
    count(DISTINCT CASE WHEN is_now = 1 THEN hour END) AS hour_count,
    count(DISTINCT CASE WHEN is_now = 0 THEN hour END) AS hour_count_before
  FROM hours
),
types AS (
  SELECT
    h.service,
    h.environment,
    h.instance_type,
    h.service_count_max,
    a.hour_count,
    a.hour_count_before,
    sum(CASE WHEN h.is_now = 1 THEN h.host_count END) AS host_count,
    sum(CASE WHEN h.is_now = 1 THEN h.process_count END) AS process_count,
    sum(CASE WHEN h.is_now = 1 THEN h.walked_process_count END) AS walked_process_count,
    sum(CASE WHEN h.is_now = 1 THEN h.rss_bytes END) AS rss_bytes,
    sum(CASE WHEN h.is_now = 1 THEN h.live_bytes END) AS live_bytes,
    sum(CASE WHEN h.is_now = 1 THEN h.free_resident_bytes END) AS free_resident_bytes,
    sum(CASE WHEN h.is_now = 1 THEN h.reclaimable_bytes END) AS reclaimable_bytes,
    sum(CASE WHEN h.is_now = 0 THEN h.rss_bytes END) AS rss_bytes_before,
    sum(CASE WHEN h.is_now = 0 THEN h.live_bytes END) AS live_bytes_before,
    sum(CASE WHEN h.is_now = 0 THEN h.free_resident_bytes END) AS free_resident_bytes_before,
    sum(CASE WHEN h.is_now = 0 THEN h.reclaimable_bytes END) AS reclaimable_bytes_before
  FROM hours AS h
  CROSS JOIN halves AS a
  GROUP BY h.service, h.environment, h.instance_type, h.service_count_max, a.hour_count, a.hour_count_before
),
placed AS (
  SELECT
    t.*,
    row_number() OVER (
      PARTITION BY t.service, t.environment
      ORDER BY coalesce(t.free_resident_bytes, 0) DESC, coalesce(t.rss_bytes, 0) DESC, t.instance_type
    ) AS place
  FROM types AS t
),
services AS (
  SELECT
    service,
    environment,
    service_count_max,
    max(CASE WHEN place = 1 THEN instance_type END) AS instance_type,
    CAST(round(CAST(sum(host_count) AS double) / nullif(hour_count, 0)) AS bigint) AS host_count,
    CAST(round(CAST(sum(process_count) AS double) / nullif(hour_count, 0)) AS bigint) AS process_count,
    CAST(round(CAST(sum(walked_process_count) AS double) / nullif(hour_count, 0)) AS bigint) AS walked_process_count,
    CAST(sum(rss_bytes) / nullif(hour_count, 0) AS bigint) AS rss_bytes,
    CAST(sum(live_bytes) / nullif(hour_count, 0) AS bigint) AS live_bytes,
    CAST(sum(free_resident_bytes) / nullif(hour_count, 0) AS bigint) AS free_resident_bytes,
    CAST(sum(reclaimable_bytes) / nullif(hour_count, 0) AS bigint) AS reclaimable_bytes,
    CAST(sum(rss_bytes_before) / nullif(hour_count_before, 0) AS bigint) AS rss_bytes_before,
    CAST(sum(live_bytes_before) / nullif(hour_count_before, 0) AS bigint) AS live_bytes_before,
    CAST(sum(free_resident_bytes_before) / nullif(hour_count_before, 0) AS bigint) AS free_resident_bytes_before,
    CAST(sum(reclaimable_bytes_before) / nullif(hour_count_before, 0) AS bigint) AS reclaimable_bytes_before
  FROM placed
  GROUP BY service, environment, service_count_max, hour_count, hour_count_before
),
ranked AS (
  SELECT
    s.*,
    count(*) OVER () AS service_count,
    row_number() OVER (ORDER BY coalesce(s.free_resident_bytes, 0) DESC, s.service, s.environment) AS place_by_held,
    row_number() OVER (
      ORDER BY
        greatest(coalesce(s.free_resident_bytes - s.free_resident_bytes_before, 0), coalesce(s.live_bytes - s.live_bytes_before, 0)) DESC,
        s.service,
        s.environment
    ) AS place_by_rise
  FROM services AS s
)
SELECT
  service,
  environment,
  instance_type,
  host_count,
  process_count,
  walked_process_count,
  rss_bytes,
  live_bytes,
  free_resident_bytes,
  reclaimable_bytes,
  rss_bytes_before,
  live_bytes_before,
  free_resident_bytes_before,
  reclaimable_bytes_before,
  service_count
FROM ranked
WHERE place_by_held <= service_count_max
  OR place_by_rise <= service_count_max
ORDER BY place_by_held
