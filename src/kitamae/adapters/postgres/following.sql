-- name: workers
-- Who follows this city, and how many of them serve.
SELECT count(*) AS following, count(*) FILTER (WHERE application_name = $2) AS serving FROM pg_stat_activity
WHERE datname = current_database() AND application_name IN ($1, $2);

-- name: shares_take
-- At most $3 of these shares, for as long as this connection lives.
WITH RECURSIVE take (n, got, taken) AS (
    SELECT 0, NULL::integer, 0
    UNION ALL
    SELECT n + 1, CASE WHEN pg_try_advisory_lock($1, ($2::integer[])[n + 1] + 1) THEN ($2::integer[])[n + 1] END,
           taken + (got IS NOT NULL)::integer
    FROM take WHERE n < cardinality($2::integer[]) AND taken + (got IS NOT NULL)::integer < $3
)
SELECT got FROM take WHERE got IS NOT NULL;

-- name: shares_give
SELECT pg_advisory_unlock($1, one + 1) FROM unnest($2::integer[]) AS one;

-- name: owed_between
-- What is owed to some shares of the queues, between two numbers.
SELECT number, tenant, queue, seq, at, payload FROM owed
WHERE number > $1 AND number < $2 AND share = ANY($3::smallint[])
ORDER BY number LIMIT $4;

-- name: census_rows
SELECT count(*) FROM (SELECT 1 FROM census LIMIT $1) AS counted;

-- name: census_fold
-- All rows of one shape become one. A statement of its own: whoever reads sees either all of them or the sum.
WITH gone AS (DELETE FROM census RETURNING tenant, shape, n)
INSERT INTO census (tenant, shape, n)
SELECT tenant, shape, sum(n) FROM gone GROUP BY tenant, shape HAVING sum(n) <> 0;
