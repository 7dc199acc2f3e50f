-- name: person_lock
-- Whoever writes about a person, and whoever erases him, come one after the other until the commit, on all workers.
SELECT pg_advisory_xact_lock($1, hashtext($2));

-- name: record_put
-- Nothing where the key that sealed it was destroyed.
INSERT INTO vault_record (tenant, id, person, klass, kind, version, created, modified, due, fields)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
WHERE NOT EXISTS (SELECT 1 FROM vault_erased WHERE person = $3 AND klass = $4 AND upto >= $6)
ON CONFLICT (tenant, id) DO UPDATE SET klass = excluded.klass, kind = excluded.kind, version = excluded.version,
    modified = excluded.modified, due = excluded.due, fields = excluded.fields
WHERE vault_record.person = excluded.person
RETURNING 1;

-- name: record_get
SELECT tenant, id, person, klass, kind, version, created, modified, due, fields FROM vault_record
WHERE tenant = $1 AND id = $2;

-- name: records_of
SELECT tenant, id, person, klass, kind, version, created, modified, due, fields FROM vault_record
WHERE person = $1 AND tenant = $2 AND id > $3 AND (cardinality($4::text[]) = 0 OR kind = ANY ($4::text[]))
    AND (cardinality($5::text[]) = 0 OR klass = ANY ($5::text[]))
ORDER BY id LIMIT $6;

-- name: record_drop
DELETE FROM vault_record AS r USING unnest($1::text[], $2::text[], $3::integer[]) AS u (tenant, id, version)
WHERE r.tenant = u.tenant AND r.id = u.id AND r.version = u.version RETURNING 1;

-- name: record_left
SELECT EXISTS (SELECT 1 FROM vault_record WHERE person = $1 AND klass = $2);

-- name: records_due
SELECT tenant, id, person, klass, kind, version, created, modified, due, fields FROM vault_record
WHERE due <= $1 ORDER BY due LIMIT $2;

-- name: classes_due
SELECT count(*) FROM (SELECT DISTINCT person, klass FROM vault_record WHERE due <= $1) AS due;

-- name: records_older
SELECT tenant, id, person, klass, kind, version, created, modified, due, fields FROM vault_record
WHERE person = $1 AND klass = $2 AND version < $3 LIMIT $4;

-- name: receipt_put
-- Nothing where the key that sealed it was destroyed.
INSERT INTO vault_receipt (number, tenant, person, at, who, purpose, basis, session, version, sealed)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
WHERE NOT EXISTS (SELECT 1 FROM vault_erased WHERE person = $3 AND klass = $11 AND upto >= $9)
RETURNING 1;

-- name: receipts_of
SELECT number, tenant, person, at, who, purpose, basis, session, version, sealed FROM vault_receipt
WHERE person = $1 AND tenant = $2 AND number < $3 ORDER BY number DESC LIMIT $4;

-- name: receipt_of_session
SELECT EXISTS (SELECT 1 FROM vault_receipt WHERE person = $1 AND session = $2 AND tenant = $3 AND session <> '');

-- name: looks
SELECT number, tenant, coalesce(person, ''), at, who, purpose, basis, session <> '' FROM vault_receipt
WHERE number > $1 AND number <= $2 ORDER BY number;

-- name: looks_at
SELECT number, tenant, coalesce(person, ''), at, who, purpose, basis, session <> '' FROM vault_receipt
WHERE person = $1 AND tenant = $2 AND number < $3 ORDER BY number DESC LIMIT $4;

-- name: looks_numbered
SELECT number, tenant, coalesce(person, ''), at, who, purpose, basis, session <> '' FROM vault_receipt
WHERE number = ANY ($1::bigint[]) ORDER BY number;

-- name: receipts_older
SELECT number, tenant, person, at, who, purpose, basis, session, version, sealed FROM vault_receipt
WHERE person = $1 AND version < $2 LIMIT $3;

-- name: receipt_reseal
UPDATE vault_receipt SET version = $1, sealed = $2 WHERE number = $3;

-- name: receipts_due
-- Of the purposes that are listed (true), or of all others (false).
DELETE FROM vault_receipt WHERE number IN (
  SELECT number FROM vault_receipt WHERE at < $1 AND (purpose = ANY($2::text[])) = $3::boolean
    AND NOT number = ANY($4::bigint[]) ORDER BY at LIMIT $5
) RETURNING 1;

-- name: erased_note
INSERT INTO vault_erased (person, klass, upto) VALUES ($1, $2, $3)
ON CONFLICT (person, klass) DO UPDATE SET upto = greatest(vault_erased.upto, excluded.upto);

-- name: erased
SELECT person, klass, upto FROM vault_erased ORDER BY person, klass;

-- name: records_erase
WITH gone AS (DELETE FROM vault_record WHERE person = $1 AND klass = $2 AND version <= $3 RETURNING 1)
SELECT count(*) FROM gone;

-- name: receipts_erase
UPDATE vault_receipt SET person = NULL, session = '', sealed = NULL WHERE person = $1 AND version <= $2;

-- name: persons_count
SELECT count(DISTINCT person) FROM vault_record;
