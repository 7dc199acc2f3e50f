-- name: state_here
-- Whether this schema holds a city's state, which keys must lie apart from.
SELECT to_regclass('vault_record') IS NOT NULL;

-- name: keys_of
SELECT person, klass, version, made, city, key FROM data_key WHERE person = $1 ORDER BY klass, version;

-- name: person_lock
-- Whoever adds a key or a tag of a person, and whoever destroys them, come one after the other.
SELECT pg_advisory_xact_lock(1263816025, hashtext(current_schema() || $1));

-- name: key_add
INSERT INTO data_key (person, klass, version, made, city, key) SELECT $1, $2, $3, $4, $5, $6
WHERE NOT EXISTS (SELECT 1 FROM erased WHERE person = $1 AND klass = $2 AND upto >= $3)
ON CONFLICT DO NOTHING;

-- name: destroyed
SELECT klass, upto FROM erased WHERE person = $1;

-- name: erased_note
INSERT INTO erased (person, klass, upto, at, until) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (person, klass) DO UPDATE SET upto = greatest(erased.upto, excluded.upto),
    at = greatest(erased.at, excluded.at), until = greatest(erased.until, excluded.until);

-- name: keys_destroy
DELETE FROM data_key WHERE person = $1 AND klass = $2 AND version <= $3;

-- name: tags_destroy
DELETE FROM tag WHERE person = $1 AND klass = $2
    AND NOT EXISTS (SELECT 1 FROM data_key WHERE person = $1 AND klass = $2);

-- name: erasures
SELECT person, klass, upto, at, until FROM erased WHERE at > $1 ORDER BY at, person, klass;

-- name: wrapped_otherwise
SELECT person, klass, version, made, city, key FROM data_key WHERE city <> $1 LIMIT $2;

-- name: rewrap
UPDATE data_key SET city = $4, key = $5 WHERE person = $1 AND klass = $2 AND version = $3;

-- name: cities
SELECT DISTINCT city FROM data_key;

-- name: older
SELECT DISTINCT person, klass FROM data_key WHERE made < $1 AND person <> '' LIMIT $2;

-- name: marks
SELECT name FROM mark;

-- name: mark_drop
DELETE FROM mark WHERE name = $1;

-- name: mark
SELECT value FROM mark WHERE name = $1;

-- name: mark_set
UPDATE mark SET value = $2 WHERE name = $1;

-- name: mark_raise
UPDATE mark SET value = greatest(value, $2) WHERE name = $1;

-- name: count
SELECT count(*) FROM data_key;

-- name: tag_drop
DELETE FROM tag WHERE tenant = $1 AND record = $2;

-- name: tag_add
-- Whose key is gone is not found any more either.
INSERT INTO tag (tenant, field, tag, person, klass, record) SELECT $1, $2, $3, $4, $5, $6
WHERE EXISTS (SELECT 1 FROM data_key WHERE person = $4 AND klass = $5) ON CONFLICT DO NOTHING;

-- name: tagged
SELECT tenant, field, tag, person, klass, record FROM tag WHERE tenant = $1 AND field = $2 AND tag = $3 ORDER BY record LIMIT $4;

-- name: tags_of
SELECT tenant, field, tag, person, klass, record FROM tag WHERE person = $1 ORDER BY tenant, field, record;

-- name: ended_put
INSERT INTO ended (kind, id, until, doc) VALUES ($1, $2, $3, $4)
ON CONFLICT (kind, id) DO UPDATE SET until = excluded.until, doc = excluded.doc;

-- name: ended_drop
DELETE FROM ended WHERE kind = $1 AND id = $2;

-- name: ended
SELECT kind, id, until, doc FROM ended ORDER BY kind, id;

-- name: ended_past
DELETE FROM ended WHERE until <> 0 AND until <= $1;
