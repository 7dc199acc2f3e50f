-- name: begin
-- What this transaction is numbered by, and how many times documents changed before it.
SELECT pg_current_xact_id()::text::bigint AS number, (SELECT value FROM mark WHERE name = 'epoch') AS epoch;

-- name: last_number
-- The highest number that is known to have been given, and the transaction that would come next.
SELECT greatest((SELECT max(seq) FROM change), (SELECT max(number) FROM owed), (SELECT max(number) FROM document),
                (SELECT max(number) FROM leaf), 0) AS number,
       pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next;

-- name: base_read
SELECT value FROM mark WHERE name = 'base';

-- name: base_raise
UPDATE mark SET value = $1 WHERE name = 'base';

-- name: horizon
-- Transactions below this one have all ended: what they wrote is all there is.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint;

-- name: changes_after
-- Changes after a number in the order of commits: only those of transactions before which none is still under way.
-- $3 is the horizon's base, see numbers.py.
SELECT seq, tenant, entity, variant, verb, at, actor, types, key, delta FROM change
WHERE seq > $1 AND seq < (pg_snapshot_xmin(pg_current_snapshot())::text::bigint + $3) << 20
ORDER BY seq LIMIT $2;

-- name: changes_of_others
-- The same, between two numbers and without the transactions of one worker.
SELECT seq, tenant, entity, variant, verb, at, actor, types, key, delta FROM change
WHERE seq > $1 AND seq < $2 AND (seq >> 20) <> ALL ($3::bigint[])
ORDER BY seq LIMIT $4;

-- name: change_instances
-- What changes wrote, as far as it is still in history.
SELECT u.n, i.doc
FROM unnest($1::bigint[], $2::integer[], $3::bigint[], $4::bigint[], $5::integer[]) WITH ORDINALITY
     AS u (entity, attribute, t, seq, part, n)
JOIN instance AS i ON i.entity = u.entity AND i.attribute = u.attribute AND i.t = u.t AND i.seq = u.seq AND i.part = u.part
ORDER BY u.n;

-- name: change_expire
-- Forget what was written up to a number; that it was written stays. Some at a time.
UPDATE change SET delta = NULL
WHERE seq IN (SELECT seq FROM change WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3)
RETURNING seq;

-- name: change_erase
-- Forget what was written about one entity.
UPDATE change SET delta = NULL WHERE tenant = $1 AND entity = $2 AND delta IS NOT NULL;

-- name: last_at
-- When the last change was made.
SELECT at FROM change ORDER BY seq DESC LIMIT 1;

-- name: owed_insert
INSERT INTO owed (number, tenant, queue, share, seq, at, payload)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::smallint[], $5::bigint[], $6::bigint[], $7::bytea[]);

-- name: owed_after
SELECT number, tenant, queue, seq, at, payload FROM owed
WHERE queue = $1 AND number > $2 AND number < (pg_snapshot_xmin(pg_current_snapshot())::text::bigint + $4) << 20
ORDER BY number LIMIT $3;

-- name: owed_queues
SELECT tenant, queue, count(*) FROM owed GROUP BY queue, tenant ORDER BY queue, tenant;

-- name: owed_sizes
SELECT queue, count(*), sum(length(payload)) FROM owed GROUP BY queue ORDER BY queue;

-- name: owed_settle
DELETE FROM owed WHERE number = ANY($1::bigint[]);

-- name: epoch_raise
-- Every worker reads again what it keeps in memory before it writes again.
UPDATE mark SET value = value + 1 WHERE name = 'epoch';
