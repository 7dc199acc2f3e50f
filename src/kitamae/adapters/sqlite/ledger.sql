-- name: leaf_insert
INSERT INTO leaf (number, data) VALUES {(?, ?)};

-- name: leaf_last
SELECT coalesce((SELECT max(number) FROM leaf), 0);

-- name: leaves_after
SELECT number, data FROM leaf WHERE number > ? ORDER BY number LIMIT ?;

-- name: placed_last
SELECT size, number FROM placed ORDER BY number DESC LIMIT 1;

-- name: placed_insert
INSERT INTO placed (size, number) VALUES (?, ?);

-- name: leaf_index
-- From the end of its step, which is published, so many back.
SELECT step.size - 1 - (SELECT count(*) FROM leaf WHERE number > :number AND number <= step.number)
FROM placed AS step
WHERE step.number >= :number AND EXISTS (SELECT 1 FROM leaf WHERE number = :number)
ORDER BY step.number LIMIT 1;
