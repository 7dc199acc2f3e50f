-- name: recalled_table
-- Every connection's own: one series' rows for the question that is being answered. Its indexes are those of `instance`.
CREATE TEMP TABLE recalled (
    number INTEGER PRIMARY KEY, entity INTEGER, attribute INTEGER, t INTEGER, observed INTEGER, seq INTEGER,
    created_at INTEGER, modified_at INTEGER, deleted_at INTEGER, num ANY, doc BLOB
) STRICT;
CREATE INDEX temp.instance_series ON recalled (entity, attribute, t, observed, num);
CREATE INDEX temp.instance_deleted ON recalled (entity, attribute, deleted_at) WHERE deleted_at IS NOT NULL;

-- name: recalled_clear
DELETE FROM temp.recalled;

-- name: recalled_here
INSERT INTO temp.recalled SELECT * FROM main.instance
WHERE entity = :entity AND attribute = :attribute AND t >= :low AND t < :high;

-- name: recalled_insert
-- A row that has not left yet is here already.
INSERT OR IGNORE INTO temp.recalled
    (number, entity, attribute, t, observed, seq, created_at, modified_at, deleted_at, num, doc)
VALUES {(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)};

-- name: recalled_without_deleted
DELETE FROM temp.recalled WHERE number IN (SELECT number FROM main.tombstone);

-- name: files_of
-- The files that may hold something of a series between two times; how many deleted rows they still hold; when they end.
SELECT m.file, (SELECT count(*) FROM main.tombstone WHERE month = m.name), m.high
FROM main.compacted AS c JOIN main.month AS m ON m.name = c.month
WHERE c.entity = :entity AND c.attribute = :attribute AND m.high > :low AND m.low < :high AND m.file IS NOT NULL;

-- name: not_in_files
-- The instances of a series that files may hold and that do not count there: those deleted, and those that are here.
SELECT tombstone.number FROM main.tombstone JOIN main.month ON month.name = tombstone.month
WHERE month.high > :low AND month.low < :high
UNION ALL
SELECT number FROM main.instance
WHERE entity = :entity AND attribute = :attribute AND t >= :low AND t < min(:high, :edge);

-- name: younger
SELECT count(*) FROM (
    SELECT 1 FROM main.instance
    WHERE entity = :entity AND attribute = :attribute AND t >= :low AND t < :high AND observed >= :observed LIMIT :most
);

-- name: compacted_any
SELECT 1 FROM main.compacted WHERE entity = ? AND attribute = ? LIMIT 1;

-- name: months_here
-- Months that ended before a time and have rows in `instance`: by name, how many, and the bytes of their documents.
SELECT strftime('%Y-%m', t / 1000000, 'unixepoch') AS month, count(*), sum(octet_length(doc)) FROM instance WHERE t < ? GROUP BY month;

-- name: months
SELECT name, file, leaving FROM month;

-- name: months_unclean
-- Those whose file holds what is deleted.
SELECT month FROM tombstone UNION SELECT month FROM forgotten;

-- name: month_begin
INSERT INTO month (name, low, high, file, leaving) VALUES (:name, :low, :high, NULL, 1)
ON CONFLICT (name) DO UPDATE SET leaving = 1;

-- name: month_rows
SELECT number, entity, attribute, t, observed, seq, created_at, modified_at, deleted_at, num, doc FROM instance
WHERE t >= ? AND t < ?;

-- name: month_file
SELECT file FROM month WHERE name = ?;

-- name: month_tombstones
SELECT number FROM tombstone WHERE month = ?;

-- name: month_forgotten
SELECT entity, upto FROM forgotten WHERE month = ?;

-- name: month_written
UPDATE month SET file = :file WHERE name = :name;

-- name: month_left
UPDATE month SET leaving = 0 WHERE name = ?;

-- name: month_drop
-- There is nothing left in it.
DELETE FROM month WHERE name = ?;

-- name: compacted_clear
DELETE FROM compacted WHERE month = ?;

-- name: compacted_put
INSERT INTO compacted (entity, attribute, month, n) VALUES (?, ?, ?, ?);

-- name: tombstone_drop
DELETE FROM tombstone WHERE number = ?;

-- name: forgotten_drop
DELETE FROM forgotten WHERE month = ? AND entity = ? AND upto = ?;

-- name: forgotten_apply
-- What was forgotten while the file was written stays so.
DELETE FROM compacted WHERE month = :month
    AND entity IN (SELECT entity FROM forgotten WHERE month = :month);

-- name: tombstone_put
-- An instance of that time is deleted, and a file may hold it.
INSERT INTO tombstone (number, month) SELECT :number, name FROM month WHERE low <= :t AND :t < high
ON CONFLICT DO NOTHING;

-- name: forget_entity
-- All that files of some months hold of an entity (up to a number) is forgotten; `:before`: of months that ended by then.
INSERT INTO forgotten (month, entity, upto)
SELECT name, :entity, :upto FROM month WHERE high <= :before
    AND (leaving OR EXISTS (SELECT 1 FROM compacted WHERE entity = :entity AND month = name))
ON CONFLICT (month, entity) DO UPDATE SET upto = max(upto, excluded.upto);

-- name: compacted_forget
DELETE FROM compacted WHERE entity = :entity AND month IN (SELECT name FROM month WHERE high <= :before);

-- name: compacted_before
-- How many rows files hold of an entity in months that ended by a time.
SELECT coalesce(sum(n), 0) FROM compacted JOIN month ON month.name = compacted.month
WHERE compacted.entity = ? AND month.high <= ?;

-- name: mark_instance
-- Numbers up to here stand in files.
UPDATE mark SET value = max(value, ?) WHERE name = 'instance';
