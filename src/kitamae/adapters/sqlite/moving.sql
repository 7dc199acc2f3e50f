-- name: standing
-- What is compared of entities, in order. The sum is modulo 2147483629 (carried.PRIME).
SELECT here.tenant, here.id, here.variant, here.version, count(i.seq), coalesce(sum(i.seq % 2147483629), 0),
       coalesce(max(i.seq), 0), here.key, EXISTS (SELECT 1 FROM compacted WHERE entity = here.key)
FROM (
    SELECT * FROM (
        SELECT tenant, id, variant, version, key FROM entity
        WHERE (tenant, id, variant) > (:tenant, :id, :variant) AND (tenant, id, variant) <= (:tenant2, :id2, :variant2)
        ORDER BY tenant, id, variant LIMIT :most
    )
    UNION ALL
    SELECT * FROM (
        SELECT tenant, id, variant, version, key FROM past
        WHERE (tenant, id, variant) > (:tenant, :id, :variant) AND (tenant, id, variant) <= (:tenant2, :id2, :variant2)
        ORDER BY tenant, id, variant LIMIT :most
    )
    ORDER BY 1, 2, 3 LIMIT :most
) AS here LEFT JOIN instance AS i ON i.entity = here.key
GROUP BY here.tenant, here.id, here.variant ORDER BY 1, 2, 3;

-- name: carried_entity
SELECT key, version, created, modified, 0, doc FROM entity WHERE tenant = ?1 AND id = ?2 AND variant = ?3
UNION ALL
SELECT key, version, 0, 0, 1, doc FROM past WHERE tenant = ?1 AND id = ?2 AND variant = ?3;

-- name: begins_with
-- How much of an entity's history there is up to a seq, and which.
SELECT count(*), coalesce(sum(seq % 2147483629), 0) FROM instance WHERE entity = ? AND seq <= ?;

-- name: carried_last
-- Where it ends when only so much is carried at once: with all that the last change left.
SELECT seq FROM instance WHERE entity = ? AND seq > ? ORDER BY seq LIMIT 1 OFFSET ?;

-- name: carried_history
-- What came after a seq, up to another.
SELECT a.name, a.dataset, i.t, i.observed, i.seq, i.attribute, i.number, i.created_at, i.modified_at, i.deleted_at, i.doc
FROM instance AS i CROSS JOIN attribute AS a ON a.key = i.attribute
WHERE i.entity = :entity AND i.seq > :after AND i.seq <= :upto ORDER BY i.seq, i.number;

-- name: carried_series
-- One series of an entity of which a part stands in files, from where `recall` has put it together.
SELECT ?3, ?4, t, observed, seq, attribute, number, created_at, modified_at, deleted_at, doc FROM {table}
WHERE entity = ?1 AND attribute = ?2;

-- name: compacted_here
SELECT 1 FROM compacted WHERE entity = ? LIMIT 1;

-- name: filed
-- What could change of that part: which files hold it, and how much of them is deleted.
SELECT group_concat(m.name || m.file || m.leaving || (SELECT count(*) FROM tombstone WHERE month = m.name))
FROM compacted AS c JOIN month AS m ON m.name = c.month WHERE c.entity = ?;

-- name: stretch
SELECT coalesce(max(seq), 0), count(*), count(delta),
       coalesce(sum(CASE WHEN delta IS NOT NULL THEN seq % 2147483629 END), 0)
FROM (SELECT seq, delta FROM change WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?);

-- name: changes_between
SELECT seq, tenant, entity, variant, verb, at, actor, types, delta, history FROM change
WHERE seq > ? AND seq <= ? ORDER BY seq;

-- name: change_read
SELECT seq, tenant, entity, variant, verb, at, actor, types, delta, history FROM change WHERE seq = ?;

-- name: change_put
-- A change that says itself what was written.
INSERT OR REPLACE INTO change (seq, tenant, entity, variant, verb, at, actor, types, delta)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: documents_carried
SELECT tenant, kind, id, number, doc FROM document
WHERE NOT (tenant = '' AND kind = 'identity' AND id IN ('moving', 'moved')) ORDER BY number;

-- name: document_carry
INSERT OR REPLACE INTO document (tenant, kind, id, number, doc) VALUES (?, ?, ?, ?, ?);

-- name: owed_numbers
SELECT number FROM owed ORDER BY number;

-- name: owed_read
SELECT number, tenant, queue, seq, at, payload FROM owed WHERE number = ?;

-- name: owed_carry
INSERT INTO owed (number, tenant, queue, seq, at, payload) VALUES (?, ?, ?, ?, ?, ?);

-- name: high
SELECT max(coalesce((SELECT max(seq) FROM change), 0), (SELECT value FROM mark WHERE name = 'seq'),
           coalesce((SELECT max(number) FROM leaf), 0), coalesce((SELECT max(key) FROM entity), 0), coalesce((SELECT max(key) FROM past), 0),
           coalesce((SELECT max(seq) FROM sqlite_sequence WHERE name IN ('owed', 'document')), 0));

-- name: leaves_between
SELECT number, data FROM leaf WHERE number > ? AND number <= ? ORDER BY number LIMIT ?;

-- name: anything
-- Whether anything was ever written here.
SELECT EXISTS (SELECT 1 FROM change) OR EXISTS (SELECT 1 FROM document) OR EXISTS (SELECT 1 FROM past)
    OR EXISTS (SELECT 1 FROM tenant) OR EXISTS (SELECT 1 FROM leaf);

-- name: keyed
-- Whoever has a key or an id here.
SELECT key, tenant, id, variant, doc FROM entity WHERE key = ?1 OR (tenant = ?2 AND id = ?3 AND variant = ?4)
UNION ALL
SELECT key, tenant, id, variant, NULL FROM past WHERE key = ?1 OR (tenant = ?2 AND id = ?3 AND variant = ?4);

-- name: seqs_of
-- How many instances of an entity there are of each seq.
SELECT seq, count(*) FROM instance WHERE entity = ? GROUP BY seq;

-- name: carried_insert
INSERT INTO entity (key, tenant, id, variant, version, created, modified, expires, plain, kv, doc)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, jsonb(?), ?);

-- name: sequence_raise
UPDATE sqlite_sequence SET seq = max(seq, :high) WHERE name = :name;

-- name: sequence_begin
INSERT INTO sqlite_sequence (name, seq) SELECT :name, :high
WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = :name);

-- name: instance_carry
INSERT INTO instance
    (number, entity, attribute, t, observed, seq, created_at, modified_at, deleted_at, num, doc)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: rows_between
-- Of a table that is carried as it is (`kernel/context/moving/tables.py`).
SELECT {columns} FROM {table} WHERE ({key}) > ({of_key}) AND ({key}) <= ({of_key}) ORDER BY {key} LIMIT ?;

-- name: rows_put
INSERT OR REPLACE INTO {table} ({columns}) VALUES ({of_all});

-- name: rows_drop
DELETE FROM {table} WHERE ({key}) = ({of_key});
