-- An older Kitamae writes it and does not read it: what is there already needs none. It does read columns by their place.
CREATE TABLE was (
    number      INTEGER PRIMARY KEY,
    entity      INTEGER NOT NULL,
    attribute   INTEGER NOT NULL,
    t           INTEGER NOT NULL,
    observed    INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    modified_at INTEGER NOT NULL,
    deleted_at  INTEGER,
    num         ANY,
    txt         TEXT,
    doc         BLOB NOT NULL
) STRICT;
INSERT INTO was (number, entity, attribute, t, observed, seq, created_at, modified_at, deleted_at, num, doc)
SELECT number, entity, attribute, t, observed, seq, created_at, modified_at, deleted_at, num, doc FROM instance;
DROP TABLE instance;
ALTER TABLE was RENAME TO instance;
CREATE INDEX instance_series ON instance (entity, attribute, t, observed, num);
CREATE INDEX instance_deleted ON instance (entity, attribute, deleted_at) WHERE deleted_at IS NOT NULL;
