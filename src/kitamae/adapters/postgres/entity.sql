-- name: entity_lock
-- These entities as they are now, for this transaction alone. Locked in one order everywhere, so that two workers that
-- want the same ones wait and do not block each other. The document is left out where its version is known already.
SELECT e.tenant, e.id, e.variant, e.key, e.version, e.created, e.modified, e.gone,
       CASE WHEN e.version = w.version THEN NULL ELSE e.doc END AS doc
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS w (tenant, id, variant, version)
JOIN entity AS e ON e.tenant = w.tenant AND e.id = w.id AND e.variant = w.variant
ORDER BY e.tenant, e.id, e.variant
FOR NO KEY UPDATE OF e;

-- name: rows_read
-- Living entities by id: key, version and document of each, by its place in the question.
SELECT w.n, e.key, e.version, e.doc
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS w (tenant, id, variant, n)
JOIN entity AS e ON e.tenant = w.tenant AND e.id = w.id AND e.variant = w.variant
WHERE NOT e.gone;

-- name: row_read
SELECT key, version, doc FROM entity WHERE tenant = $1 AND id = $2 AND variant = $3 AND NOT gone;

-- name: entity_by_keys
SELECT w.n, e.key, e.version, e.doc
FROM unnest($2::bigint[]) WITH ORDINALITY AS w (key, n)
JOIN entity AS e ON e.tenant = $1 AND e.key = w.key
WHERE NOT e.gone
ORDER BY w.n;

-- name: entity_insert
-- New ones. One that another worker made in the meantime is left out: whoever counts fewer rows begins again.
INSERT INTO entity (tenant, key, id, variant, version, created, modified, expires, plain, gone, kv, doc)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
                     $8::bigint[], $9::boolean[], $10::boolean[], $11::jsonb[], $12::bytea[])
ON CONFLICT (tenant, id, variant) DO NOTHING;

-- name: entity_update
UPDATE entity AS e
SET version = u.version, created = u.created, modified = u.modified, expires = u.expires, plain = u.plain, gone = u.gone,
    kv = u.kv, doc = u.doc
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::boolean[],
            $8::boolean[], $9::jsonb[], $10::bytea[])
     AS u (tenant, key, version, created, modified, expires, plain, gone, kv, doc)
WHERE e.tenant = u.tenant AND e.key = u.key;

-- name: entity_forget
DELETE FROM entity AS e USING unnest($1::text[], $2::bigint[]) AS u (tenant, key)
WHERE e.tenant = u.tenant AND e.key = u.key;

-- name: type_insert
INSERT INTO entity_type (tenant, type, entity) SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]);

-- name: type_delete
DELETE FROM entity_type AS s USING unnest($1::text[], $2::text[], $3::bigint[]) AS u (tenant, type, entity)
WHERE s.tenant = u.tenant AND s.type = u.type AND s.entity = u.entity;

-- name: scope_insert
INSERT INTO entity_scope (tenant, scope, entity) SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]);

-- name: scope_delete
DELETE FROM entity_scope AS s USING unnest($1::text[], $2::text[], $3::bigint[]) AS u (tenant, scope, entity)
WHERE s.tenant = u.tenant AND s.scope = u.scope AND s.entity = u.entity;

-- name: hot_insert
INSERT INTO hot (tenant, attribute, value, entity)
SELECT * FROM unnest($1::text[], $2::integer[], $3::jsonb[], $4::bigint[]);

-- name: hot_delete
DELETE FROM hot AS s
USING unnest($1::text[], $2::integer[], $3::jsonb[], $4::bigint[]) AS u (tenant, attribute, value, entity)
WHERE s.tenant = u.tenant AND s.attribute = u.attribute AND s.value = u.value AND s.entity = u.entity;

-- name: place_insert
INSERT INTO place (tenant, entity, name, shape)
SELECT tenant, entity, name,
       CASE WHEN west = east AND south = north THEN ST_SetSRID(ST_MakePoint(west, south), 4326)
            ELSE ST_MakeEnvelope(west, south, east, north, 4326) END
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::float8[], $5::float8[], $6::float8[], $7::float8[])
     AS u (tenant, entity, name, west, south, east, north);

-- name: place_delete
DELETE FROM place AS p USING unnest($1::text[], $2::bigint[]) AS u (tenant, entity)
WHERE p.tenant = u.tenant AND p.entity = u.entity;

-- name: census_add
INSERT INTO census (tenant, shape, n) SELECT * FROM unnest($1::text[], $2::bytea[], $3::bigint[]);

-- name: census_read
SELECT shape, sum(n)::bigint AS n FROM census WHERE tenant = $1 GROUP BY shape HAVING sum(n) > 0;

-- name: tenants
SELECT name FROM tenant ORDER BY name;

-- name: tenant_insert
INSERT INTO tenant (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING;

-- name: entity_expired
-- Entities of which something has expired, the longest overdue first.
SELECT tenant, id, variant FROM entity WHERE expires <= $1 ORDER BY expires LIMIT $2;

-- name: attributes_read
-- The keys of attribute names; those that are new are made by the next query.
SELECT a.name, a.dataset, a.key
FROM unnest($1::text[], $2::text[]) AS u (name, dataset)
JOIN attribute AS a ON a.name = u.name AND a.dataset = u.dataset;

-- name: attributes_insert
INSERT INTO attribute (name, dataset) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING;

-- name: hot_read
SELECT name, key FROM attribute WHERE hot;

-- name: hot_declare
UPDATE attribute SET hot = true WHERE name = $1 AND dataset = '' AND NOT hot RETURNING key;

-- name: hot_candidates
-- Values of an attribute in all living entities.
SELECT tenant, key, kv -> $1 AS value FROM entity WHERE kv ? $1 AND NOT gone;

-- name: entity_variants
SELECT id, variant FROM entity WHERE tenant = $1 AND id = ANY($2::text[]);

-- name: hot_insert_one
INSERT INTO hot (tenant, attribute, value, entity) VALUES ($1, $2, $3::jsonb, $4);
