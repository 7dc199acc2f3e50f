-- Every change says again what it wrote, and every instance its own id.
UPDATE change SET delta = (
    SELECT CAST(json_group_array(json_array(
        told.value ->> 0, told.value ->> 1, iif(told.value ->> 1 = 'deleted', NULL, json(written.doc)), told.value -> 3
    ) ORDER BY told.key) AS BLOB)
    FROM json_each(CAST(change.delta AS TEXT)) AS told
    LEFT JOIN instance AS written ON written.number = change.history + told.key AND written.seq = change.seq
    WHERE told.value ->> 1 = 'deleted' OR written.number IS NOT NULL
) WHERE history IS NOT NULL AND delta IS NOT NULL;
UPDATE instance SET doc = CAST(json_set(
    CAST(doc AS TEXT), '$.instanceId', printf('urn:ngsi-ld:instance:%x.%x.%x.%x', entity, attribute, seq, number)
) AS BLOB) WHERE doc ->> '$.instanceId' IS NULL;
ALTER TABLE change DROP COLUMN history;
