-- name: rows
-- One series between two times, without some instances.
SELECT t, num, whole, deleted_at FROM read_parquet($files)
WHERE entity = $entity AND attribute = $attribute AND t >= $low AND t < $high AND observed >= $observed
    AND number NOT IN (SELECT unnest($without::BIGINT[]))

-- name: numbers
-- Its numbers with the periods that they fall into: the last one that begins at or before them.
SELECT k, num, whole FROM ({rows}) AS told
ASOF JOIN (SELECT unnest($lows::BIGINT[]) AS begins, unnest(range(len($lows))) AS k) AS period ON told.t >= period.begins
WHERE num IS NOT NULL

-- name: ends
-- When the first and the last number are, and how many are no numbers though they do not say that something was deleted.
SELECT min(t) FILTER (num IS NOT NULL), max(t) FILTER (num IS NOT NULL),
    count(*) FILTER ((num IS NULL) <> (deleted_at IS NOT NULL))
FROM ({rows})

-- name: parts
SELECT k, count(*), NULL, {said} FROM ({numbers}) GROUP BY k

-- name: parts_around
-- With what they differ from one of them by.
WITH told AS MATERIALIZED ({numbers}), beside AS (SELECT k, any_value(num) AS base FROM told GROUP BY k)
SELECT k, count(*), any_value(base), {said} FROM told JOIN beside USING (k) GROUP BY k

-- name: different
-- The different numbers of some periods.
SELECT k, list(DISTINCT num) FROM ({numbers}) WHERE k IN (SELECT unnest($periods::BIGINT[])) GROUP BY k
