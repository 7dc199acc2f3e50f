-- name: keys_of
SELECT person, klass, version, made, city, key FROM data_key WHERE person = ? ORDER BY klass, version;

-- name: key_add
INSERT INTO data_key (person, klass, version, made, city, key) SELECT ?1, ?2, ?3, ?4, ?5, ?6
WHERE NOT EXISTS (SELECT 1 FROM erased WHERE person = ?1 AND klass = ?2 AND upto >= ?3)
ON CONFLICT DO NOTHING;

-- name: destroyed
SELECT klass, upto FROM erased WHERE person = ?;

-- name: erased_note
INSERT INTO erased (person, klass, upto, at, until) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET upto = max(upto, excluded.upto), at = max(at, excluded.at), until = max(until, excluded.until);

-- name: keys_destroy
DELETE FROM data_key WHERE person = ? AND klass = ? AND version <= ?;

-- name: tags_destroy
-- All of them, unless a newer key is there: then only what is tagged anew after this may stay.
DELETE FROM tag WHERE person = ?1 AND klass = ?2
    AND NOT EXISTS (SELECT 1 FROM data_key WHERE person = ?1 AND klass = ?2);

-- name: erasures
SELECT person, klass, upto, at, until FROM erased WHERE at > ? ORDER BY at, person, klass;

-- name: wrapped_otherwise
SELECT person, klass, version, made, city, key FROM data_key WHERE city <> ? LIMIT ?;

-- name: rewrap
UPDATE data_key SET city = ?5, key = ?6 WHERE person = ?1 AND klass = ?2 AND version = ?3;

-- name: cities
SELECT DISTINCT city FROM data_key;

-- name: older
SELECT DISTINCT person, klass FROM data_key WHERE made < ? AND person <> '' LIMIT ?;

-- name: rotating
SELECT value FROM mark WHERE name = 'rotating';

-- name: rotate
UPDATE mark SET value = ? WHERE name = 'rotating';

-- name: marks
SELECT name FROM mark;

-- name: mark_drop
DELETE FROM mark WHERE name = ?;

-- name: count
SELECT count(*) FROM data_key;

-- name: tag_drop
DELETE FROM tag WHERE tenant = ? AND record = ?;

-- name: tag_add
-- Whose key is gone is not found any more either.
INSERT INTO tag (tenant, field, tag, person, klass, record) SELECT ?1, ?2, ?3, ?4, ?5, ?6
WHERE EXISTS (SELECT 1 FROM data_key WHERE person = ?4 AND klass = ?5) ON CONFLICT DO NOTHING;

-- name: tagged
SELECT tenant, field, tag, person, klass, record FROM tag WHERE tenant = ? AND field = ? AND tag = ? ORDER BY record LIMIT ?;

-- name: latest
SELECT value FROM mark WHERE name = 'latest';

-- name: latest_note
UPDATE mark SET value = max(value, ?) WHERE name = 'latest';

-- name: latest_set
UPDATE mark SET value = ? WHERE name = 'latest';

-- name: tags_of
SELECT tenant, field, tag, person, klass, record FROM tag WHERE person = ? ORDER BY tenant, field, record;

-- name: ended_put
INSERT INTO ended (kind, id, until, doc) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET until = excluded.until, doc = excluded.doc;

-- name: ended_drop
DELETE FROM ended WHERE kind = ? AND id = ?;

-- name: ended
SELECT kind, id, until, doc FROM ended ORDER BY kind, id;

-- name: ended_past
DELETE FROM ended WHERE until <> 0 AND until <= ?;
