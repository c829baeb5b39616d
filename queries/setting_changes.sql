-- setting_changes: hosts on which a service runs with other settings, or another version, than before.
-- why:    whether advice was followed shows in the samples: tunables, allocator and its version are those of the processes.
--         Of several processes on a host those with most memory speak for it. Stretches with the same settings that are
--         shorter than stable_hours_min are passed over, unless they are the last: a mixed hour of a restart is no change.
--         Versions are looked at only where a change of the code is recommended: deploys are many.
-- grain:  one row per change_kind (setting or version), service, environment, host_id, changed_at; advised services first
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 stable_hours_min bigint = 24, 4 change_count_max bigint = 50000, 5 dt_first varchar, 6 dt_last varchar, 7 dt_first varchar, 8 dt_last varchar
-- result: change_kind, service, environment, host_id, changed_at, hours_before, hours_after, allocator_before, allocator_version_before, tunables_before, service_version_before, allocator_after, allocator_version_after, tunables_after, service_version_after, instance_type, is_advised
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS stable_hours_min,
    CAST(? AS bigint) AS change_count_max
),
settings AS (
  SELECT
    s.service,
    s.environment,
    s.host_id,
    s.hour,
    s.allocator,
    coalesce(s.allocator_version, '') AS allocator_version,
    coalesce(s.tunables, '') AS tunables,
    coalesce(s.service_version, '') AS service_version,
    max(s.instance_type) AS instance_type,
    CAST(sum(coalesce(s.rss_bytes_last, 0)) AS bigint) AS rss_bytes
  FROM process_hours AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.hour >= p.window_start
    AND s.hour < p.window_end
    AND s.allocator IS NOT NULL
  GROUP BY s.service, s.environment, s.host_id, s.hour, s.allocator, coalesce(s.allocator_version, ''), coalesce(s.tunables, ''), coalesce(s.service_version, '')
),
ranked AS (
  SELECT
    s.*,
    row_number() OVER (
      PARTITION BY s.service, s.environment, s.host_id, s.hour
      ORDER BY s.rss_bytes DESC, s.allocator, s.allocator_version, s.tunables, s.service_version
    ) AS place
  FROM settings AS s
),
advised AS (
  SELECT
    r.service,
    coalesce(r.environment, '') AS environment,
    max(CASE WHEN r.changes = '' THEN 1 ELSE 0 END) AS is_code
  FROM recommendations AS r
  WHERE r.dt BETWEEN ? AND ?
  GROUP BY r.service, coalesce(r.environment, '')
),
hours AS (
  SELECT
    'setting' AS change_kind,
    r.*,
    CASE WHEN a.service IS NULL THEN 0 ELSE 1 END AS is_advised
  FROM ranked AS r
  LEFT JOIN advised AS a
    ON a.service = r.service
    AND a.environment = coalesce(r.environment, '')
  WHERE r.place = 1
  UNION ALL
  SELECT
    'version' AS change_kind,
    r.*,
    1 AS is_advised
  FROM ranked AS r
  JOIN advised AS a
    ON a.service = r.service
    AND a.environment = coalesce(r.environment, '')
  WHERE r.place = 1
    AND a.is_code = 1
),
-- The first hour has nothing before it: it differs from nothing.
compared AS (
  SELECT
    h.*,
    CASE
      WHEN h.change_kind = 'version' THEN CASE WHEN h.service_version <> lag(h.service_version) OVER (PARTITION BY h.change_kind, h.service, h.environment, h.host_id ORDER BY h.hour) THEN 1 ELSE 0 END
      WHEN h.allocator <> lag(h.allocator) OVER (PARTITION BY h.change_kind, h.service, h.environment, h.host_id ORDER BY h.hour)
        OR h.allocator_version <> lag(h.allocator_version) OVER (PARTITION BY h.change_kind, h.service, h.environment, h.host_id ORDER BY h.hour)
        OR h.tunables <> lag(h.tunables) OVER (PARTITION BY h.change_kind, h.service, h.environment, h.host_id ORDER BY h.hour) THEN 1
      ELSE 0
    END AS is_other
  FROM hours AS h
),
numbered AS (
  SELECT
    c.*,
    CAST(sum(c.is_other) OVER (PARTITION BY c.change_kind, c.service, c.environment, c.host_id ORDER BY c.hour ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS bigint) AS stretch_number
  FROM compared AS c
),
stretches AS (
  SELECT
    n.change_kind,
    n.service,
    n.environment,
    n.host_id,
    n.stretch_number,
    max(n.stretch_number) OVER (PARTITION BY n.change_kind, n.service, n.environment, n.host_id) AS stretch_number_last,
    min(n.hour) AS hour_first,
    count(*) AS hour_count,
    max_by(n.allocator, n.hour) AS allocator,
    max_by(n.allocator_version, n.hour) AS allocator_version,
    max_by(n.tunables, n.hour) AS tunables,
    max_by(n.service_version, n.hour) AS service_version,
    max(n.instance_type) AS instance_type,
    max(n.is_advised) AS is_advised
  FROM numbered AS n
  GROUP BY n.change_kind, n.service, n.environment, n.host_id, n.stretch_number
),
lasting AS (
  SELECT
    s.*,
    p.stable_hours_min,
    p.change_count_max
  FROM stretches AS s
  CROSS JOIN params AS p
  WHERE s.hour_count >= p.stable_hours_min
    OR s.stretch_number = s.stretch_number_last
),
changes AS (
  SELECT
    l.*,
    lag(l.hour_count) OVER (PARTITION BY l.change_kind, l.service, l.environment, l.host_id ORDER BY l.stretch_number) AS hours_before,
    lag(l.allocator) OVER (PARTITION BY l.change_kind, l.service, l.environment, l.host_id ORDER BY l.stretch_number) AS allocator_before,
    lag(l.allocator_version) OVER (PARTITION BY l.change_kind, l.service, l.environment, l.host_id ORDER BY l.stretch_number) AS allocator_version_before,
    lag(l.tunables) OVER (PARTITION BY l.change_kind, l.service, l.environment, l.host_id ORDER BY l.stretch_number) AS tunables_before,
    lag(l.service_version) OVER (PARTITION BY l.change_kind, l.service, l.environment, l.host_id ORDER BY l.stretch_number) AS service_version_before
  FROM lasting AS l
),
told AS (
  SELECT
    c.*,
    row_number() OVER (ORDER BY c.is_advised DESC, c.service, c.environment, c.change_kind, c.hour_first, c.host_id) AS place
  FROM changes AS c
  WHERE c.hours_before >= c.stable_hours_min
    AND (
      (c.change_kind = 'version' AND c.service_version <> c.service_version_before)
      OR (
        c.change_kind = 'setting'
        AND (c.allocator <> c.allocator_before OR c.allocator_version <> c.allocator_version_before OR c.tunables <> c.tunables_before)
      )
    )
)
SELECT
  change_kind,
  service,
  environment,
  host_id,
  hour_first AS changed_at,
  hours_before,
  hour_count AS hours_after,
  allocator_before,
  allocator_version_before,
  tunables_before,
  service_version_before,
  allocator AS allocator_after,
  allocator_version AS allocator_version_after,
  tunables AS tunables_after,
  service_version AS service_version_after,
  instance_type,
  CAST(is_advised AS bigint) AS is_advised
FROM told
WHERE place <= change_count_max
ORDER BY place
