-- hosts_silent: hosts that sent rows, have stopped, and were not stopped on purpose as far as rows can tell.
-- why:    a host that hangs or dies sends nothing; but so does one that was scaled in, and a way to the lake that is broken.
--         Silence is measured against the newest row of all hosts: when the whole pipeline stands still nobody is silent.
--         A collector that is told to stop says so in its last row (is_last_row): that host was stopped on purpose. Hosts
--         of an Auto Scaling group come and go, and so do those that lived for hours only; of these only one counts that
--         was in trouble in its last minutes (little memory available, or PSI full over a tenth of the time, or OOM kills).
--         After the window a host is taken for ended.
-- grain:  one row per host_id
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 silent_seconds_min bigint = 1800, 4 life_seconds_min bigint = 21600, 5 available_share_max double = 0.05, 6 last_full_share_min double = 0.1, 7 dt_first varchar, 8 dt_last varchar
-- result: host_id, host_name, autoscaling_group, since, silent_seconds, life_seconds, in_trouble, mem_available_bytes_last, mem_total_bytes, memory_full_share, oom_kill_count, silent_host_count, host_count
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS silent_seconds_min,
    CAST(? AS bigint) AS life_seconds_min,
    CAST(? AS double) AS available_share_max,
    CAST(? AS double) AS last_full_share_min
),
samples AS (
  SELECT
    s.host_id,
    s.host_name,
    s.autoscaling_group,
    s.boot_id,
    s.sampled_at,
    s.mem_available_bytes,
    s.mem_total_bytes,
    s.memory_full_us,
    s.oom_kill_count,
    s.is_last_row,
    row_number() OVER (PARTITION BY s.host_id ORDER BY s.sampled_at DESC, s.sequence DESC) AS place_from_last,
    max(s.sampled_at) OVER (PARTITION BY s.host_id) AS sampled_at_last,
    max_by(s.boot_id, s.sampled_at) OVER (PARTITION BY s.host_id) AS boot_id_last
  FROM host_samples AS s
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
    max(sampled_at) AS since,
    date_diff('second', min(sampled_at), max(sampled_at)) AS life_seconds,
    max(CASE WHEN place_from_last = 1 THEN is_last_row END) AS is_last_row,
    max(CASE WHEN place_from_last = 1 THEN mem_available_bytes END) AS mem_available_bytes_last,
    max(CASE WHEN place_from_last = 1 THEN mem_total_bytes END) AS mem_total_bytes,
    CAST(max(CASE WHEN is_late = 1 THEN memory_full_us END) - min(CASE WHEN is_late = 1 THEN memory_full_us END) AS double)
      / nullif(date_diff('millisecond', min(CASE WHEN is_late = 1 THEN sampled_at END), max(sampled_at)) * 1e3, 0) AS memory_full_share,
    max(CASE WHEN is_late = 1 THEN oom_kill_count END) - min(CASE WHEN is_late = 1 THEN oom_kill_count END) AS oom_kill_count
  FROM (
    SELECT
      host_id,
      host_name,
      autoscaling_group,
      sampled_at,
      mem_available_bytes,
      mem_total_bytes,
      memory_full_us,
      oom_kill_count,
      is_last_row,
      place_from_last,
      CASE WHEN boot_id = boot_id_last AND date_diff('second', sampled_at, sampled_at_last) <= 600 THEN 1 ELSE 0 END AS is_late
    FROM samples
  ) AS marked
  GROUP BY host_id
),
judged AS (
  SELECT
    h.host_id,
    h.host_name,
    h.autoscaling_group,
    h.since,
    h.life_seconds,
    h.is_last_row,
    h.mem_available_bytes_last,
    h.mem_total_bytes,
    h.memory_full_share,
    h.oom_kill_count,
    date_diff('second', h.since, max(h.since) OVER ()) AS silent_seconds,
    CASE
      WHEN h.mem_available_bytes_last <= h.mem_total_bytes * p.available_share_max THEN 1
      WHEN h.memory_full_share >= p.last_full_share_min THEN 1
      WHEN h.oom_kill_count > 0 THEN 1
      ELSE 0
    END AS in_trouble,
    count(*) OVER () AS host_count
  FROM hosts AS h
  CROSS JOIN params AS p
),
silent AS (
  SELECT
    j.host_id,
    j.host_name,
    j.autoscaling_group,
    j.since,
    j.silent_seconds,
    j.life_seconds,
    j.in_trouble,
    j.mem_available_bytes_last,
    j.mem_total_bytes,
    j.memory_full_share,
    j.oom_kill_count,
    count(*) OVER () AS silent_host_count,
    j.host_count
  FROM judged AS j
  CROSS JOIN params AS p
  WHERE j.silent_seconds > 0
    AND j.silent_seconds >= p.silent_seconds_min
    AND (
      j.in_trouble = 1
      OR (
        j.autoscaling_group IS NULL
        AND j.life_seconds >= p.life_seconds_min
        AND j.is_last_row IS NULL
      )
    )
)
SELECT
  host_id,
  host_name,
  autoscaling_group,
  since,
  silent_seconds,
  life_seconds,
  CASE WHEN in_trouble = 1 THEN 'yes' ELSE 'no' END AS in_trouble,
  mem_available_bytes_last,
  mem_total_bytes,
  memory_full_share,
  oom_kill_count,
  silent_host_count,
  host_count
FROM silent
ORDER BY host_id
