-- name: documents_lock
-- Whoever reads documents in order to write is alone until the commit, on all workers.
SELECT pg_advisory_xact_lock($1, 0);

-- name: document_read
SELECT doc FROM document WHERE kind = $1 AND tenant = $2 AND id = $3;

-- name: documents
SELECT tenant, id, doc FROM document WHERE kind = $1 AND tenant = $2 ORDER BY number;

-- name: documents_of_all
SELECT tenant, id, doc FROM document WHERE kind = $1 ORDER BY number;

-- name: document_put
INSERT INTO document (kind, tenant, id, number, doc)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bytea[])
ON CONFLICT (kind, tenant, id) DO UPDATE SET doc = excluded.doc;

-- name: document_drop
DELETE FROM document AS d USING unnest($1::text[], $2::text[], $3::text[]) AS u (kind, tenant, id)
WHERE d.kind = u.kind AND d.tenant = u.tenant AND d.id = u.id;

-- name: document_note
-- The next epoch, and what changed in it. The row of the epoch is held until the commit, so epochs are in its order.
WITH now AS (UPDATE mark SET value = value + 1 WHERE name = 'epoch' RETURNING value)
INSERT INTO document_change (epoch, kind, tenant, id)
SELECT now.value, u.kind, u.tenant, u.id
FROM now, unnest($1::text[], $2::text[], $3::text[]) AS u (kind, tenant, id)
RETURNING epoch;

-- name: documents_changed
-- What was kept or dropped after an epoch, as it is now; doc NULL: it was dropped.
SELECT c.epoch, c.kind, c.tenant, c.id, d.doc
FROM document_change AS c
LEFT JOIN document AS d ON d.kind = c.kind AND d.tenant = c.tenant AND d.id = c.id
WHERE c.epoch > $1
ORDER BY c.epoch;

-- name: document_changes_forget
DELETE FROM document_change WHERE epoch < (SELECT value FROM mark WHERE name = 'epoch') - $1;

-- name: epoch
SELECT value FROM mark WHERE name = 'epoch';
