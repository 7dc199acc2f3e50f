-- name: attribute_key
SELECT key FROM attribute WHERE name = ? AND dataset = ?;

-- name: attribute_insert
INSERT INTO attribute (name, dataset) VALUES (?, ?) RETURNING key;

-- name: instance_insert
INSERT INTO instance
    (number, entity, attribute, t, observed, seq, created_at, modified_at, deleted_at, num, doc)
VALUES {(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)};

-- name: last_instance
SELECT max(coalesce((SELECT max(number) FROM instance), 0), (SELECT value FROM mark WHERE name = 'instance'));

-- name: past_read
SELECT key, version, doc FROM past WHERE tenant = ? AND id = ? AND variant = ?;

-- name: past_insert
INSERT INTO past (key, tenant, id, variant, version, doc) VALUES (?, ?, ?, ?, ?, ?);

-- name: past_update
UPDATE past SET version = ?, doc = ? WHERE key = ?;

-- name: past_delete
DELETE FROM past WHERE key = ?;

-- name: past_empty
-- An entity that only history knew, and that it knows no more.
DELETE FROM past WHERE key = ?1
    AND NOT EXISTS (SELECT 1 FROM instance WHERE entity = ?1) AND NOT EXISTS (SELECT 1 FROM compacted WHERE entity = ?1);

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
SELECT min(attribute) FROM (
    SELECT min(attribute) AS attribute FROM instance WHERE entity = ?1 AND attribute > ?2
    UNION ALL
    SELECT min(attribute) FROM compacted WHERE entity = ?1 AND attribute > ?2
);

-- name: instances_observed
-- One series between two times (the first included), by the time property that the index is in the order of.
SELECT number, seq, iif(observed, t, NULL), created_at, modified_at, deleted_at, doc FROM {table}
WHERE entity = :entity AND attribute = :attribute AND t >= :low AND t < :high AND observed
ORDER BY t {direction}, number {direction} LIMIT :most;

-- name: instances_all
-- One series whatever its times.
SELECT number, seq, iif(observed, t, NULL), created_at, modified_at, deleted_at, doc FROM {table}
WHERE entity = :entity AND attribute = :attribute AND :low < :high
ORDER BY t {direction}, number {direction} LIMIT :most;

-- name: instances_created
SELECT number, seq, iif(observed, t, NULL), created_at, modified_at, deleted_at, doc FROM {table}
WHERE entity = :entity AND attribute = :attribute AND created_at >= :low AND created_at < :high
ORDER BY created_at {direction}, t {direction}, number {direction} LIMIT :most;

-- name: instances_modified
SELECT number, seq, iif(observed, t, NULL), created_at, modified_at, deleted_at, doc FROM {table}
WHERE entity = :entity AND attribute = :attribute AND modified_at >= :low AND modified_at < :high
ORDER BY modified_at {direction}, t {direction}, number {direction} LIMIT :most;

-- name: instances_deleted
SELECT number, seq, iif(observed, t, NULL), created_at, modified_at, deleted_at, doc FROM {table}
WHERE entity = :entity AND attribute = :attribute AND deleted_at >= :low AND deleted_at < :high
ORDER BY deleted_at {direction}, t {direction}, number {direction} LIMIT :most;

-- name: readings
-- Numbers and their times, from the index alone, as two JSON lists: each row that is handed over takes Python's lock once
-- more. A NULL is something else, to be read from its row.
SELECT json_group_array(num), json_group_array(t) FROM (
    SELECT num, t FROM {table}
    WHERE entity = :entity AND attribute = :attribute AND t >= :low AND t < :high AND observed >= :observed
    ORDER BY t {direction}, number {direction} LIMIT :most
);

-- name: readings_mixed
-- The same row by row, with the documents of what is no number.
SELECT num, t, iif(num IS NULL, doc, NULL) FROM {table}
WHERE entity = :entity AND attribute = :attribute AND t >= :low AND t < :high AND observed >= :observed
ORDER BY t {direction}, number {direction} LIMIT :most;

-- name: instance_by_number
-- One instance of a series by the place that its id names.
SELECT number, seq, iif(observed, t, NULL), created_at, modified_at, deleted_at, doc FROM {table}
WHERE number = :number AND entity = :entity AND attribute = :attribute AND doc ->> '$.instanceId' IS NULL;

-- name: instance_by_id
-- One instance of a series that brought its id along: it was edited, or written elsewhere. Rare, so the series is read
-- rather than an index paid for.
SELECT number, seq, iif(observed, t, NULL), created_at, modified_at, deleted_at, doc FROM {table}
WHERE entity = :entity AND attribute = :attribute AND :id = doc ->> '$.instanceId';

-- name: instance_delete
DELETE FROM instance WHERE number = ?;

-- name: instances_before
-- The oldest of one series.
SELECT number, t, seq FROM instance WHERE entity = ? AND attribute = ? AND t < ? ORDER BY t LIMIT ?;

-- name: history_delete
-- All that an entity ever was.
DELETE FROM instance WHERE entity = ?;

-- name: told_forget
-- What a change says itself (see migrations/0002), and not through the instance that is deleted now.
UPDATE change SET delta = NULL WHERE seq = ? AND history IS NULL AND delta IS NOT NULL;

-- name: told_erase
-- The same for all that an entity ever was.
UPDATE change SET delta = NULL
WHERE seq IN (SELECT seq FROM instance WHERE entity = ?) AND history IS NULL AND delta IS NOT NULL;

-- name: history_count
SELECT (SELECT count(*) FROM instance WHERE entity = ?1)
    + (SELECT coalesce(sum(n), 0) FROM compacted WHERE entity = ?1);

-- name: past_of_tenant
-- Entities that only history knows.
SELECT id, key, version, doc, 1 FROM past
WHERE tenant = :tenant AND id > :low AND id < :high ORDER BY id, variant;

-- name: past_named
-- Those of them with certain ids, bound as a JSON list.
SELECT id, key, version, doc, 1 FROM past
WHERE tenant = :tenant AND id IN (SELECT value FROM json_each(:ids)) AND id > :low AND id < :high
ORDER BY id, variant;

-- name: period_table
-- Every reading connection's own: the periods of the question that is being answered.
CREATE TEMP TABLE period (k INTEGER PRIMARY KEY, low INTEGER NOT NULL, high INTEGER NOT NULL, base);

-- name: periods_put
-- A JSON list of their boundaries: each reaches to where the next one starts.
INSERT INTO temp.period (k, low, high)
SELECT key, value, next FROM (SELECT key, value, lead(value) OVER (ORDER BY key) AS next FROM json_each(?))
WHERE next IS NOT NULL;

-- name: periods_clear
DELETE FROM temp.period;

-- name: numbers_end
-- The first time at which a series has a number, or the last.
SELECT t FROM instance
WHERE entity = :entity AND attribute = :attribute AND t >= :low AND t < :high AND observed >= :observed
    AND num IS NOT NULL
ORDER BY t {direction} LIMIT 1;

-- name: figures
-- For each period how many instances there are, how many of them numbers, and what is asked of those. One pass over the
-- index, in its own order: the periods are the outer loop, so nothing is sorted. One JSON list, since each row that is handed over takes Python's lock.
SELECT json_group_array(json_array({columns})) FROM (
    SELECT k, count(*) AS every, count(num) AS numbers, base{figures} FROM temp.period CROSS JOIN instance
    WHERE entity = :entity AND attribute = :attribute AND t >= period.low AND t < period.high AND observed >= :observed
    GROUP BY k
);

-- name: bases
-- For a deviation: a number of each period, the first. What the others differ from it by, and the squares of that, can be added
-- up in the same pass; squares of the numbers themselves would lose what is asked for.
UPDATE temp.period SET base = (
    SELECT num FROM instance
    WHERE entity = :entity AND attribute = :attribute AND t >= period.low AND t < period.high AND observed >= :observed
        AND num IS NOT NULL
    ORDER BY t LIMIT 1
);

-- name: period_numbers
-- The different numbers of some periods, bound as a JSON list.
SELECT DISTINCT k, num FROM temp.period CROSS JOIN instance
WHERE entity = :entity AND attribute = :attribute AND t >= period.low AND t < period.high AND observed >= :observed
    AND num IS NOT NULL AND k IN (SELECT value FROM json_each(:periods));

-- name: deleted_between
-- What a series has that is no number because it says that something was deleted.
SELECT count(*) FROM instance INDEXED BY instance_deleted
WHERE entity = :entity AND attribute = :attribute AND t >= :low AND t < :high AND observed >= :observed
    AND deleted_at IS NOT NULL;
