-- name: entity_read
-- One entity's key, version and document.
SELECT key, version, doc FROM entity WHERE tenant = ? AND id = ? AND variant = ?;

-- name: entities_read
-- Some of a tenant's entities as one JSON array of [key, document]: one step for all of them. Long ones are left out.
SELECT CAST('[' || group_concat('[' || entity.key || ',' || CAST(doc AS TEXT) || ']') || ']' AS BLOB)
FROM json_each(:ids) AS wanted CROSS JOIN entity ON tenant = :tenant AND entity.id = wanted.value AND variant = ''
WHERE octet_length(doc) <= :longest;

-- name: entity_by_key
SELECT key, version, doc FROM entity WHERE key = ?;

-- name: entity_insert
INSERT INTO entity (key, tenant, id, variant, version, created, modified, expires, plain, kv, doc)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, jsonb(?), ?);

-- name: entity_update
UPDATE entity SET version = column2, modified = column3, expires = column4, plain = column5, kv = jsonb(column6), doc = column7
FROM (VALUES {(?, ?, ?, ?, ?, ?, ?)}) WHERE key = column1;

-- name: entity_delete
DELETE FROM entity WHERE key = ?;

-- name: entity_last_key
-- The highest key that any entity, living or past, ever had.
SELECT max(coalesce((SELECT max(key) FROM entity), 0), coalesce((SELECT max(key) FROM past), 0));

-- name: type_insert
INSERT OR IGNORE INTO entity_type (tenant, type, entity) VALUES (?, ?, ?);

-- name: type_delete
DELETE FROM entity_type WHERE tenant = ? AND type = ? AND entity = ?;

-- name: scope_insert
INSERT OR IGNORE INTO entity_scope (tenant, scope, entity) VALUES (?, ?, ?);

-- name: scope_delete
DELETE FROM entity_scope WHERE tenant = ? AND scope = ? AND entity = ?;

-- name: place_insert
INSERT INTO place (entity, name) VALUES (?, ?);

-- name: place_box_insert
-- The box of the place that was inserted just now.
INSERT INTO place_box (key, west, south, east, north) VALUES (last_insert_rowid(), ?, ?, ?, ?);

-- name: place_keys
SELECT key FROM place WHERE entity = ?;

-- name: place_box_delete
-- One at a time: a statement for several keeps a journal of its own, and giving that back walks through everything that the
-- transaction has changed so far.
DELETE FROM place_box WHERE key = ?;

-- name: place_delete
DELETE FROM place WHERE entity = ?;

-- name: census_add
-- So many entities more (or fewer) of a type, attribute and kind.
INSERT INTO census (tenant, type, name, kind, n) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET n = n + excluded.n;

-- name: census_types
SELECT type, n FROM census WHERE tenant = ? AND name = '' AND type <> '' AND n > 0;

-- name: census_count
-- How many entities of a type ('': of any).
SELECT n FROM census WHERE tenant = ? AND type = ? AND name = '' AND kind = '';

-- name: census_attributes
-- Attributes of the entities of one type ('': of all), with their kinds ('': their number).
SELECT name, kind, n FROM census WHERE tenant = ? AND type = ? AND name <> '' AND n > 0;

-- name: census_attribute_types
-- Which types have which attributes.
SELECT name, type FROM census WHERE tenant = ? AND type <> '' AND name <> '' AND kind = '' AND n > 0;

-- name: tenants
SELECT name FROM tenant ORDER BY name;

-- name: tenant_insert
INSERT OR IGNORE INTO tenant (name) VALUES (?);

-- name: entity_expired
-- Entities of which something has expired, the longest overdue first.
SELECT tenant, id, variant FROM entity WHERE expires <= ? ORDER BY expires LIMIT ?;
