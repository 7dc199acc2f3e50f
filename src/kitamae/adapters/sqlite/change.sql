-- name: change_insert
INSERT INTO change (seq, tenant, entity, variant, verb, at, actor, types, delta, history)
VALUES {(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)};

-- name: changes_after
-- Changes after a sequence number in commit order, for one follower's cursor.
SELECT seq, tenant, entity, variant, verb, at, actor, types, delta, history FROM change
WHERE seq > ? ORDER BY seq LIMIT ?;

-- name: changes_end
-- The last of so many: numbers that came from another store have wide gaps between them.
SELECT max(seq) FROM (SELECT seq FROM change WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?);

-- name: change_instances
-- The instances that one change left, as far as they are still there.
SELECT number, name, doc FROM instance JOIN attribute ON attribute.key = instance.attribute
WHERE number >= :first AND number < :end AND seq = :seq ORDER BY number;

-- name: change_expire
-- Forget what was written between two sequence numbers (the last included); that it was written stays.
UPDATE change SET delta = NULL WHERE seq > ? AND seq <= ? AND delta IS NOT NULL;

-- name: change_forget
-- Forget what one change wrote.
UPDATE change SET delta = NULL WHERE seq = ? AND delta IS NOT NULL;

-- name: change_erase
-- Forget what was written about one entity.
UPDATE change SET delta = NULL WHERE tenant = ? AND entity = ? AND delta IS NOT NULL;

-- name: last_seq
SELECT max(coalesce((SELECT max(seq) FROM change), 0), (SELECT value FROM mark WHERE name = 'seq'));

-- name: last_at
-- When the last change was made.
SELECT at FROM change ORDER BY seq DESC LIMIT 1;

-- name: mark_seq
-- Sequence numbers up to here were used by something that leaves no change row.
UPDATE mark SET value = max(value, ?) WHERE name = 'seq';

-- name: owed_insert
INSERT INTO owed (number, tenant, queue, seq, at, payload) VALUES {(?, ?, ?, ?, ?, ?)};

-- name: owed_last
-- The highest number that was ever given out and written.
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'owed'), 0);

-- name: owed_after
SELECT number, tenant, queue, seq, at, payload FROM owed WHERE queue = ? AND number > ? ORDER BY number LIMIT ?;

-- name: owed_queues
SELECT tenant, queue, count(*) FROM owed GROUP BY queue, tenant ORDER BY queue, tenant;

-- name: owed_sizes
SELECT queue, count(*), sum(length(payload)) FROM owed GROUP BY queue ORDER BY queue;

-- name: owed_settle
DELETE FROM owed WHERE number = ?;

-- name: document_put
INSERT INTO document (tenant, kind, id, doc) VALUES (?, ?, ?, ?)
ON CONFLICT (kind, tenant, id) DO UPDATE SET doc = excluded.doc;

-- name: document_get
SELECT doc FROM document WHERE kind = ? AND tenant = ? AND id = ?;

-- name: document_drop
DELETE FROM document WHERE kind = ? AND tenant = ? AND id = ? RETURNING 1;

-- name: documents
SELECT tenant, id, doc FROM document WHERE kind = ? AND tenant = ? ORDER BY number;

-- name: documents_of_all
SELECT tenant, id, doc FROM document WHERE kind = ? ORDER BY number;
