-- name: standing
-- What is compared of entities, in order. The sum is modulo 2147483629 (carried.PRIME).
SELECT here.tenant, here.id, here.variant, here.version, i.n, i.sum, i.last
FROM (
    SELECT tenant, id, variant, version, key FROM entity
    WHERE (tenant, id, variant) > ($1, $2, $3) AND (tenant, id, variant) <= ($4, $5, $6)
    ORDER BY tenant, id, variant LIMIT $7::bigint
) AS here
CROSS JOIN LATERAL (
    SELECT count(*) AS n, coalesce(sum(seq % 2147483629), 0)::bigint AS sum, coalesce(max(seq), 0) AS last
    FROM instance WHERE entity = here.key
) AS i
ORDER BY here.tenant, here.id, here.variant;

-- name: carried_entities
-- Entities by id, and how much of their history there is up to a seq, and which.
SELECT w.n, e.key, e.version, e.created, e.modified, e.gone, e.doc, i.count, i.sum
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) WITH ORDINALITY AS w (tenant, id, variant, last, n)
JOIN entity AS e ON e.tenant = w.tenant AND e.id = w.id AND e.variant = w.variant
CROSS JOIN LATERAL (
    SELECT count(*), coalesce(sum(seq % 2147483629), 0)::bigint AS sum
    FROM instance WHERE entity = e.key AND seq <= w.last
) AS i
ORDER BY w.n;

-- name: carried_history
-- What came after a seq, of each so much and whatever has the same seq as the last.
SELECT s.entity, a.name, a.dataset, i.attribute, i.t, i.observed, i.seq, i.part, i.created_at, i.modified_at,
       i.deleted_at, i.doc
FROM unnest($1::bigint[], $2::bigint[]) AS s (entity, after)
CROSS JOIN LATERAL (
    SELECT * FROM instance WHERE entity = s.entity AND seq > s.after
    ORDER BY seq FETCH FIRST ($3::bigint) ROWS WITH TIES
) AS i
JOIN attribute AS a ON a.key = i.attribute
ORDER BY s.entity, i.seq, i.part;

-- name: stretch
SELECT coalesce(max(seq), 0), count(*), count(delta),
       coalesce(sum(CASE WHEN delta IS NOT NULL THEN seq % 2147483629 END), 0)::bigint
FROM (SELECT seq, delta FROM change WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3::bigint) AS these;

-- name: changes_between
SELECT seq, tenant, entity, variant, verb, at, actor, types, key, delta FROM change
WHERE seq > $1 AND seq <= $2 ORDER BY seq;

-- name: changes_read
SELECT seq, tenant, entity, variant, verb, at, actor, types, key, delta FROM change
WHERE seq = ANY($1::bigint[]) ORDER BY seq;

-- name: change_put
-- Changes that say themselves what was written; nobody asks them for a key.
INSERT INTO change (seq, tenant, entity, variant, verb, at, actor, types, key, delta)
SELECT seq, tenant, entity, variant, verb, at, actor, types, 0, delta
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::bytea[],
            $9::bytea[]) AS u (seq, tenant, entity, variant, verb, at, actor, types, delta)
ON CONFLICT (seq) DO UPDATE SET delta = excluded.delta;

-- name: change_forget
UPDATE change SET delta = NULL WHERE seq = ANY($1::bigint[]) AND delta IS NOT NULL;

-- name: documents_carried
SELECT tenant, kind, id, number, doc FROM document
WHERE NOT (tenant = '' AND kind = 'identity' AND id IN ('moving', 'moved')) ORDER BY number;

-- name: document_carry
INSERT INTO document (tenant, kind, id, number, doc)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bytea[])
ON CONFLICT (kind, tenant, id) DO UPDATE SET doc = excluded.doc, number = excluded.number;

-- name: owed_numbers
SELECT number FROM owed ORDER BY number;

-- name: owed_read
SELECT number, tenant, queue, seq, at, payload FROM owed WHERE number = ANY($1::bigint[]) ORDER BY number;

-- name: high
-- Above every number that any transaction was given until now; the base is added to it.
SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint;

-- name: leaves_between
SELECT number, data FROM leaf WHERE number > $1 AND number <= $2 ORDER BY number LIMIT $3;

-- name: anything
-- Whether anything was ever written here.
SELECT EXISTS (SELECT 1 FROM change) OR EXISTS (SELECT 1 FROM document) OR EXISTS (SELECT 1 FROM entity)
    OR EXISTS (SELECT 1 FROM tenant) OR EXISTS (SELECT 1 FROM leaf);

-- name: keyed
-- Whoever has these keys, or these ids.
SELECT tenant, id, variant, key, version, created, modified, gone, doc FROM entity
WHERE tenant = ANY($1::text[]) AND key = ANY($4::bigint[])
UNION ALL
SELECT e.tenant, e.id, e.variant, e.key, e.version, e.created, e.modified, e.gone, e.doc
FROM unnest($1::text[], $2::text[], $3::text[]) AS w (tenant, id, variant)
JOIN entity AS e ON e.tenant = w.tenant AND e.id = w.id AND e.variant = w.variant;

-- name: history_take
-- Take away the history under some keys, and say which.
DELETE FROM instance WHERE entity = ANY($1::bigint[]) RETURNING entity, seq;

-- name: serving
-- Processes that serve some city of this database in this schema: each has one connection that follows.
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1;

-- name: alone
-- Whether nobody else fills this schema. For as long as the connection lives.
SELECT pg_try_advisory_lock($1, hashtext(current_schema()));

-- name: rows_between
-- Of a table that is carried as it is (`kernel/context/moving/tables.py`).
SELECT {columns} FROM {table} WHERE ({ordered}) > ({after}) AND ({ordered}) <= ({upto}) ORDER BY {ordered} LIMIT {most};

-- name: rows_put
INSERT INTO {table} ({columns}) SELECT * FROM unnest({arrays})
ON CONFLICT ({key}) DO UPDATE SET {changed};

-- name: rows_drop
DELETE FROM {table} WHERE ({key}) IN (SELECT * FROM unnest({key_arrays}));
