-- name: leaf_insert
INSERT INTO leaf (number, data) SELECT * FROM unnest($1::bigint[], $2::bytea[]);

-- name: leaf_last
SELECT coalesce(max(number), 0) FROM leaf;

-- name: leaves_after
-- Only those of transactions before which none is still under way. $3 is the horizon's base, see numbers.py.
SELECT number, data FROM leaf
WHERE number > $1 AND number < (pg_snapshot_xmin(pg_current_snapshot())::text::bigint + $3) << 20
ORDER BY number LIMIT $2;

-- name: placed_last
SELECT size, number FROM placed ORDER BY number DESC LIMIT 1;

-- name: placed_insert
INSERT INTO placed (size, number) SELECT * FROM unnest($1::bigint[], $2::bigint[]);

-- name: leaf_index
-- From the end of its step, which is published, so many back.
SELECT step.size - 1 - (SELECT count(*) FROM leaf WHERE number > $1 AND number <= step.number)
FROM placed AS step
WHERE step.number >= $1 AND EXISTS (SELECT 1 FROM leaf WHERE number = $1)
ORDER BY step.number LIMIT 1;
