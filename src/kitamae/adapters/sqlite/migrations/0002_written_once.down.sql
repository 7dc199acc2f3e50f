-- Every change says again what it wrote, and every instance its own id.
UPDATE change SET delta = (
    SELECT CAST(json_group_array(iif(
        told.type = 'text',
        json_array(attribute.name, told.atom, json(written.doc), NULL),
        json_array(attribute.name, 'deleted', NULL, json(told.value))
    ) ORDER BY told.key) AS BLOB)
    FROM json_each(CAST(change.delta AS TEXT)) AS told
    JOIN instance AS written ON written.number = change.history + told.key AND written.seq = change.seq
    JOIN attribute ON attribute.key = written.attribute
) WHERE history IS NOT NULL AND delta IS NOT NULL;
UPDATE instance SET doc = CAST(json_set(
    CAST(doc AS TEXT), '$.instanceId', printf('urn:ngsi-ld:instance:%x.%x.%x.%x', entity, attribute, seq, number)
) AS BLOB) WHERE doc ->> '$.instanceId' IS NULL;
ALTER TABLE change DROP COLUMN history;
