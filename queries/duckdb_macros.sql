-- duckdb_macros: functions that Athena has and DuckDB lacks or reads otherwise, so that one SQL text runs on both.
-- why:    run once per DuckDB connection, before any query; Athena never sees this file.
-- Trino counts whole units that have passed; DuckDB's own date_diff counts boundaries crossed.
CREATE OR REPLACE MACRO date_diff(unit, earlier, later) AS date_sub(unit, earlier, later);
-- Trino divides integers to an integer.
SET integer_division = true;
-- Trino's subscript beyond an array's end is an error; element_at is NULL there, and DuckDB has it for maps alone.
CREATE OR REPLACE MACRO element_at(list, place) AS list[place];
