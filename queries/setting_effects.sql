-- setting_effects: what a service held on each host in each period around a change of its settings.
-- why:    whether a change helped is a comparison: hosts with it against hosts without it, before against after.
--         A period's figure is that of its quiet hours: the hour a quarter of the way up from the least, so that a
--         peak does not count and a restart's empty hour does not either. Anonymous memory at the hour's trough, swapped or
--         not, over all processes of the service on the host; RSS where that is not known.
--         Of many hosts the first host_count_max of each kind are read: more would not narrow the answer.
-- grain:  one row per host_id, period_number (0 begins at window_start), of hosts that ran before and after the change
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 changed_from timestamp, 4 changed_until timestamp, 5 period_seconds bigint = 86400, 6 service varchar, 7 environment varchar, 8 host_count_max bigint = 500, 9 dt_first varchar, 10 dt_last varchar
-- result: host_id, period_number, held_bytes, hour_count, process_count, is_setting_changed, is_version_changed, instance_type
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS timestamp) AS changed_from,
    CAST(? AS timestamp) AS changed_until,
    CAST(? AS bigint) AS period_seconds,
    CAST(? AS varchar) AS service,
    CAST(? AS varchar) AS environment,
    CAST(? AS bigint) AS host_count_max
),
processes AS (
  SELECT
    s.host_id,
    s.hour,
    s.instance_type,
    coalesce(s.anon_bytes_trough, s.rss_bytes_trough) + coalesce(s.swap_bytes_trough, 0) AS held_bytes,
    coalesce(s.allocator, '') || ' ' || coalesce(s.allocator_version, '') || ' ' || coalesce(s.tunables, '') AS settings,
    coalesce(s.service_version, '') AS service_version,
    row_number() OVER (PARTITION BY s.host_id, s.hour ORDER BY coalesce(s.rss_bytes_last, 0) DESC, s.process_key) AS place,
    date_diff('second', p.window_start, s.hour) / p.period_seconds AS period_number,
    p.changed_from,
    p.changed_until
  FROM process_hours AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.hour >= p.window_start
    AND s.hour < p.window_end
    AND s.service = p.service
    AND coalesce(s.environment, '') = p.environment
),
hosts AS (
  SELECT
    r.host_id,
    max(r.instance_type) AS instance_type,
    max_by(r.settings, CASE WHEN r.place = 1 AND r.hour < r.changed_from THEN r.hour END) AS settings_before,
    max_by(r.settings, CASE WHEN r.place = 1 AND r.hour >= r.changed_until THEN r.hour END) AS settings_after,
    max_by(r.service_version, CASE WHEN r.place = 1 AND r.hour < r.changed_from THEN r.hour END) AS version_before,
    max_by(r.service_version, CASE WHEN r.place = 1 AND r.hour >= r.changed_until THEN r.hour END) AS version_after
  FROM processes AS r
  GROUP BY r.host_id
),
kinds AS (
  SELECT
    h.host_id,
    h.instance_type,
    CASE WHEN h.settings_before <> h.settings_after THEN 1 ELSE 0 END AS is_setting_changed,
    CASE WHEN h.version_before <> h.version_after THEN 1 ELSE 0 END AS is_version_changed
  FROM hosts AS h
  WHERE h.settings_before IS NOT NULL
    AND h.settings_after IS NOT NULL
),
chosen AS (
  SELECT
    k.*,
    row_number() OVER (PARTITION BY k.is_setting_changed, k.is_version_changed ORDER BY k.host_id) AS host_place
  FROM kinds AS k
),
host_hours AS (
  SELECT
    r.host_id,
    r.period_number,
    r.hour,
    CAST(sum(r.held_bytes) AS bigint) AS held_bytes,
    count(*) AS process_count
  FROM processes AS r
  WHERE r.held_bytes IS NOT NULL
  GROUP BY r.host_id, r.period_number, r.hour
),
ordered AS (
  SELECT
    h.*,
    count(*) OVER (PARTITION BY h.host_id, h.period_number) AS hour_count,
    row_number() OVER (PARTITION BY h.host_id, h.period_number ORDER BY h.held_bytes, h.hour) AS place
  FROM host_hours AS h
)
SELECT
  o.host_id,
  o.period_number,
  o.held_bytes,
  o.hour_count,
  o.process_count,
  CAST(c.is_setting_changed AS bigint) AS is_setting_changed,
  CAST(c.is_version_changed AS bigint) AS is_version_changed,
  c.instance_type
FROM ordered AS o
CROSS JOIN params AS p
JOIN chosen AS c
  ON c.host_id = o.host_id
WHERE o.place = (o.hour_count + 3) / 4
  AND c.host_place <= p.host_count_max
ORDER BY o.host_id, o.period_number
