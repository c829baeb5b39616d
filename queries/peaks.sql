-- peaks: the peaks of every service, and how much of each did not go back: of live bytes, and of resident memory.
-- why:    live that goes back while RSS does not is held memory; what stays more after every peak is a ratchet.
--         A peak is where a service stands in the upper half of its own rise within a period, by live bytes where every hour
--         has them, else by RSS; dips shorter than an eighth of a period do not end it. Before and after are the troughs of
--         the hours between peaks. Hours from peak_start to before peak_end are one peak when given, whatever they show.
--         Figures are averages per process: a service that scales out for its peak has more of them, not larger ones.
--         ratchet = (after - before) / (peak - before); NULL while the peak lasts, and where nothing rose to speak of.
-- grain:  one row per service, environment, peak_number
-- params: 1 window_start timestamp, 2 window_end timestamp, 3 period_seconds bigint = 86400, 4 rise_bytes_min bigint = 16777216, 5 rise_share_min double = 0.1, 6 peak_start timestamp = 1970-01-01, 7 peak_end timestamp = 1970-01-01, 8 dt_first varchar, 9 dt_last varchar
-- result: service, environment, peak_number, found_by, peak_first_hour, peak_last_hour, process_count_before, process_count_peak, process_count_after, rss_bytes_before, rss_bytes_peak, rss_bytes_after, rss_ratchet, live_bytes_before, live_bytes_peak, live_bytes_after, live_ratchet, rss_ratchet_of_last_peak, rss_bytes_peak_since_last_peak, rss_bytes_after_since_last_peak, live_bytes_after_since_last_peak
WITH params AS (
  SELECT
    CAST(? AS timestamp) AS window_start,
    CAST(? AS timestamp) AS window_end,
    CAST(? AS bigint) AS period_seconds,
    CAST(? AS bigint) AS rise_bytes_min,
    CAST(? AS double) AS rise_share_min,
    CAST(? AS timestamp) AS peak_start,
    CAST(? AS timestamp) AS peak_end
),
hours AS (
  SELECT
    s.service,
    s.environment,
    s.hour,
    s.process_count,
    CAST(s.rss_bytes AS double) / s.process_count AS rss_bytes,
    CAST(s.rss_bytes_max AS double) / s.process_count AS rss_bytes_max,
    CAST(s.live_bytes AS double) / nullif(s.walked_process_count, 0) AS live_bytes,
    min(s.walked_process_count) OVER (PARTITION BY s.service, s.environment) AS walked_process_count_min,
    date_diff('second', p.window_start, s.hour) / p.period_seconds AS period,
    CASE WHEN s.hour >= p.peak_start AND s.hour < p.peak_end THEN 1 ELSE 0 END AS is_given,
    p.period_seconds,
    p.rise_bytes_min,
    p.rise_share_min
  FROM service_hours AS s
  CROSS JOIN params AS p
  WHERE s.dt BETWEEN ? AND ?
    AND s.hour >= p.window_start
    AND s.hour < p.window_end
),
figures AS (
  SELECT
    service,
    environment,
    hour,
    process_count,
    rss_bytes,
    rss_bytes_max,
    live_bytes,
    walked_process_count_min,
    is_given,
    period_seconds,
    rise_bytes_min,
    rise_share_min,
    CASE WHEN walked_process_count_min > 0 THEN live_bytes ELSE rss_bytes END AS figure,
    min(CASE WHEN walked_process_count_min > 0 THEN live_bytes ELSE rss_bytes END) OVER (PARTITION BY service, environment, period) AS figure_low,
    max(CASE WHEN walked_process_count_min > 0 THEN live_bytes ELSE rss_bytes END) OVER (PARTITION BY service, environment, period) AS figure_high,
    max(is_given) OVER (PARTITION BY service, environment, period) AS has_given
  FROM hours
),
marked AS (
  SELECT
    service,
    environment,
    hour,
    process_count,
    rss_bytes,
    rss_bytes_max,
    live_bytes,
    walked_process_count_min,
    is_given,
    period_seconds,
    rise_bytes_min,
    CASE
      WHEN has_given = 1 THEN is_given
      WHEN figure_high - figure_low >= rise_bytes_min
        AND figure_high - figure_low >= figure_low * rise_share_min
        AND figure_high > figure_low
        AND figure >= figure_low + (figure_high - figure_low) / 2 THEN 1
      ELSE 0
    END AS is_peak
  FROM figures
),
entered AS (
  SELECT
    service,
    environment,
    hour,
    process_count,
    rss_bytes,
    rss_bytes_max,
    live_bytes,
    walked_process_count_min,
    is_given,
    period_seconds,
    rise_bytes_min,
    is_peak,
    max(CASE WHEN is_peak = 1 THEN hour END) OVER (PARTITION BY service, environment ORDER BY hour ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS peak_hour_before,
    lag(is_given) OVER (PARTITION BY service, environment ORDER BY hour) AS given_before
  FROM marked
),
numbered AS (
  SELECT
    service,
    environment,
    hour,
    process_count,
    rss_bytes,
    rss_bytes_max,
    live_bytes,
    walked_process_count_min,
    is_given,
    rise_bytes_min,
    is_peak,
    sum(CASE
      WHEN is_peak = 0 THEN 0
      WHEN peak_hour_before IS NULL THEN 1
      WHEN is_given <> given_before THEN 1
      WHEN date_diff('second', peak_hour_before, hour) > period_seconds / 8 THEN 1
      ELSE 0
    END) OVER (PARTITION BY service, environment ORDER BY hour) AS peak_number
  FROM entered
),
placed AS (
  SELECT
    service,
    environment,
    hour,
    process_count,
    rss_bytes,
    rss_bytes_max,
    live_bytes,
    walked_process_count_min,
    is_given,
    rise_bytes_min,
    peak_number,
    CASE WHEN hour <= max(CASE WHEN is_peak = 1 THEN hour END) OVER (PARTITION BY service, environment, peak_number) THEN 1 ELSE 0 END AS is_in
  FROM numbered
),
peaks AS (
  SELECT
    service,
    environment,
    peak_number,
    rise_bytes_min,
    max(CASE WHEN is_in = 1 THEN is_given END) AS is_given,
    min(walked_process_count_min) AS walked_process_count_min,
    min(CASE WHEN is_in = 1 THEN hour END) AS peak_first_hour,
    max(CASE WHEN is_in = 1 THEN hour END) AS peak_last_hour,
    max(CASE WHEN is_in = 1 THEN process_count END) AS process_count_peak,
    max(CASE WHEN is_in = 1 THEN rss_bytes_max END) AS rss_bytes_peak,
    max(CASE WHEN is_in = 1 THEN live_bytes END) AS live_bytes_peak,
    min(CASE WHEN is_in = 0 THEN process_count END) AS process_count_after,
    min(CASE WHEN is_in = 0 THEN rss_bytes END) AS rss_bytes_after,
    min(CASE WHEN is_in = 0 THEN live_bytes END) AS live_bytes_after
  FROM placed
  GROUP BY service, environment, peak_number, rise_bytes_min
),
compared AS (
  SELECT
    service,
    environment,
    peak_number,
    rise_bytes_min,
    is_given,
    walked_process_count_min,
    peak_first_hour,
    peak_last_hour,
    process_count_peak,
    rss_bytes_peak,
    live_bytes_peak,
    process_count_after,
    rss_bytes_after,
    live_bytes_after,
    lag(process_count_after) OVER (PARTITION BY service, environment ORDER BY peak_number) AS process_count_before,
    lag(rss_bytes_after) OVER (PARTITION BY service, environment ORDER BY peak_number) AS rss_bytes_before,
    lag(live_bytes_after) OVER (PARTITION BY service, environment ORDER BY peak_number) AS live_bytes_before
  FROM peaks
),
ratchets AS (
  SELECT
    service,
    environment,
    peak_number,
    is_given,
    walked_process_count_min,
    peak_first_hour,
    peak_last_hour,
    process_count_before,
    process_count_peak,
    process_count_after,
    rss_bytes_before,
    rss_bytes_peak,
    rss_bytes_after,
    CASE WHEN rss_bytes_peak - rss_bytes_before >= rise_bytes_min THEN (rss_bytes_after - rss_bytes_before) / nullif(rss_bytes_peak - rss_bytes_before, 0e0) END AS rss_ratchet,
    live_bytes_before,
    live_bytes_peak,
    live_bytes_after,
    CASE WHEN live_bytes_peak - live_bytes_before >= rise_bytes_min THEN (live_bytes_after - live_bytes_before) / nullif(live_bytes_peak - live_bytes_before, 0e0) END AS live_ratchet
  FROM compared
  WHERE peak_number > 0
)
SELECT
  service,
  environment,
  CAST(peak_number AS bigint) AS peak_number,
  CASE WHEN is_given = 1 THEN 'given' WHEN walked_process_count_min > 0 THEN 'live' ELSE 'rss' END AS found_by,
  peak_first_hour,
  peak_last_hour,
  process_count_before,
  process_count_peak,
  process_count_after,
  CAST(round(rss_bytes_before) AS bigint) AS rss_bytes_before,
  CAST(round(rss_bytes_peak) AS bigint) AS rss_bytes_peak,
  CAST(round(rss_bytes_after) AS bigint) AS rss_bytes_after,
  rss_ratchet,
  CAST(round(live_bytes_before) AS bigint) AS live_bytes_before,
  CAST(round(live_bytes_peak) AS bigint) AS live_bytes_peak,
  CAST(round(live_bytes_after) AS bigint) AS live_bytes_after,
  live_ratchet,
  lag(rss_ratchet) OVER (PARTITION BY service, environment ORDER BY peak_number) AS rss_ratchet_of_last_peak,
  CAST(round(rss_bytes_peak - lag(rss_bytes_peak) OVER (PARTITION BY service, environment ORDER BY peak_number)) AS bigint) AS rss_bytes_peak_since_last_peak,
  CAST(round(rss_bytes_after - rss_bytes_before) AS bigint) AS rss_bytes_after_since_last_peak,
  CAST(round(live_bytes_after - live_bytes_before) AS bigint) AS live_bytes_after_since_last_peak
FROM ratchets
ORDER BY service, environment, peak_number
