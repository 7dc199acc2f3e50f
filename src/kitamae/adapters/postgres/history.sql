-- name: history_keys
-- The keys under which the history of some entities stands, in the order asked for.
SELECT e.id, e.key FROM unnest($2::text[]) WITH ORDINALITY AS w (id, n)
JOIN entity AS e ON e.tenant = $1 AND e.id = w.id
ORDER BY w.n, e.variant;

-- name: attributes_named
-- The keys of some attributes, all datasets.
SELECT key, name, dataset FROM attribute WHERE name = ANY($1::text[]) ORDER BY name, dataset;

-- name: attributes_of
-- What entities have history of: an index is asked for the next attribute again and again, past the instances between.
WITH RECURSIVE found (entity, attribute) AS (
    SELECT u.entity, (SELECT min(i.attribute) FROM instance AS i WHERE i.entity = u.entity)
    FROM unnest($1::bigint[]) AS u (entity)
    UNION ALL
    SELECT f.entity, (SELECT min(i.attribute) FROM instance AS i WHERE i.entity = f.entity AND i.attribute > f.attribute)
    FROM found AS f WHERE f.attribute IS NOT NULL
)
SELECT f.entity, a.key, a.name, a.dataset FROM found AS f JOIN attribute AS a ON a.key = f.attribute;

-- name: instances
-- Series between two times (the first included) by a time property, oldest first; of each at most $5, from the
-- beginning or from the end. {by}, {which} and {direction} are this package's own words.
SELECT s.n, i.observed, i.t, i.created_at, i.modified_at, i.deleted_at, i.doc, i.seq, i.part
FROM unnest($1::bigint[], $2::integer[]) WITH ORDINALITY AS s (entity, attribute, n)
CROSS JOIN LATERAL (
    SELECT * FROM instance AS i
    WHERE i.entity = s.entity AND i.attribute = s.attribute AND i.{by} >= $3 AND i.{by} < $4 AND {which}
    ORDER BY i.{by} {direction}, i.t {direction}, i.seq {direction}, i.part {direction}
    LIMIT $5::bigint
) AS i
ORDER BY s.n, i.{by}, i.t, i.seq, i.part;

-- name: instance_by_id
-- Those whose document holds some bytes. Rare (somebody edits history), so it reads the series rather than pay for an
-- index.
SELECT s.n, i.observed, i.t, i.created_at, i.modified_at, i.deleted_at, i.doc, i.seq, i.part
FROM unnest($1::bigint[], $2::integer[]) WITH ORDINALITY AS s (entity, attribute, n)
JOIN instance AS i ON i.entity = s.entity AND i.attribute = s.attribute
WHERE position($3::bytea IN i.doc) > 0
ORDER BY s.n, i.t, i.seq, i.part;

-- name: instance_at
-- The one that stands there, with the place of its series in the question.
SELECT s.n, i.observed, i.t, i.created_at, i.modified_at, i.deleted_at, i.doc, i.seq, i.part
FROM unnest($1::bigint[], $2::integer[]) WITH ORDINALITY AS s (entity, attribute, n)
JOIN instance AS i ON i.entity = s.entity AND i.attribute = s.attribute
WHERE i.entity = $3 AND i.attribute = $4 AND i.seq = $5 AND i.t = $6 AND i.part = $7;

-- name: readings
-- Numbers and their times; what is no number is told by its row.
SELECT s.n, i.num, i.whole, i.t, CASE WHEN i.num IS NULL THEN i.doc END AS doc
FROM unnest($1::bigint[], $2::integer[]) WITH ORDINALITY AS s (entity, attribute, n)
CROSS JOIN LATERAL (
    SELECT * FROM instance AS i
    WHERE i.entity = s.entity AND i.attribute = s.attribute AND i.t >= $3 AND i.t < $4 AND i.observed >= $6
    ORDER BY i.t {direction}, i.seq {direction}, i.part {direction}
    LIMIT $5::bigint
) AS i
ORDER BY s.n, i.t, i.seq, i.part;

-- name: numbers_ends
-- The first and the last time at which each series has a number.
SELECT (SELECT i.t FROM instance AS i
        WHERE i.entity = s.entity AND i.attribute = s.attribute AND i.t >= $3 AND i.t < $4 AND i.observed >= $5
            AND i.num IS NOT NULL
        ORDER BY i.t LIMIT 1) AS first,
       (SELECT i.t FROM instance AS i
        WHERE i.entity = s.entity AND i.attribute = s.attribute AND i.t >= $3 AND i.t < $4 AND i.observed >= $5
            AND i.num IS NOT NULL
        ORDER BY i.t DESC LIMIT 1) AS last
FROM unnest($1::bigint[], $2::integer[]) WITH ORDINALITY AS s (entity, attribute, n)
ORDER BY s.n;

-- name: figures
-- For each series and period how many instances there are, how many of them numbers, and what is asked of those. The
-- index alone is read, in its own order: the periods are the outer loop, so nothing is sorted.
SELECT s.n, p.k, f.*
FROM unnest($1::bigint[], $2::integer[]) WITH ORDINALITY AS s (entity, attribute, n)
CROSS JOIN unnest($3::bigint[], $4::bigint[]) WITH ORDINALITY AS p (low, high, k)
CROSS JOIN LATERAL (
    SELECT count(*) AS instances, count(num) AS numbers, {figures} FROM instance AS i
    WHERE i.entity = s.entity AND i.attribute = s.attribute AND i.t >= p.low AND i.t < p.high AND i.observed >= $5
) AS f
WHERE f.instances > 0
ORDER BY s.n, p.k;

-- name: deleted_between
-- What a series has that is no number because it says that something was deleted.
SELECT count(*) FROM instance
WHERE entity = $1 AND attribute = $2 AND t >= $3 AND t < $4 AND observed >= $5 AND deleted_at IS NOT NULL;

-- name: instances_delete
-- Those instances of some series, by where they stand, and what changes that came from another store say of them.
WITH old AS (
    DELETE FROM instance AS i USING unnest($1::bigint[], $2::integer[], $3::bigint[], $4::bigint[], $5::integer[])
        AS u (entity, attribute, t, seq, part)
    WHERE i.entity = u.entity AND i.attribute = u.attribute AND i.t = u.t AND i.seq = u.seq AND i.part = u.part
    RETURNING i.seq
)
UPDATE change SET delta = NULL WHERE seq IN (SELECT seq FROM old) AND key = 0 AND delta IS NOT NULL;

-- name: retire
-- Forget some of what an entity's history holds of before a moment, and what the changes that left it wrote.
WITH old AS (
    DELETE FROM instance WHERE ctid = ANY (ARRAY (
        SELECT ctid FROM instance WHERE entity = $1 AND t < $2 LIMIT $3
    )) RETURNING seq
), told AS (
    UPDATE change SET delta = NULL WHERE seq IN (SELECT seq FROM old) AND delta IS NOT NULL
)
SELECT count(*) FROM old;

-- name: past_empty
-- An entity that only history knew, and that it knows no more.
DELETE FROM entity WHERE key = $1 AND gone AND NOT EXISTS (SELECT 1 FROM instance WHERE entity = $1);

-- name: history_delete
-- All that entities ever were.
WITH old AS (
    DELETE FROM instance AS i USING entity AS e
    WHERE e.tenant = $1 AND e.id = ANY($2::text[]) AND i.entity = e.key
    RETURNING i.seq
), told AS (
    UPDATE change SET delta = NULL WHERE seq IN (SELECT seq FROM old) AND key = 0 AND delta IS NOT NULL
)
SELECT count(*) FROM old;

-- name: past
-- Entities that only history knows: all of a tenant ($2 NULL), or those with certain ids. Where to begin is added.
SELECT e.id, e.variant, e.key, e.version, e.doc, true AS unsure FROM entity AS e
WHERE e.tenant = $1 AND e.gone AND ($2::text[] IS NULL OR e.id = ANY($2::text[]));
