-- name: attribute_key
SELECT key FROM attribute WHERE name = ? AND dataset = ?;

-- name: attribute_insert
INSERT INTO attribute (name, dataset) VALUES (?, ?) RETURNING key;

-- name: instance_insert
INSERT INTO instance
    (number, entity, attribute, t, observed, seq, created_at, modified_at, deleted_at, num, txt, doc)
VALUES {(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)};

-- name: last_instance
SELECT coalesce(max(number), 0) FROM instance;

-- name: past_read
SELECT key, version, doc FROM past WHERE tenant = ? AND id = ? AND variant = ?;

-- name: past_insert
INSERT INTO past (key, tenant, id, variant, version, doc) VALUES (?, ?, ?, ?, ?, ?);

-- name: past_update
UPDATE past SET version = ?, doc = ? WHERE key = ?;

-- name: past_delete
DELETE FROM past WHERE key = ?;

-- name: history_keys
-- The keys under which an entity's history stands: its own, and that of its deleted self.
SELECT key FROM entity WHERE tenant = :tenant AND id = :id
UNION ALL
SELECT key FROM past WHERE tenant = :tenant AND id = :id;

-- name: attributes_named
-- The keys of some attributes, all datasets. The list is bound as JSON.
SELECT key, name, dataset FROM attribute WHERE name IN (SELECT value FROM json_each(?)) ORDER BY name, dataset;

-- name: attribute_of_key
SELECT name, dataset FROM attribute WHERE key = ?;

-- name: next_attribute
-- The next attribute that an entity has history of; asked again and again, it skips over the instances between.
SELECT attribute FROM instance WHERE entity = ? AND attribute > ? ORDER BY attribute LIMIT 1;

-- name: instances_observed
-- One series between two times (the first included), by the time property that the index is in the order of.
SELECT number, seq, iif(observed, t, NULL), created_at, modified_at, deleted_at, doc FROM instance
WHERE entity = :entity AND attribute = :attribute AND t >= :low AND t < :high AND observed
ORDER BY t {direction}, number {direction} LIMIT :most;

-- name: instances_all
-- One series whatever its times.
SELECT number, seq, iif(observed, t, NULL), created_at, modified_at, deleted_at, doc FROM instance
WHERE entity = :entity AND attribute = :attribute AND :low < :high
ORDER BY t {direction}, number {direction} LIMIT :most;

-- name: instances_created
SELECT number, seq, iif(observed, t, NULL), created_at, modified_at, deleted_at, doc FROM instance
WHERE entity = :entity AND attribute = :attribute AND created_at >= :low AND created_at < :high
ORDER BY created_at {direction}, t {direction}, number {direction} LIMIT :most;

-- name: instances_modified
SELECT number, seq, iif(observed, t, NULL), created_at, modified_at, deleted_at, doc FROM instance
WHERE entity = :entity AND attribute = :attribute AND modified_at >= :low AND modified_at < :high
ORDER BY modified_at {direction}, t {direction}, number {direction} LIMIT :most;

-- name: instances_deleted
SELECT number, seq, iif(observed, t, NULL), created_at, modified_at, deleted_at, doc FROM instance
WHERE entity = :entity AND attribute = :attribute AND deleted_at >= :low AND deleted_at < :high
ORDER BY deleted_at {direction}, t {direction}, number {direction} LIMIT :most;

-- name: readings
-- Numbers and their times, from the index alone; a NULL is something else, to be read from its row.
SELECT num, t, number FROM instance
WHERE entity = :entity AND attribute = :attribute AND t >= :low AND t < :high AND observed >= :observed
ORDER BY t {direction}, number {direction} LIMIT :most;

-- name: instance_doc
SELECT doc FROM instance WHERE number = ?;

-- name: instance_by_id
-- One instance of a series. Rare (somebody edits history), so it reads the series rather than pay for an index.
SELECT number, seq, iif(observed, t, NULL), created_at, modified_at, deleted_at, doc FROM instance
WHERE entity = :entity AND attribute = :attribute AND :id = coalesce(
    doc ->> '$.instanceId', printf('urn:ngsi-ld:instance:%x.%x.%x.%x', entity, attribute, seq, number)
);

-- name: instance_delete
DELETE FROM instance WHERE number = ?;

-- name: history_delete
-- All that an entity ever was.
DELETE FROM instance WHERE entity = ?;

-- name: history_count
SELECT count(*) FROM instance WHERE entity = ?;

-- name: past_of_tenant
-- Entities that only history knows.
SELECT id, key, version, doc, 1 FROM past
WHERE tenant = :tenant AND id > :low AND id < :high ORDER BY id, variant;

-- name: past_named
-- Those of them with certain ids, bound as a JSON list.
SELECT id, key, version, doc, 1 FROM past
WHERE tenant = :tenant AND id IN (SELECT value FROM json_each(:ids)) AND id > :low AND id < :high
ORDER BY id, variant;
