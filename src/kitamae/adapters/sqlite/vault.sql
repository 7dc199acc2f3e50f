-- name: record_put
-- Nothing where the key that sealed it was destroyed.
INSERT INTO vault_record (tenant, id, person, klass, kind, version, created, modified, due, fields)
SELECT :tenant, :id, :person, :klass, :kind, :version, :created, :modified, :due, :fields
WHERE NOT EXISTS (SELECT 1 FROM vault_erased WHERE person = :person AND klass = :klass AND upto >= :version)
ON CONFLICT (tenant, id) DO UPDATE SET klass = excluded.klass, kind = excluded.kind, version = excluded.version,
    modified = excluded.modified, due = excluded.due, fields = excluded.fields
WHERE person = excluded.person
RETURNING 1;

-- name: record_get
SELECT tenant, id, person, klass, kind, version, created, modified, due, fields FROM vault_record
WHERE tenant = ? AND id = ?;

-- name: records_of
SELECT tenant, id, person, klass, kind, version, created, modified, due, fields FROM vault_record
WHERE person = :person AND tenant = :tenant AND id > :after
    AND (:kinds = '[]' OR kind IN (SELECT value FROM json_each(:kinds)))
    AND (:classes = '[]' OR klass IN (SELECT value FROM json_each(:classes)))
ORDER BY id LIMIT :most;

-- name: record_drop
DELETE FROM vault_record WHERE tenant = ? AND id = ? AND version = ? RETURNING 1;

-- name: record_left
SELECT EXISTS (SELECT 1 FROM vault_record WHERE person = ? AND klass = ?);

-- name: records_due
SELECT tenant, id, person, klass, kind, version, created, modified, due, fields FROM vault_record
WHERE due <= ? ORDER BY due LIMIT ?;

-- name: classes_due
SELECT count(*) FROM (SELECT DISTINCT person, klass FROM vault_record WHERE due <= ?);

-- name: records_older
SELECT tenant, id, person, klass, kind, version, created, modified, due, fields FROM vault_record
WHERE person = ? AND klass = ? AND version < ? LIMIT ?;

-- name: receipt_put
-- Nothing where the key that sealed it was destroyed.
INSERT INTO vault_receipt (number, tenant, person, at, who, purpose, basis, session, version, sealed)
SELECT :number, :tenant, :person, :at, :who, :purpose, :basis, :session, :version, :sealed
WHERE NOT EXISTS (SELECT 1 FROM vault_erased WHERE person = :person AND klass = :klass AND upto >= :version)
RETURNING 1;

-- name: receipts_of
SELECT number, tenant, person, at, who, purpose, basis, session, version, sealed FROM vault_receipt
WHERE person = ? AND tenant = ? AND number < ? ORDER BY number DESC LIMIT ?;

-- name: receipt_of_session
SELECT EXISTS (SELECT 1 FROM vault_receipt WHERE person = ? AND session = ? AND tenant = ?);

-- name: looks
SELECT number, tenant, coalesce(person, ''), at, who, purpose, basis, session <> '' FROM vault_receipt
WHERE number > ? AND number <= ? ORDER BY number;

-- name: looks_at
SELECT number, tenant, coalesce(person, ''), at, who, purpose, basis, session <> '' FROM vault_receipt
WHERE person = ? AND tenant = ? AND number < ? ORDER BY number DESC LIMIT ?;

-- name: looks_numbered
SELECT number, tenant, coalesce(person, ''), at, who, purpose, basis, session <> '' FROM vault_receipt
WHERE number IN (SELECT value FROM json_each(?)) ORDER BY number;

-- name: receipts_older
SELECT number, tenant, person, at, who, purpose, basis, session, version, sealed FROM vault_receipt
WHERE person = ? AND version < ? LIMIT ?;

-- name: receipt_reseal
UPDATE vault_receipt SET version = ?, sealed = ? WHERE number = ?;

-- name: receipts_due
-- Of the purposes that are listed (1), or of all others (0).
DELETE FROM vault_receipt WHERE number IN (
  SELECT number FROM vault_receipt WHERE at < ? AND (purpose IN (SELECT value FROM json_each(?))) = ?
    AND number NOT IN (SELECT value FROM json_each(?)) ORDER BY at LIMIT ?
) RETURNING 1;

-- name: erased_note
INSERT INTO vault_erased (person, klass, upto) VALUES (?, ?, ?)
ON CONFLICT (person, klass) DO UPDATE SET upto = max(upto, excluded.upto);

-- name: erased
SELECT person, klass, upto FROM vault_erased ORDER BY person, klass;

-- name: records_erase
DELETE FROM vault_record WHERE person = ? AND klass = ? AND version <= ?;

-- name: receipts_erase
UPDATE vault_receipt SET person = NULL, session = '', sealed = NULL WHERE person = ? AND version <= ?;

-- name: persons_count
SELECT count(DISTINCT person) FROM vault_record;
